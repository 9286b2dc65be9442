import Chatterbox
import Foundation
import Logging
import SpeechAudio

/// One request's speech on its way to a client: from the model's events to bytes of the format that was asked for.
actor OpenSpeech {
    /// What goes to the client next.
    struct Piece: Sendable {
        /// Of the stream.
        var bytes: [UInt8] = []
        /// Those that are heard in it, where they were asked for.
        var words: [SpokenWord] = []
        /// Seconds of sound before it, and in it; an encoder may hold some of that back.
        var start = 0.0, seconds = 0.0
    }

    /// Where sound goes.
    enum Destination: Sendable {
        /// Into pieces, as it is made.
        case stream
        /// Into a new file, which is complete after the last piece; none is replaced.
        case file(URL)
    }

    nonisolated let order: SpeechOrder
    nonisolated let model: String
    nonisolated let sampleRate: Int
    private let source: any SpeechSource
    private let encoder: SoundEncoder?
    private let file: AudioFileWriter?
    /// Held as long as this speech is.
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

    /// Whether the times of words are guessed from how long the words are.
    nonisolated let estimatesWords: Bool
    /// What is being spoken and when it began, where they are.
    private var begun: (text: String, start: Double)?

    /// - Parameters:
    ///   - voice: nil for the model's own.
    ///   - adapters: that the order names.
    ///   - begin: when the request came.
    ///   - pause: seconds of silence before the first sound.
    ///   - logger: takes the model's lines about it; nil for whom the model was loaded with.
    /// - Throws: ``APIError`` for options that the model cannot take.
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
        if estimatesWords { warnings.append("timestamps are estimated: \(lease.name) does not tell when words are heard") }
    }

    /// The next piece, with something in it; nil after the last.
    ///
    /// - Throws: what speaking throws.
    func next() async throws -> Piece? {
        while !isOver {
            guard let event = try await source.next() else { break }
            switch event {
            case .started(let drawn): seed = drawn
            case .warning(let warning): warnings.append(warning.description)
            case .audio(let chunk):
                for place in places { place.comes(to: .sounds) }
                let silence = listener.heard == 0 && pause > 0 ? Audio(silence: pause, sampleRate: chunk.audio.sampleRate) : nil
                let words =
                    chunk.words.map { SpokenWord(text: $0.text, start: $0.start + pause, end: $0.end + pause) }
                    + (estimatesWords && !chunk.text.isEmpty ? estimatedWords(before: chunk.text, at: listener.heard + (silence?.duration ?? 0)) : [])
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
                guard listener.heard > 0 else {
                    throw APIError(
                        .internalServerError, "the model ended without a sound; another seed may help", parameter: "input", code: "no_speech")
                }
                try file?.finish()
                let words = estimatesWords ? estimatedWords(before: "", at: listener.heard) : []
                if let last = piece(try encoder?.finish() ?? [], words) { return last }
            }
        }
        return nil
    }

    /// A piece with all sound since the one before; nil where there is nothing in it. What goes into a file has no bytes.
    private func piece(_ bytes: [UInt8], _ words: [SpokenWord]) -> Piece? {
        guard !bytes.isEmpty || !words.isEmpty || file != nil && listener.heard > given else { return nil }
        defer { given = listener.heard }
        return Piece(bytes: bytes, words: words, start: given, seconds: listener.heard - given)
    }

    /// The words of what has been spoken when another text begins, or none any more.
    private func estimatedWords(before next: String, at time: Double) -> [SpokenWord] {
        // A model that does not tell what it is speaking speaks all of the text.
        let ended = begun ?? (next.isEmpty ? (order.input, pause) : nil)
        begun = (next, time)
        return ended.map { $0.text.estimatedWords(from: $0.start, to: time) } ?? []
    }

    /// Ends the work; whoever waits for the next piece sees `CancellationError`.
    nonisolated func cancel() { source.cancel() }

    /// Seconds of sound so far.
    var seconds: Double { listener.heard }

    var usage: Usage { Usage(input: report.textTokens, output: report.speechTokens) }

    // MARK: figures

    private var intervals: [Double] = []

    /// Counts what this speech came to.
    func record(in metrics: SpeechMetrics, end: String, seconds: Double) {
        metrics.count("requests_success_total", [("model", model), ("finished_reason", end)])
        guard let first = listener.firstSound else { return }
        metrics.record("audio_ttfp_s", first, model)
        metrics.record("audio_duration_s", listener.heard, model)
        metrics.record("audio_underrun_s", listener.waited, model)
        metrics.record("e2e_request_latency_s", seconds, model)
        for interval in intervals { metrics.record("audio_chunk_interval_s", interval, model) }
        if listener.longest <= 0.1 { metrics.count("audio_continuity_ok_total", [("model", model), ("threshold_ms", "100")]) }
        if report.realTimeFactor > 0 { metrics.record("audio_rtf", 1 / report.realTimeFactor, model) }
    }

    /// How it ended, in the words of the metrics.
    var end: String { report.end == .stop ? "stop" : "length" }
}

extension String {
    /// Its words, each in its share of a piece of sound.
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
    /// A few words that nobody hears.
    init(warmingUp model: String, _ text: String) throws {
        try self.init(
            Data(JSON.bytes(["model": .string(model), "input": .string(text), "voice": "default", "response_format": "pcm"])), limit: 100,
            isStrict: true)
    }
}

extension Audio {
    /// So many seconds of silence, of one channel.
    fileprivate init(silence seconds: Double, sampleRate: Int) {
        self.init(samples: [Float](repeating: 0, count: Int((seconds * Double(sampleRate)).rounded())), sampleRate: sampleRate)
    }
}
