import Chatterbox
import Foundation
import SpeechAudio
import SpeechText

/// The fields of a request `POST /v1/audio/speech`: OpenAI's, and this server's own.
struct SpeechOrder: Sendable {
    let model: String
    var input: String
    /// A voice's name or identifier.
    let voice: String
    var sound = SoundFormat(.mp3)
    /// The API through which the request arrived, which determines the format of the response.
    var shape = Shape.openAI
    /// Whether sound is sent in events.
    var isEvents = false
    /// Whether sound is sent while it is computed; otherwise as a whole, with its length.
    var isStreamed = true
    /// Whether the times of words are sent as well.
    var wantsWords = false
    var priority = SpeechPriority.interactive
    /// The options that the client has set; ``options(watermark:wordTimes:)`` adds the others.
    var manner = SpeechOptions()
    /// The adapters of this request.
    var adapters: [AdapterWeight] = []
    /// The judge that chooses among the takes.
    var judge: String?
    /// What was ignored, one sentence each.
    var warnings: [String] = []

    /// An adapter's name and weight.
    struct AdapterWeight: Sendable, Hashable {
        let name: String
        /// With a weight of 1 the adapter is applied as it was trained.
        let weight: Double
    }

    /// The largest number of adapters in a request.
    static let mostAdapters = 8

    /// - Parameters:
    ///   - limit: the largest number of characters of text.
    ///   - isStrict: whether unknown fields are refused.
    /// - Throws: ``APIError`` naming the field.
    init(_ body: Data, limit: Int, isStrict: Bool) throws {
        var fields = try RequestFields(parsing: body)
        guard let model = try fields.string("model") else { throw APIError.missing("model") }
        guard let input = try fields.string("input") else { throw APIError.missing("input") }
        try Self.check(input, "input", limit: limit)
        guard let voice = try fields.voice() else { throw APIError.missing("voice") }
        (self.model, self.input, self.voice) = (model, input, voice)
        if let name = try fields.string("response_format") {
            guard let format = AudioFormat(rawValue: name) else {
                throw APIError.invalid("response_format is \(name); known are mp3, opus, aac, flac, wav and pcm", "response_format")
            }
            sound = SoundFormat(format)
        }
        try takeSpeed(from: &fields)
        if let name = try fields.string("stream_format") {
            guard ["audio", "sse"].contains(name) else {
                throw APIError.invalid("stream_format is \(name); known are audio and sse", "stream_format")
            }
            isEvents = name == "sse"
        }
        if let stream = try fields.bool("stream") { isStreamed = stream }
        if let words = try fields.bool("timestamps") { wantsWords = words }
        try takeVoicing(from: &fields)
        manner.takes = try fields.number("takes", in: 1...10).map { number in
            guard number == number.rounded() else { throw APIError.invalid("takes must be a whole number", "takes", code: "invalid_type") }
            return Int(number)
        }
        judge = try fields.string("judge")
        for (name, isGiven) in [("takes", manner.takes != nil), ("judge", judge != nil)] where isGiven && !isWhole {
            throw APIError.invalid(
                "\(name) works only for complete answers, since a stream is played while it is spoken: add \"stream\": false", name)
        }
        if let instructions = try fields.string("instructions"), !instructions.isEmpty {
            warnings.append("instructions are ignored: these models take none")
        }
        try refuseOrIgnore(fields.unknown, isStrict: isStrict)
    }

    /// Takes the fields of a text that is spoken while it is being written.
    mutating func takeStreamed(_ fields: inout RequestFields, isStrict: Bool) throws {
        if let name = try fields.string("response_format") {
            guard let format = AudioFormat(rawValue: name), format != .wav, format != .flac else {
                throw APIError.invalid("response_format is \(name); a stream of sentences may be pcm, mp3, opus or aac", "response_format")
            }
            sound = SoundFormat(format)
        } else {
            sound = SoundFormat(.pcm)
        }
        if let rate = try fields.number("sample_rate", in: 8000...48_000) {
            sound.sampleRate = Int(rate)
            guard (try? SoundEncoder(sound, sampleRate: 24_000)) != nil else {
                throw APIError.invalid("\(sound.format.rawValue) is not stored at \(Int(rate)) Hz", "sample_rate")
            }
        }
        for name in ["takes", "judge"] where fields.ignore(name) {
            throw APIError.invalid("\(name) works only for complete answers, since a stream is played while it is spoken", name)
        }
        try takeSpeed(from: &fields)
        try takeVoicing(from: &fields)
        try refuseOrIgnore(fields.unknown, isStrict: isStrict)
        // Values that are out of range cause an error here, before anything is computed.
        _ = try options(watermark: false, wordTimes: false)
    }

    /// A request for a text without further fields.
    init(model: String, input: String, voice: String) { (self.model, self.input, self.voice) = (model, input, voice) }

    /// Takes the fields about speaking that OpenAI's requests may have.
    private mutating func takeVoicing(from fields: inout RequestFields) throws {
        try setLanguage(fields.string("language"))
        manner.seed = try fields.seed()
        try takeManner(from: &fields)
        do { manner.pauses = try Pauses(fields.numbers("pauses")) } catch let error as SpeechOptionsError {
            throw APIError.invalid(error, error.option)
        }
        adapters = try fields.adapters()
    }

    /// Takes the fields that change how a model speaks.
    mutating func takeManner(from fields: inout RequestFields) throws {
        manner.exaggeration = try fields.number("exaggeration", in: 0...10)
        manner.sampling.guidance = try fields.number("cfg_weight", in: 0...100)
        manner.sampling.temperature = try fields.number("temperature", in: 0...100)
        manner.sampling.topP = try fields.number("top_p", in: 0...1)
        manner.sampling.repetitionPenalty = try fields.number("repetition_penalty", in: 0.01...100)
    }

    mutating func takeSpeed(from fields: inout RequestFields) throws {
        manner.speed = try fields.number("speed", in: 0.25...4) ?? manner.speed
    }

    /// - Parameter code: nil for the model's own language.
    /// - Throws: ``APIError`` for a language that no model speaks.
    mutating func setLanguage(_ code: String?) throws {
        guard let code else { return manner.language = nil }
        guard let known = Language(code: code) else {
            throw APIError.invalid("language is \(code); known are \(Language.allCases.map(\.code).joined(separator: ", "))", "language")
        }
        manner.language = known
    }

    /// - Throws: ``APIError`` if the text is empty or too long.
    static func check(_ text: String, _ name: String, limit: Int) throws {
        guard text.contains(where: { !$0.isWhitespace }) else { throw APIError.invalid("\(name) has no text in it", name) }
        guard text.unicodeScalars.count <= limit else {
            throw APIError.invalid(
                "\(name) has \(text.unicodeScalars.count) characters; \(limit) are the most", name, code: "string_above_max_length")
        }
    }

    /// Handles fields with unknown names.
    mutating func refuseOrIgnore(_ unknown: [String], isStrict: Bool) throws {
        warnings += try UnknownFields.warnings(unknown, isStrict: isStrict)
    }

    /// The API through which a request arrived.
    enum Shape: Sendable { case openAI, elevenLabs }

    /// Whether the response is one file with its length.
    var isWhole: Bool { !isStreamed && !isEvents }

    /// How the text is spoken.
    ///
    /// - Throws: ``APIError`` for a value that is out of range.
    func options(watermark: Bool, wordTimes: Bool) throws -> SpeechOptions {
        var options = manner
        (options.watermark, options.wordTimes, options.delivery) = (watermark, wordTimes, isWhole ? .utterances : .chunks)
        do { try options.check() } catch { throw APIError.invalid(error, error.option) }
        return options
    }
}
