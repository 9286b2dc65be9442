import Foundation
import SpeechAudio

/// One text of a manifest, with its differences from the command line's options.
struct BatchItem: Sendable, Hashable {
    /// The name of the item and of its file: `kate-7` becomes `kate-7.wav`, `one/7` the file 7 in the folder one.
    let id: String
    /// Its line, for messages.
    let place: String
    var text: String?
    /// A file with the text, relative to the manifest.
    var file: String?
    var voice, model, language: String?
    var seed: UInt64?
    var exaggeration, cfgWeight, temperature, topP, minP, repetitionPenalty, speed, loudness: Double?
    var topK, steps, maxTokens, takes: Int?
    var adapters: [String]?
    var judge: JudgeName?
    var format: AudioFormat?
    /// Fields that have no effect.
    var ignored: [String] = []

    /// Why a line of a manifest is invalid.
    struct Refusal: Error, Hashable {
        /// The item's id, if it has one.
        var id: String?
        let place, reason: String
    }

    /// - Parameters:
    ///   - fields: names and values. A null or empty value counts as missing.
    ///   - number: the item's number, from 1, which is its id if it has none.
    /// - Throws: ``Refusal``.
    init(_ fields: [(name: String, value: BatchValue)], number: Int, place: String) throws(Refusal) {
        let given = fields.filter { !$0.value.isNothing }
        let id: String?
        do { id = try given.last { $0.name == "id" }?.value.string() } catch {
            throw Refusal(place: place, reason: "id is \(error.found); expected a text")
        }
        self.id = id ?? String(format: "%06d", number)
        self.place = place
        if let problem = Self.problem(withName: self.id) { throw Refusal(id: self.id, place: place, reason: problem) }
        for (name, value) in given where name != "id" {
            do { try take(name, value) } catch {
                throw Refusal(id: self.id, place: place, reason: "\(name) is \(error.found); expected \(error.expected)")
            }
        }
        switch (text, file) {
        case (nil, nil):
            throw Refusal(
                id: self.id, place: place, reason: "there is no text; expected the field text, or the field file with the name of a text file")
        case (_?, _?): throw Refusal(id: self.id, place: place, reason: "both text and file are given; give only one")
        default: break
        }
    }

    private mutating func take(_ name: String, _ value: BatchValue) throws(BatchValue.Mismatch) {
        switch name {
        case "text": text = try value.string()
        case "file": file = try value.string()
        case "voice": voice = try value.string()
        case "model": model = try value.string()
        case "language": language = try value.string()
        case "seed": seed = try value.seed()
        case "exaggeration": exaggeration = try value.number()
        case "cfg_weight": cfgWeight = try value.number()
        case "temperature": temperature = try value.number()
        case "top_p": topP = try value.number()
        case "min_p": minP = try value.number()
        case "repetition_penalty": repetitionPenalty = try value.number()
        case "speed": speed = try value.number()
        case "loudness": loudness = try value.number()
        case "top_k": topK = try value.count()
        case "steps": steps = try value.count()
        case "max_tokens": maxTokens = try value.count()
        case "takes": takes = try value.count()
        case "judge": judge = try value.choice()
        case "adapter": adapters = try value.strings()
        case "format": format = try value.choice(lowercased: true)
        default: ignored.append(name)
        }
    }

    /// What is wrong with an id, which becomes the name of a file in the output folder.
    private static func problem(withName id: String) -> String? {
        let parts = id.split(separator: "/", omittingEmptySubsequences: false)
        func isWrong(_ part: Substring) -> Bool {
            part.isEmpty || part.hasPrefix(".") || part.utf8.count > 200 || part.unicodeScalars.contains { $0.properties.generalCategory == .control }
        }
        guard parts.count > 8 || parts.contains(where: isWrong) else { return nil }
        return
            "id is \"\(id.prefix(60))\", which cannot name a file: expected at most eight parts between slashes, each of 1 to 200 bytes, without a dot in front"
    }
}

/// The value of a field of a manifest, from JSON, or from CSV, where every value is text.
enum BatchValue: Sendable, Hashable, Decodable {
    case nothing
    case text(String)
    /// A cell of a CSV file, which may also contain a number.
    case cell(String)
    case bool(Bool)
    case whole(UInt64)
    case decimal(Double)
    case list([BatchValue])
    case object

    /// A value of the wrong type for its field.
    struct Mismatch: Error {
        let found, expected: String
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        self =
            if container.decodeNil() { .nothing } else if let value = try? container.decode(Bool.self) {
                .bool(value)
            } else if let value =
                try? container
                .decode(UInt64.self)
            { .whole(value) } else if let value = try? container.decode(Double.self) {
                .decimal(value)
            } else if let value = try? container.decode(String.self) {
                .text(value)
            } else if let values = try? container.decode([BatchValue].self) { .list(values) } else { .object }
    }

    var isNothing: Bool { self == .nothing || self == .cell("") }

    func string() throws(Mismatch) -> String {
        switch self {
        case .text(let text), .cell(let text): text
        default: throw mismatch("a text")
        }
    }

    func strings() throws(Mismatch) -> [String] {
        guard case .list(let values) = self else { return [try string()] }
        var texts: [String] = []
        for value in values { texts.append(try value.string()) }
        return texts
    }

    func number() throws(Mismatch) -> Double {
        switch self {
        case .whole(let number): return Double(number)
        case .decimal(let number): return number
        case .cell(let text): if let number = Double(text), number.isFinite { return number }
        default: break
        }
        throw mismatch("a number")
    }

    func seed() throws(Mismatch) -> UInt64 {
        switch self {
        case .whole(let number): return number
        case .cell(let text): if let number = UInt64(text) { return number }
        default: break
        }
        throw mismatch("a whole number from 0")
    }

    func count() throws(Mismatch) -> Int {
        guard let number = try? seed(), let count = Int(exactly: number) else { throw mismatch("a whole number from 0") }
        return count
    }

    /// One of several names.
    ///
    /// - Parameter lowercased: whether capitals are allowed.
    func choice<Choice: RawRepresentable<String> & CaseIterable>(lowercased: Bool = false) throws(Mismatch) -> Choice {
        let name = try string()
        guard let choice = Choice(rawValue: lowercased ? name.lowercased() : name) else {
            throw mismatch(Choice.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return choice
    }

    private func mismatch(_ expected: String) -> Mismatch { Mismatch(found: shown, expected: expected) }

    private var shown: String {
        switch self {
        case .nothing: "null"
        case .text(let text), .cell(let text): "\"\(text.prefix(40))\""
        case .bool(let value): "\(value)"
        case .whole(let number): "\(number)"
        case .decimal(let number): "\(number)"
        case .list: "a list"
        case .object: "an object"
        }
    }
}
