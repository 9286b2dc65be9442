import Foundation
import Testing

@testable import SpeechText

@Suite("Removing what is not spoken")
struct PlainTextTests {
    @Test(
        "ligatures, full-width, squared and script letters and accents become plain, invisible characters are removed",
        arguments: [
            ("The ﬁnal ofﬁce.", "The final office."), ("Ｈｅｌｌｏ！", "Hello!"), ("cafe\u{301}", "café"), ("zero\u{200B}width\u{FEFF}", "zerowidth"),
            ("soft\u{AD}ly", "softly"),
            ("plain", "plain"), ("می\u{200C}خواهم", "می\u{200C}خواهم"), ("a\u{200D}b", "ab"), ("你好？我很好！Ｏｋ！", "你好？我很好！Ok!"),
            ("共100！下一句ABC？好", "共100！下一句ABC？好"), ("10％、３～５日", "10%、3~5日"), ("Ⅳ ① Ⓐ ㎞ ㎡ ﾊﾞ", "IV 1 A km m² バ"),
            ("𝐁𝐨𝐥𝐝 𝓼𝓬𝓻𝓲𝓹𝓽 x² ½ ™", "Bold script x² ½ ™"),
            ("non\u{2011}breaking", "non-breaking"), ("a\u{1A}b\u{7F}\u{9B}c\td\n", "abc\td\n"),
        ]) func cleaning(text: String, clean: String)
    {
        #expect(PlainText.cleaned(text).unicodeScalars.elementsEqual(clean.unicodeScalars))
    }

    @Test("UTF-8 and UTF-16 are read, with and without byte order marks") func decoding() throws {
        let text = "Łódź, naïve."
        #expect(try PlainText.decoded(Data(text.utf8)) == text)
        #expect(try PlainText.decoded(Data([0xEF, 0xBB, 0xBF]) + Data(text.utf8)) == text)
        let wide = text.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
        #expect(try PlainText.decoded(Data([0xFF, 0xFE] + wide)) == text)
        let other = text.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
        #expect(try PlainText.decoded(Data([0xFE, 0xFF] + other)) == text)
        let widest = ("\u{FEFF}" + text).unicodeScalars.flatMap { scalar in (0..<4).map { UInt8(scalar.value >> (8 * $0) & 0xFF) } }
        #expect(try PlainText.decoded(Data(widest)) == text)
        #expect(try PlainText.decoded(Data(stride(from: 0, to: widest.count, by: 4).flatMap { widest[$0..<$0 + 4].reversed() })) == text)
    }

    @Test("other encodings are refused with the probable encoding") func otherEncodings() {
        #expect(throws: TextEncodingError(found: "a code page such as Windows-1252", offset: 3)) {
            try PlainText.decoded(Data([0x63, 0x61, 0x66, 0xE9]))
        }
        let none = "UTF-16 or UTF-32 without its byte-order mark, or no text"
        #expect(throws: TextEncodingError(found: none, offset: 1)) { try PlainText.decoded(Data([0x48, 0, 0x69, 0])) }
        #expect(throws: TextEncodingError(found: none, offset: 0)) { try PlainText.decoded(Data([0, 0, 0, 0x48])) }
        // A part of other data, whose indices do not begin at 0.
        #expect(throws: TextEncodingError(found: none, offset: 2)) { try PlainText.decoded(Data([1, 0x48, 0x69, 0]).dropFirst()) }
        #expect(throws: TextEncodingError(found: "damaged UTF-16", offset: 0)) { try PlainText.decoded(Data([0xFF, 0xFE, 0x41])) }
    }
}
