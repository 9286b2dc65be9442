/// The International Phonetic Alphabet, which no model reads.
enum PhoneticSigns {
    /// Signs that no language spoken here is written with.
    static let all = Set("ɪəʃʒɔʌʊɛɑɒɜɐɡɹɾʔɲʁɸɣʎˈˌːʰʲɚɝɨʉɯɤɵɘɞɶɱɳɴɽʀɬɮʋɻɭʟɰʍɥʜʢʡɕʑɧɟʄɠʛɓɗ".unicodeScalars)

    /// Words that are written in it, as `/ˈnuːjɛn/`, each once, in order.
    static func words(in text: String) -> [String] {
        guard text.unicodeScalars.contains(where: all.contains) else { return [] }
        return text.split(whereSeparator: \.isWhitespace).filter { $0.unicodeScalars.contains(where: all.contains) }.map { word in
            var word = word
            while let last = word.last, ".,;:!?()[]\"'“”".contains(last) { word.removeLast() }
            while let first = word.first, "()[]\"'“”".contains(first) { word.removeFirst() }
            return String(word)
        }.uniqued()
    }

    /// - Returns: nil where the text has no such word.
    static func note(on text: String) -> TextNote? {
        let words = words(in: text)
        guard !words.isEmpty else { return nil }
        let shown = words.prefix(5).joined(separator: " ") + (words.count > 5 ? " and \(words.count - 5) more" : "")
        return TextNote(
            .signs,
            "\(shown) \(words.count == 1 ? "is" : "are") in phonetic signs, which the model reads as letters or not at all: spell it as it sounds, as Win for Nguyen"
        )
    }
}
