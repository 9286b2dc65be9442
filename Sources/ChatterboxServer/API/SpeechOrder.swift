import Chatterbox
import Foundation
import SpeechAudio
import SpeechText

/// What `POST /v1/audio/speech` asks for: OpenAI's fields, and some of this server's own.
struct SpeechOrder: Sendable {
    let model: String
    let input: String
    /// A voice's name or identifier.
    let voice: String
    var format = AudioFormat.mp3
    /// Whether sound comes in events.
    var isEvents = false
    /// Whether sound comes as it is made; otherwise all at once, with its length.
    var isStreamed = true
    /// Whether the times of words come, too.
    var wantsWords = false
    var speed = 1.0
    var language: String?
    var seed: UInt64?
    var exaggeration: Double?
    var guidance: Double?
    var temperature: Double?
    var topP: Double?
    var repetitionPenalty: Double?
    /// Seconds of silence between pieces, by where they end.
    var pauses: [String: Double] = [:]
    /// What is added to the model for this order.
    var adapters: [AdapterWeight] = []
    /// What was ignored, by a sentence each.
    var warnings: [String] = []

    /// An adapter by its name, and how much of it.
    struct AdapterWeight: Sendable, Hashable {
        let name: String
        /// 1 is as it was trained.
        let weight: Double
    }

    /// The most adapters of one order.
    static let mostAdapters = 8

    /// - Parameters:
    ///   - limit: the most characters of text.
    ///   - isStrict: whether unknown fields are refused.
    /// - Throws: ``APIError`` naming the field.
    init(_ body: Data, limit: Int, isStrict: Bool) throws {
        guard let json = try? JSON(parsing: body), case .object(let members) = json else {
            throw APIError.invalid("the body is not a JSON object", nil, code: "invalid_json")
        }
        var fields = Fields(members)
        guard let model = try fields.string("model") else { throw Self.missing("model") }
        guard let input = try fields.string("input") else { throw Self.missing("input") }
        guard input.contains(where: { !$0.isWhitespace }) else { throw APIError.invalid("input has no text in it", "input") }
        guard input.unicodeScalars.count <= limit else {
            throw APIError.invalid("input has \(input.unicodeScalars.count) characters; \(limit) are the most", "input", code: "string_above_max_length")
        }
        guard let voice = try fields.voice() else { throw Self.missing("voice") }
        (self.model, self.input, self.voice) = (model, input, voice)
        if let name = try fields.string("response_format") {
            guard let format = AudioFormat(rawValue: name) else {
                throw APIError.invalid("response_format is \(name); known are mp3, opus, aac, flac, wav and pcm", "response_format")
            }
            self.format = format
        }
        if let speed = try fields.number("speed", in: 0.25...4) { self.speed = speed }
        if let name = try fields.string("stream_format") {
            guard ["audio", "sse"].contains(name) else {
                throw APIError.invalid("stream_format is \(name); known are audio and sse", "stream_format")
            }
            isEvents = name == "sse"
        }
        if let stream = try fields.bool("stream") { isStreamed = stream }
        if let words = try fields.bool("timestamps") { wantsWords = words }
        language = try fields.string("language")
        seed = try fields.number("seed", in: 0...9e15).map { number in
            guard number == number.rounded() else { throw APIError.invalid("seed must be a whole number", "seed", code: "invalid_type") }
            return UInt64(number)
        }
        exaggeration = try fields.number("exaggeration", in: 0...10)
        guidance = try fields.number("cfg_weight", in: 0...100)
        temperature = try fields.number("temperature", in: 0...100)
        topP = try fields.number("top_p", in: 0...1)
        repetitionPenalty = try fields.number("repetition_penalty", in: 0.01...100)
        pauses = try fields.numbers("pauses")
        adapters = try fields.adapters()
        if let instructions = try fields.string("instructions"), !instructions.isEmpty {
            warnings.append("instructions are ignored: these models take none")
        }
        for name in fields.unknown {
            if isStrict { throw APIError.invalid("\(name) is not a field of this request", name, code: "unknown_parameter") }
            warnings.append("\(name) is ignored: this server knows no such field")
        }
    }

    /// Whether the answer is one file with its length.
    var isWhole: Bool { !isStreamed && !isEvents }

    /// How the text is spoken.
    ///
    /// - Throws: ``APIError`` for a value that is out of range.
    func options(watermark: Bool, wordTimes: Bool) throws -> SpeechOptions {
        do {
            var known: Language?
            if let language {
                known = Language(code: language)
                guard known != nil else {
                    throw APIError.invalid("language is \(language); known are \(Language.allCases.map(\.code).joined(separator: ", "))", "language")
                }
            }
            return try SpeechOptions(
                sampling: SamplingChanges(temperature: temperature, topP: topP, repetitionPenalty: repetitionPenalty, guidance: guidance),
                exaggeration: exaggeration, language: known, seed: seed, watermark: watermark, wordTimes: wordTimes,
                delivery: isWhole ? .utterances : .chunks, speed: speed, pauses: Pauses(pauses))
        } catch let error as SpeechOptionsError {
            throw APIError.invalid("\(error)", error.option)
        } catch let error as SamplingError {
            throw APIError.invalid("\(error)", nil)
        }
    }

    private static func missing(_ name: String) -> APIError {
        APIError.invalid("\(name) is missing", name, code: "missing_required_parameter")
    }

    /// Fields that are taken one by one; `null` is none.
    private struct Fields {
        private var values: [String: JSON]

        init(_ members: [JSON.Member]) { values = Dictionary(members.map { ($0.name, $0.value) }) { $1 }.filter { $0.value != .null } }

        /// Those that nobody has taken, by name.
        var unknown: [String] { values.keys.sorted() }

        mutating func string(_ name: String) throws -> String? {
            guard let value = values.removeValue(forKey: name) else { return nil }
            guard case .string(let text) = value else { throw wrong(name, "a string") }
            return text
        }

        mutating func bool(_ name: String) throws -> Bool? {
            guard let value = values.removeValue(forKey: name) else { return nil }
            guard case .bool(let bool) = value else { throw wrong(name, "true or false") }
            return bool
        }

        mutating func number(_ name: String, in range: ClosedRange<Double>) throws -> Double? {
            guard let value = values.removeValue(forKey: name) else { return nil }
            guard case .number(let number) = value, range.contains(number) else {
                throw wrong(name, "a number from \(JSON.number(range.lowerBound).text) to \(JSON.number(range.upperBound).text)")
            }
            return number
        }

        /// An object of numbers.
        mutating func numbers(_ name: String) throws -> [String: Double] {
            guard let value = values.removeValue(forKey: name) else { return [:] }
            guard case .object(let members) = value else { throw wrong(name, "an object of numbers") }
            var numbers: [String: Double] = [:]
            for member in members {
                guard case .number(let number) = member.value else { throw wrong(name, "an object of numbers") }
                numbers[member.name] = number
            }
            return numbers
        }

        /// A name, or an object with an identifier.
        mutating func voice() throws -> String? {
            guard let value = values.removeValue(forKey: "voice") else { return nil }
            if case .string(let name) = value, !name.isEmpty { return name }
            if case .string(let name)? = value["id"], !name.isEmpty { return name }
            throw wrong("voice", "a name, or an object with an id")
        }

        /// A name, or an object of weights by name.
        mutating func adapters() throws -> [AdapterWeight] {
            guard let value = values.removeValue(forKey: "adapter") else { return [] }
            if case .string(let name) = value { return name.isEmpty ? [] : [AdapterWeight(name: name, weight: 1)] }
            guard case .object(let members) = value else { throw wrong("adapter", "a name, or an object of weights by name") }
            guard members.count <= SpeechOrder.mostAdapters else {
                throw APIError.invalid("adapter names \(members.count); \(SpeechOrder.mostAdapters) are the most", "adapter")
            }
            return try members.map { member in
                guard case .number(let weight) = member.value, abs(weight) <= 10 else { throw wrong("adapter", "weights from -10 to 10 by name") }
                return AdapterWeight(name: member.name, weight: weight)
            }
        }

        private func wrong(_ name: String, _ expected: String) -> APIError { APIError.invalid("\(name) must be \(expected)", name, code: "invalid_type") }
    }
}
