/// JSON whose objects keep every member, in order.
///
/// Foundation's reader stores members in a dictionary of `String`s, in which tokens that are canonically equivalent ("é" in two spellings) become
/// one.
enum ExactJSON {
    case object([Member])
    case array([ExactJSON])
    case string(ExactText)
    case number(Double)
    case bool(Bool)
    case null

    /// - Throws: ``Problem`` if the bytes are not JSON or are nested too deeply.
    init(_ bytes: some Sequence<UInt8>) throws {
        var reader = Reader(bytes: Array(bytes))
        self = try reader.document()
    }

    struct Member {
        let name: ExactText
        let value: ExactJSON
    }

    struct Problem: Error {
        let description: String
    }

    /// The first member of this name.
    subscript(_ name: String) -> ExactJSON? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == ExactText(name) }?.value
    }
    var members: [Member]? { if case .object(let members) = self { members } else { nil } }
    var elements: [ExactJSON]? { if case .array(let elements) = self { elements } else { nil } }
    var text: ExactText? { if case .string(let text) = self { text } else { nil } }
    /// A whole number.
    var integer: Int? { if case .number(let number) = self { Int(exactly: number) } else { nil } }
    var isTrue: Bool { if case .bool(true) = self { true } else { false } }
}

extension ExactJSON {
    private struct Reader {
        let bytes: [UInt8]
        var position = 0

        private static let deepest = 64

        mutating func document() throws -> ExactJSON {
            let value = try value(depth: 0)
            skipSpace()
            guard position == bytes.count else { throw problem("something follows its end") }
            return value
        }

        private mutating func value(depth: Int) throws -> ExactJSON {
            guard depth < Self.deepest else { throw problem("its JSON is nested too deep") }
            skipSpace()
            switch peek {
            case UInt8(ascii: "{"):
                var members: [Member] = []
                try list(closedBy: "}") { reader in
                    reader.skipSpace()
                    let name = try reader.string()
                    reader.skipSpace()
                    try reader.expect(":")
                    members.append(Member(name: name, value: try reader.value(depth: depth + 1)))
                }
                return .object(members)
            case UInt8(ascii: "["):
                var elements: [ExactJSON] = []
                try list(closedBy: "]") { elements.append(try $0.value(depth: depth + 1)) }
                return .array(elements)
            case UInt8(ascii: "\""): return .string(try string())
            default: return try word()
            }
        }

        private mutating func list(closedBy end: Unicode.Scalar, _ item: (inout Reader) throws -> Void) throws {
            position += 1
            skipSpace()
            if peek == UInt8(ascii: end) {
                position += 1
                return
            }
            while true {
                try item(&self)
                skipSpace()
                if peek == UInt8(ascii: end) {
                    position += 1
                    return
                }
                try expect(",")
            }
        }

        private mutating func word() throws -> ExactJSON {
            let start = position
            while let byte = peek, !",]} \t\r\n".utf8.contains(byte) { position += 1 }
            switch String(decoding: bytes[start..<position], as: UTF8.self) {
            case "true": return .bool(true)
            case "false": return .bool(false)
            case "null": return .null
            case let word:
                guard let number = Double(word) else { throw problem("\"\(word.prefix(20))\" is not JSON") }
                return .number(number)
            }
        }

        private mutating func string() throws -> ExactText {
            try expect("\"")
            var text: [UInt8] = []
            while let byte = peek, byte != UInt8(ascii: "\"") {
                position += 1
                if byte == UInt8(ascii: "\\") { try text.append(contentsOf: escape()) } else { text.append(byte) }
            }
            try expect("\"")
            return ExactText(String(decoding: text, as: UTF8.self))
        }

        private mutating func escape() throws -> [UInt8] {
            guard let byte = peek else { throw problem("it ends within a string") }
            position += 1
            switch byte {
            case UInt8(ascii: "n"): return [0x0A]
            case UInt8(ascii: "t"): return [0x09]
            case UInt8(ascii: "r"): return [0x0D]
            case UInt8(ascii: "b"): return [0x08]
            case UInt8(ascii: "f"): return [0x0C]
            case UInt8(ascii: "u"):
                var units = [try codeUnit()]
                if UTF16.isLeadSurrogate(units[0]), bytes[position...].starts(with: Array("\\u".utf8)) {
                    position += 2
                    units.append(try codeUnit())
                }
                return Array(String(decoding: units, as: UTF16.self).utf8)
            default: return [byte]
            }
        }

        private mutating func codeUnit() throws -> UInt16 {
            let digits = bytes[position...].prefix(4)
            guard digits.count == 4, let unit = UInt16(String(decoding: digits, as: UTF8.self), radix: 16) else {
                throw problem("a \\u without four digits")
            }
            position += 4
            return unit
        }

        private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

        private mutating func skipSpace() {
            while let byte = peek, [0x20, 0x0A, 0x0D, 0x09].contains(byte) { position += 1 }
        }

        private mutating func expect(_ scalar: Unicode.Scalar) throws {
            guard peek == UInt8(ascii: scalar) else { throw problem("not JSON: \"\(scalar)\" expected at byte \(position)") }
            position += 1
        }

        private func problem(_ description: String) -> Problem { Problem(description: description) }
    }
}

/// Text that equals another only if all scalars are the same.
///
/// In Swift "é" and "e" followed by an accent are equal, as Unicode specifies. For a tokenizer they are different.
struct ExactText: Hashable, Sendable {
    let string: String

    init(_ string: String) { self.string = string }
    init(_ scalars: some Sequence<Unicode.Scalar>) { string = String(String.UnicodeScalarView(scalars)) }

    static func == (a: ExactText, b: ExactText) -> Bool { a.string.utf8.elementsEqual(b.string.utf8) }
    func hash(into hasher: inout Hasher) {
        var copy = string
        copy.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
    static func + (a: ExactText, b: ExactText) -> ExactText { ExactText(a.string + b.string) }
}
