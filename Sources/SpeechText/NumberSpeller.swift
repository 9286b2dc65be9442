import Foundation
import Synchronization

/// Numbers in words, in one language.
///
/// The words are those of Unicode's spell-out rules (CLDR's rule-based number formats), which ICU computes.
public final class NumberSpeller: Sendable {
    /// An ISO 639-1 code, as `en`.
    public let language: String
    private let formatter: Mutex<NumberFormatter>
    /// Numbers that were said before: a text has the same ones again and again.
    private let said = Mutex<[Int: String]>([:])

    public init(language: String) {
        self.language = language
        let formatter = NumberFormatter()
        formatter.locale = Locale(identifier: language)
        formatter.numberStyle = .spellOut
        self.formatter = Mutex(formatter)
    }

    /// A whole number, as "one thousand two hundred thirty-four".
    public func cardinal(_ number: Int) -> String {
        if let known = said.withLock({ $0[number] }) { return known }
        let spelled = spell(NSNumber(value: number))
        said.withLock { if $0.count < 4096 { $0[number] = spelled } }
        return spelled
    }

    /// Digits one by one, as "zero zero seven".
    public func digits(_ digits: some StringProtocol) -> String {
        digits.compactMap(\.wholeNumberValue).map { cardinal($0) }.joined(separator: " ")
    }

    /// A number that is written with digits alone and perhaps a point: longer ones than a word has a name for are said digit by digit.
    ///
    /// - Parameters:
    ///   - whole: the digits before the point.
    ///   - fraction: those behind it; nil where there is no point.
    public func number(whole: String, fraction: String?) -> String {
        let isNamed = whole.count <= 15 && (whole.count == 1 || !whole.hasPrefix("0")) && !whole.isEmpty
        let beginning = isNamed ? Int(whole).map(cardinal) ?? digits(whole) : whole.isEmpty ? cardinal(0) : digits(whole)
        guard let fraction else { return beginning }
        if language == "ru", fraction.count <= 3, isNamed, let value = Decimal(string: "\(whole).\(fraction)") {
            // What is less than one begins with "ноль целых" as well.
            return (whole == "0" ? "ноль целых " : "") + spell(value as NSDecimalNumber)
        }
        let point = LanguageWords.of(language).point
        if language == "zh" || language == "ja" { return beginning + point + digits(fraction).filter { $0 != " " } }
        return "\(beginning) \(point) \(digits(fraction))"
    }

    /// What ICU's rules say otherwise than people: Arabic's hundreds are one word and its two
    /// thousands stand in the nominative as the rest does, and a Chinese model has seldom seen 〇.
    private static let corrections = written.mapValues { $0.map { (Array($0.0.unicodeScalars), Array($0.1.unicodeScalars)) } }
    private static let written: [String: [(String, String)]] = [
        "zh": [("〇", "零")], "ja": [("〇", "零")], "ko": [("공", "영")], "ru": [("одна целый", "одна целая")],
        "el": [("χίλιάδες", "χιλιάδες")],
        "ar": [
            ("ثلاثة مائة", "ثلاثمائة"), ("أربعة مائة", "أربعمائة"), ("خمسة مائة", "خمسمائة"), ("ستة مائة", "ستمائة"),
            ("سبعة مائة", "سبعمائة"), ("ثمانية مائة", "ثمانمائة"), ("تسعة مائة", "تسعمائة"), ("إثنان مليون", "مليونان"),
            ("إحدى عشر", "أحد عشر"), ("ألفين", "ألفان"),
        ],
    ]

    private func spell(_ number: NSNumber) -> String {
        // ICU puts soft hyphens where a long word may be broken.
        let spelled = formatter.withLock { $0.string(from: number) } ?? "\(number)"
        var scalars = spelled.unicodeScalars.filter { $0 != "\u{AD}" }.map(\.self)
        for (found, replacement) in Self.corrections[language] ?? [] { scalars.replaceEach(found, with: replacement) }
        return String(scalars: scalars)
    }
}
