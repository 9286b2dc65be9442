import Chatterbox
import Foundation
import Logging
import SpeechAudio

/// The speech of one request: converts the model's events to bytes in the requested format.
actor OpenSpeech {
    /// The next part of the response.
    struct Piece: Sendable {
        /// The bytes of the stream.
        var bytes: [UInt8] = []
        /// The words spoken in this piece, if word times were requested.
        var words: [SpokenWord] = []
        /// Seconds of sound before this piece, and in it; an encoder may delay some of it.
        var start = 0.0, seconds = 0.0
    }

    /// Where the sound is written.
    enum Destination: Sendable {
        /// Into pieces, while it is computed.
        case stream
        /// Into a new file, which is complete after the last piece; no file is replaced.
        case file(URL)
    }

    nonisolated let order: SpeechOrder
    nonisolated let model: String
    nonisolated let sampleRate: Int
    private let source: any SpeechSource
    private let encoder: SoundEncoder?
    private let file: AudioFileWriter?
    /// Kept as long as this speech exists.
    private let lease: ModelLease
    private let places: [Place]
    private var isOver = false
    /// Seconds of silence before the first sound.
    private let pause: Double
    /// Seconds of sound in the pieces so far.
    private var given = 0.0
    private var listener: ListenerClock
    private(set) var report = SpeechReport()
    private(set) var seed: UInt64?
    private(set) var warnings: [String]

    /// Whether the times of words are estimated from the lengths of the words.
    nonisolated let estimatesWords: Bool
    /// The text being spoken and when it began, if they are known.
    private var begun: (text: String, start: Double)?

    /// - Parameters:
    ///   - voice: nil for the model's own voice.
    ///   - adapters: the adapters that the request names.
    ///   - begin: when the request arrived.
    ///   - pause: seconds of silence before the first sound.
    ///   - logger: gets the model's messages about this request; nil for the logger with which the model was loaded.
    /// - Throws: ``APIError`` for options that the model does not support.
    init(
        _ order: SpeechOrder, voice: Voice?, adapters: [AdapterUse] = [], lease: ModelLease, places: [Place] = [], configuration: ServerConfiguration,
        since begin: ContinuousClock.Instant = .now, into destination: Destination = .stream, after pause: Double = 0, logger: Logger? = nil
    ) throws {
        (self.pause, sampleRate) = (pause, order.sound.sampleRate ?? lease.model.sampleRate)
        (self.order, self.lease, self.places, model) = (order, lease, places, lease.name)
        let timesWords = order.wantsWords && lease.model.timesWords
        estimatesWords = order.wantsWords && !timesWords
        let options = try order.options(watermark: configuration.watermark && lease.model.marksSpeech, wordTimes: timesWords)
        source = lease.model.speech(
            SpeechRequest(
                order.input, voice: voice, options: options, adapters: adapters, priority: order.priority,
                judge: try configuration.judge(named: order.judge), logger: logger))
        for place in places { place.comes(to: .begins) }
        switch destination {
        case .stream: (encoder, file) = (try SoundEncoder(order.sound, sampleRate: lease.model.sampleRate), nil)
        case .file(let url): (encoder, file) = (nil, try AudioFileWriter(url, order.sound, sampleRate: lease.model.sampleRate, replaces: false))
        }
        listener = ListenerClock(since: begin)
        warnings = order.warnings
        if estimatesWords { warnings.append("timestamps are estimated: \(lease.name) does not compute word times") }
    }

    /// The next piece, which is not empty; nil after the last.
    ///
    /// - Throws: errors of speaking.
    func next() async throws -> Piece? {
        while !isOver {
            guard let event = try await source.next() else { break }
            switch event {
            case .started(let drawn): seed = drawn
            case .warning(let warning): warnings.append(warning.description)
            case .audio(let chunk):
                for place in places { place.comes(to: .sounds) }
                let silence = listener.received == 0 && pause > 0 ? Audio(silence: pause, sampleRate: chunk.audio.sampleRate) : nil
                let words =
                    chunk.words.map { SpokenWord(text: $0.text, start: $0.start + pause, end: $0.end + pause) }
                    + (estimatesWords && !chunk.text.isEmpty
                        ? estimatedWords(before: chunk.text, at: listener.received + (silence?.duration ?? 0)) : [])
                let sound = [silence, chunk.audio].compactMap(\.self)
                intervals += listener.take(sound.reduce(0) { $0 + $1.duration }).map { [$0] } ?? []
                var bytes: [UInt8] = []
                for sound in sound {
                    try file?.append(sound)
                    bytes += try encoder?.encode(sound) ?? []
                }
                if let piece = piece(bytes, words) { return piece }
            case .progress: break
            case .finished(let whole):
                report = whole
                isOver = true
                for place in places { place.comes(to: .ends) }
                guard listener.received > 0 else {
                    throw APIError(
                        .internalServerError, "the model ended without a sound; another seed may help", parameter: "input", code: "no_speech")
                }
                try file?.finish()
                let words = estimatesWords ? estimatedWords(before: "", at: listener.received) : []
                if let last = piece(try encoder?.finish() ?? [], words) { return last }
            }
        }
        return nil
    }

    /// A piece with all sound since the previous one; nil if it would be empty. For a file it contains no bytes.
    private func piece(_ bytes: [UInt8], _ words: [SpokenWord]) -> Piece? {
        guard !bytes.isEmpty || !words.isEmpty || file != nil && listener.received > given else { return nil }
        defer { given = listener.received }
        return Piece(bytes: bytes, words: words, start: given, seconds: listener.received - given)
    }

    /// The words of the preceding text, when another text begins or all text has been spoken.
    private func estimatedWords(before next: String, at time: Double) -> [SpokenWord] {
        // A model that does not report which text it speaks is assumed to speak all of it.
        let ended = begun ?? (next.isEmpty ? (order.input, pause) : nil)
        begun = (next, time)
        return ended.map { $0.text.estimatedWords(from: $0.start, to: time) } ?? []
    }

    /// Stops the computation; a call that waits for the next piece throws `CancellationError`.
    nonisolated func cancel() { source.cancel() }

    /// Seconds of sound so far.
    var seconds: Double { listener.received }

    var usage: Usage { Usage(input: report.textTokens, output: report.speechTokens) }

    // MARK: metrics

    private var intervals: [Double] = []

    /// Records this speech in the metrics.
    func record(in metrics: SpeechMetrics, end: String, seconds: Double) {
        metrics.count("requests_success_total", [("model", model), ("finished_reason", end)])
        guard let first = listener.firstSound else { return }
        metrics.record("audio_ttfp_s", first, model)
        metrics.record("audio_duration_s", listener.received, model)
        metrics.record("audio_underrun_s", listener.waited, model)
        metrics.record("e2e_request_latency_s", seconds, model)
        for interval in intervals { metrics.record("audio_chunk_interval_s", interval, model) }
        if listener.longest <= 0.1 { metrics.count("audio_continuity_ok_total", [("model", model), ("threshold_ms", "100")]) }
        if report.realTimeFactor > 0 { metrics.record("audio_rtf", 1 / report.realTimeFactor, model) }
    }

    /// The reason for its end, as in the metrics.
    var end: String { report.end == .stop ? "stop" : "length" }
}

extension String {
    /// Its words, each with its share of the time between two times.
    func estimatedWords(from begin: Double, to end: Double) -> [SpokenWord] {
        let words = split(whereSeparator: \.isWhitespace)
        let total = Double(words.reduce(0) { $0 + $1.count + 1 })
        var position = begin
        return words.map { word in
            let start = position
            position += Double(word.count + 1) / total * (end - begin)
            return SpokenWord(text: String(word), start: start, end: position)
        }
    }
}

extension SpeechOrder {
    /// A short text whose speech is discarded.
    init(warmingUp model: String, _ text: String) throws {
        try self.init(
            Data(JSON.bytes(["model": .string(model), "input": .string(text), "voice": "default", "response_format": "pcm"])), limit: 100,
            isStrict: true)
    }
}

extension Audio {
    /// Silence of this many seconds, with one channel.
    fileprivate init(silence seconds: Double, sampleRate: Int) {
        self.init(samples: [Float](repeating: 0, count: Int((seconds * Double(sampleRate)).rounded())), sampleRate: sampleRate)
    }
}
