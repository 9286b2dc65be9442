import Foundation

/// Decodes and cleans text: removes what cannot be spoken.
public enum PlainText {
    /// The text composed (Unicode's NFC), with ligatures and full-width, bold, circled and squared letters as plain ones (full-width punctuation
    /// except next to Chinese and Japanese), and without invisible characters: byte-order marks, soft hyphens, zero-width spaces, direction marks,
    /// control characters.
    ///
    /// Joiners are kept in scripts that need them.
    public static func cleaned(_ text: String) -> String {
        if text.utf8.allSatisfy({ (0x20..<0x7F).contains($0) || (9...13).contains($0) }) { return text }
        var scalars = String.UnicodeScalarView()
        let written = Array(text.unicodeScalars)
        func unfold(_ scalar: Unicode.Scalar) {
            let unfolded = String(scalar).precomposedStringWithCompatibilityMapping
            // ㎡ contains its exponent, ² likewise.
            let isSquare = (0x3371...0x33DF).contains(scalar.value)
            scalars.append(contentsOf: (isSquare ? unfolded.replacing("2", with: "²").replacing("3", with: "³") : unfolded).unicodeScalars)
        }
        for (index, scalar) in written.enumerated() {
            switch scalar.value {
            case 0...8, 0x0E...0x1F, 0x7F...0x84, 0x86...0x9F, 0xAD, 0x200B, 0x200E, 0x200F, 0x202A...0x202E, 0x2060...0x2064, 0x2066...0x2069,
                0xFEFF, 0xFE00...0xFE0F:
                continue
            case 0x200C, 0x200D:
                guard let last = scalars.last, (0x0600...0x0DFF).contains(last.value) else { continue }
                scalars.append(scalar)
            case 0xFF01, 0xFF08, 0xFF09, 0xFF0C, 0xFF0E, 0xFF1A, 0xFF1B, 0xFF1F, 0xFF3B, 0xFF3D, 0xFF5B, 0xFF5D, 0xFF5E:
                // Next to Chinese or Japanese characters a mark ends a sentence without a space, also after "2024" and "Swift".
                if scalars.last.map(isIdeograph) == true || index + 1 < written.count && isIdeograph(written[index + 1]) {
                    scalars.append(scalar)
                } else {
                    unfold(scalar)
                }
            // The hyphens that forbid or allow a line break.
            case 0x2010, 0x2011: scalars.append("-")
            // Roman numerals, circled numbers and letters, units in one character, bold and script letters, half-width syllables, ligatures.
            case 0x2160...0x217F, 0x2460...0x2473, 0x24B6...0x24EA, 0x2F00...0x2FD5, 0x3371...0x337A, 0x3380...0x33DF, 0x1D400...0x1D7FF,
                0xFF61...0xFF9F, 0xFB00...0xFB06, 0xFF01...0xFF5E:
                unfold(scalar)
            default: scalars.append(scalar)
            }
        }
        return String(scalars).precomposedStringWithCanonicalMapping
    }

    private static func isIdeograph(_ scalar: Unicode.Scalar) -> Bool {
        (0x2E80...0x9FFF).contains(scalar.value) || (0xAC00...0xD7AF).contains(scalar.value)
    }

    /// Text from a file: UTF-8, or UTF-16 or UTF-32 with a byte order mark, which is removed.
    ///
    /// - Throws: ``TextEncodingError`` with the probable encoding of the bytes.
    public static func decoded(_ bytes: Data) throws -> String {
        let beginning = Array(bytes.prefix(4))
        if beginning == [0xFF, 0xFE, 0, 0] || beginning == [0, 0, 0xFE, 0xFF] {
            guard bytes.count.isMultiple(of: 4), let text = String(data: bytes, encoding: .utf32) else {
                throw TextEncodingError(found: "damaged UTF-32", offset: 0)
            }
            return text.first == "\u{FEFF}" ? String(text.dropFirst()) : text
        }
        if beginning.starts(with: [0xFF, 0xFE]) || beginning.starts(with: [0xFE, 0xFF]) {
            guard bytes.count.isMultiple(of: 2), let text = String(data: bytes, encoding: .utf16) else {
                throw TextEncodingError(found: "damaged UTF-16", offset: 0)
            }
            return text.first == "\u{FEFF}" ? String(text.dropFirst()) : text
        }
        let body = beginning.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes
        // Text contains no zero bytes, although UTF-8 allows them.
        if let zero = body.firstIndex(of: 0) {
            throw TextEncodingError(found: "UTF-16 or UTF-32 without its byte-order mark, or no text", offset: zero - body.startIndex)
        }
        if let text = String(validating: body, as: UTF8.self) { return text }
        let offset = body.firstIndex { $0 >= 0x80 }.map { $0 - body.startIndex } ?? 0
        throw TextEncodingError(found: "a code page such as Windows-1252", offset: offset)
    }
}

/// Bytes that are not valid text.
public struct TextEncodingError: Error, Hashable, CustomStringConvertible {
    /// The probable encoding.
    public let found: String
    /// The first byte that shows it, from 0.
    public let offset: Int

    public var description: String { "the text is not UTF-8: byte \(offset) looks like \(found)" }
}
