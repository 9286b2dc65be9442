import Foundation

/// Converts Japanese with MeCab: words with kanji become hiragana, everything else stays.
///
/// Upstream uses pykakasi, whose readings a ``LanguageHelper`` can provide; MeCab takes more of the context into account.
struct JapaneseReader: Sendable {
    let command: [String]

    /// - Throws: ``LanguageToolError``.
    func hiragana(_ text: String) throws -> String {
        // One line for each word: the word, and the dictionary's eighth field, its reading in katakana.
        let program = try ToolProcess(
            command + ["--node-format=%m\\t%f[7]\\n", "--unk-format=%m\\t\\n", "--eos-format=\\n"])
        let patience = ToolProcess.Patience(seconds: 60)
        try program.send(Data((text.replacing("\n", with: " ") + "\n").utf8), patience: patience)
        program.finishSending()
        let words = String(decoding: try program.rest(patience: patience), as: UTF8.self)
        guard !words.isEmpty else { throw LanguageToolError.ended(command: command[0]) }
        return Self.joined(words, as: text)
    }

    /// Joins MeCab's words to a text, with the spaces that MeCab leaves out.
    static func joined(_ words: String, as text: String) -> String {
        var rest = text[...]
        var joined = ""
        for line in words.split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: "\t", omittingEmptySubsequences: false)
            let word = parts[0]
            guard !word.isEmpty, let place = rest.range(of: word) else { continue }
            joined += rest[..<place.lowerBound]
            rest = rest[place.upperBound...]
            let reading = parts.count > 1 ? hiragana(parts[1]) : ""
            guard word.unicodeScalars.contains(where: \.isKanji), !reading.isEmpty, reading != "*" else {
                joined += word
                continue
            }
            // As in upstream: the space prevents a reading from being taken for the particle.
            joined += reading.hasPrefix("は") || reading.hasPrefix("へ") ? " " + reading : reading
        }
        return joined + rest
    }

    private static func hiragana(_ katakana: Substring) -> String {
        String(
            String.UnicodeScalarView(
                katakana.unicodeScalars.map { scalar in
                    (0x30A1...0x30F6).contains(scalar.value) ? Unicode.Scalar(scalar.value - 0x60)! : scalar
                }))
    }
}
