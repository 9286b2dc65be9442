import Foundation

@testable import SpeechText

/// The steps from a file's bytes to pieces. The first byte chooses the language.
func readText(_ bytes: Data) throws {
    guard let first = bytes.first else { return }
    let data = Data(bytes.dropFirst())
    let text: String
    do { text = try PlainText.decoded(data) } catch { text = String(decoding: data, as: UTF8.self) }
    let plain = PlainText.cleaned(text)
    let marked = MarkedText(plain, speakers: ["ada"])
    var written = String.UnicodeScalarView()
    for case .speech(let part, _) in marked.parts { written.append(contentsOf: part.written.unicodeScalars) }
    precondition(written.elementsEqual(plain.unicodeScalars), "markup loses what is written")
    let form = forms[languages[Int(first) % languages.count]]!
    for case .speech(let part, _) in marked.parts {
        let spoken = form(part.text)
        precondition(spoken.written.unicodeScalars.elementsEqual(part.text.unicodeScalars), "normalising loses what is written")
        var slices = SpokenTextSlices(spoken)
        while !slices.next(7).segments.isEmpty {}
        let splitter = SentenceSplitter()
        let pieces = splitter(part.text)
        precondition(pieces.flatMap { lettersAndDigits(of: $0.text) } == lettersAndDigits(of: part.text), "splitting loses what is written")
        precondition(pieces.allSatisfy { splitter.length($0.text) <= splitter.limit }, "a piece is longer than the limit")
        _ = try? SpeechScript(part.text)
    }
    _ = LanguageGuess(plain, among: Set(languages))
    if let lexicon = try? Lexicon(tsv: text) { _ = lexicon(plain) }
}

private func lettersAndDigits(of text: String) -> [Unicode.Scalar] {
    text.unicodeScalars.filter { scalar in
        switch scalar.properties.generalCategory {
        case .lowercaseLetter, .uppercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber: true
        default: false
        }
    }
}

private let languages = LanguageWords.all.keys.sorted()
private let forms = Dictionary(uniqueKeysWithValues: languages.map { ($0, SpokenForm(language: $0)) })
