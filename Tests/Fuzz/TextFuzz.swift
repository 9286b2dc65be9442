import Foundation

/// libFuzzer's target: the steps of SpeechText over any bytes. The first byte chooses the language.
///
/// `scripts/fuzz-text` compiles it together with the sources of SpeechText. Crashes, hangs (`-timeout`) and growth
/// (`-rss_limit_mb`) are the fuzzer's to see; what is checked here is that no written character is lost.
@_cdecl("LLVMFuzzerTestOneInput")
public func takeAnyText(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 1 else { return 0 }
    let languages = ["en", "de", "fr", "es", "it", "pt", "nl", "pl", "ru", "tr", "hi", "zh", "ja", "ko", "ar", "sv", "da", "no", "fi", "el", "he", "ms", "sw"]
    let data = Data(bytes: bytes + 1, count: count - 1)
    let text: String
    do { text = try PlainText.decoded(data) } catch { text = String(decoding: data, as: UTF8.self) }
    let plain = PlainText.cleaned(text)
    let marked = MarkedText(plain, speakers: ["ada"])
    var written = String.UnicodeScalarView()
    for case .speech(let part, _) in marked.parts { written.append(contentsOf: part.written.unicodeScalars) }
    precondition(written.elementsEqual(plain.unicodeScalars), "markup loses what is written")
    let form = forms[languages[Int(bytes[0]) % languages.count]]!
    for case .speech(let part, _) in marked.parts {
        let spoken = form(part.text)
        precondition(spoken.written.unicodeScalars.elementsEqual(part.text.unicodeScalars), "normalising loses what is written")
        var slices = SpokenTextSlices(spoken)
        while !slices.next(7).segments.isEmpty {}
    }
    _ = LanguageGuess(plain, among: Set(languages))
    if let lexicon = try? Lexicon(tsv: text) { _ = lexicon(plain) }
    return 0
}

private let forms = Dictionary(uniqueKeysWithValues: LanguageWords.all.keys.map { ($0, SpokenForm(language: $0)) })
