import Foundation
import TestSupport
import Testing

@testable import SpeechText

@Suite("ScalarKind") struct ScalarKindTests {
    @Test("the table has the properties of every scalar in Unicode") func all() {
        for value in UInt32(0)..<0x11_0000 {
            // The planes above those with letters have no table.
            if value == 0x3_2000 { break }
            guard let scalar = Unicode.Scalar(value) else { continue }
            if ScalarKind.kind(scalar) != ScalarKind(of: scalar) { Issue.record("U+\(String(value, radix: 16))") }
        }
    }

    @Test(
        "text made of scalars is the same text",
        arguments: ["", "a", "é", "日本", "😀\u{301}x", "\u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}\u{D7FF}\u{E000}"])
    func text(_ text: String) {
        #expect(String(scalars: Array(text.unicodeScalars)).unicodeScalars.elementsEqual(text.unicodeScalars))
    }
}

@Suite("Compatibility decomposition") struct CompatibleFormTests {
    @Test(
        "the result is Foundation's",
        arguments: [
            "", "plain", "Żółć ǅ ﬁ ½ ² Å", "й ё їй", "값이 한글", "か\u{3099} ガ ｶﾞ ㍿", "e\u{301}\u{323} e\u{323}\u{301} ệ", "\u{301}\u{323}", "शक्ति हिन्दी",
            "שָׁלוֹם", "مُحَمَّد ﷺ", "𝒜 😀",
            "ạ\u{302}\u{323}",
        ]) func examples(text: String)
    {
        for _ in 0..<2 { #expect(CompatibleForm.of(text).unicodeScalars.elementsEqual(text.decomposedStringWithCompatibilityMapping.unicodeScalars)) }
    }

    @Test("for any marks and letters as well", arguments: 0..<200) func any(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let blocks: [ClosedRange<UInt32>] = [
            0x41...0x24F, 0x300...0x34E, 0x590...0x6FF, 0x900...0x97F, 0x1E00...0x1FFE, 0x3041...0x30FF, 0xAC00...0xB000, 0xF900...0xFDFF,
        ]
        let scalars = (0..<40).compactMap { _ in Unicode.Scalar(UInt32.random(in: blocks.randomElement(using: &random)!, using: &random)) }
        let text = String(String.UnicodeScalarView(scalars))
        #expect(CompatibleForm.of(text).unicodeScalars.elementsEqual(text.decomposedStringWithCompatibilityMapping.unicodeScalars))
    }
}
