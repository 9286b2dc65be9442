import Foundation

/// The steps of each language between normalised text and tokens (upstream: `models/tokenizers/tokenizer.py`).
///
/// | language | step | taken by |
/// |---|---|---|
/// | Chinese | words apart, then Cangjie codes | a ``LanguageHelper``, else ``ChineseSegmenter``; ``CangjieTable`` |
/// | Japanese | kanji as hiragana | a ``LanguageHelper``, else ``JapaneseReader`` |
/// | Korean | syllables as Jamo | here |
/// | Hebrew | vowel points | a ``LanguageHelper`` |
/// | Russian | stress marks | a ``LanguageHelper`` |
///
/// Other languages have no steps. A step that cannot be carried out is left out, with a note.
struct LanguageSteps: Sendable {
    let cangjie: CangjieTable?
    let helper: LanguageHelper?
    let japanese: JapaneseReader?
    let segmenter: ChineseSegmenter?

    typealias Result = (text: String, notes: [TextNote])

    /// The text in the spelling of its language's tokens. Expects lower-case and decomposed text.
    func callAsFunction(_ text: String, _ language: Language) -> Result {
        switch language {
        case .chinese: chinese(text)
        case .japanese: japanese(text)
        case .korean: (Self.jamo(text), [])
        case .hebrew: helped(text, .hebrew, "vowel points") ?? (text, [skipped(.hebrew, "vowel points are not added")])
        case .russian: helped(text, .russian, "stress marks") ?? (text, [skipped(.russian, "stress is not marked")])
        default: (text, [])
        }
    }

    private func chinese(_ text: String) -> Result {
        var (words, notes) = helped(text, .chinese, "words") ?? segmented(text)
        if let cangjie {
            words = cangjie.encoded(words)
        } else {
            notes.append(
                TextNote(
                    .skippedStep, "Chinese: characters are not spelled in Cangjie, the model's folder has no \(CangjieTable.fileName)"))
        }
        return (words, notes)
    }

    private func segmented(_ text: String) -> Result {
        guard let segmenter else {
            return (text, [skipped(.chinese, "the text is not divided into words", or: "install jieba's dictionary (python3-jieba)")])
        }
        do { return (try segmenter.words(text).joined(separator: " "), []) } catch {
            return (text, [TextNote(.skippedStep, "Chinese: the text is not divided into words: \(error)")])
        }
    }

    private func japanese(_ text: String) -> Result {
        let composed = text.precomposedStringWithCanonicalMapping
        guard composed.unicodeScalars.contains(where: \.isKanji) else { return (text, []) }
        // Upstream passes decomposed kana, which its reader's dictionary does not contain: it reads 食べたり as くべたり.
        if let helped = helped(composed, .japanese, "readings") { return helped }
        guard let japanese else {
            return (text, [skipped(.japanese, "kanji are not read", or: "install MeCab with a dictionary (mecab, mecab-ipadic-utf8)")])
        }
        do { return (try japanese.hiragana(composed).decomposedStringWithCompatibilityMapping, []) } catch {
            return (text, [TextNote(.skippedStep, "Japanese: kanji are not read: \(error)")])
        }
    }

    /// The helper's answer; nil if there is no helper.
    private func helped(_ text: String, _ language: Language, _ what: String) -> Result? {
        guard let helper else { return nil }
        do { return (try helper.processed(text, language), []) } catch {
            return (text, [TextNote(.skippedStep, "\(language.name): no \(what): \(error)")])
        }
    }

    private func skipped(_ language: Language, _ what: String, or remedy: String? = nil) -> TextNote {
        let remedies = (remedy.map { $0 + " or " } ?? "") + "give a language helper"
        return TextNote(.skippedStep, "\(language.name): \(what), which may be audible; \(remedies)")
    }

    /// Decomposes syllables into Jamo. In decomposed text only code points without an assignment in Unicode are left to decompose.
    static func jamo(_ text: String) -> String {
        let jamo = text.unicodeScalars.flatMap { scalar -> [Unicode.Scalar] in
            guard (0xAC00...0xD7AF).contains(scalar.value) else { return [scalar] }
            let (syllable, final) = (scalar.value - 0xAC00).quotientAndRemainder(dividingBy: 28)
            let (initial, medial) = syllable.quotientAndRemainder(dividingBy: 21)
            let parts = [0x1100 + initial, 0x1161 + medial] + (final > 0 ? [0x11A7 + final] : [])
            return parts.map { Unicode.Scalar($0)! }
        }
        let isSpace = { (scalar: Unicode.Scalar) in scalar.isPythonSpace }
        guard let first = jamo.firstIndex(where: { !isSpace($0) }), let last = jamo.lastIndex(where: { !isSpace($0) }) else { return "" }
        return String(scalars: jamo[first...last])
    }
}

extension Unicode.Scalar {
    /// The ideographs that upstream's Japanese step looks for.
    var isKanji: Bool { (0x4E00...0x9FFF).contains(value) }
}
