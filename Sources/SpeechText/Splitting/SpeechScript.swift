import Foundation

/// A text as pieces to speak and silences of exact length.
///
/// `[pause:0.5s]` and `[pause:500ms]` are silence of exactly that length; `[pause]` is half a second.
public struct SpeechScript: Sendable, Hashable {
    public enum Part: Sendable, Hashable {
        /// A piece of text, and the boundary after it.
        case speech(String, SentenceSplitter.Boundary)
        /// Seconds of silence.
        case silence(Double)
    }

    public let parts: [Part]

    /// The default length of a pause, in seconds.
    public static let usualPause = 0.5
    /// The longest pause, in seconds.
    public static let longestPause = 60.0

    /// - Throws: ``TextError/pause(_:)`` for a pause that is not a length of time up to ``longestPause``.
    public init(_ text: String, splitter: SentenceSplitter = SentenceSplitter()) throws {
        var parts: [Part] = []
        var rest = text[...]
        func speak(_ text: Substring) {
            parts += splitter(String(text)).map { .speech($0.text, $0.boundary) }
        }
        while let tag = rest.firstMatch(of: /\[pause(?::([^\[\]]*))?\]/.ignoresCase()) {
            speak(rest[..<tag.range.lowerBound])
            parts.append(.silence(try tag.1.map(Self.seconds) ?? Self.usualPause))
            rest = rest[tag.range.upperBound...]
        }
        speak(rest)
        self.parts = parts
    }

    private static func seconds(_ length: Substring) throws -> Double {
        let written = length.trimmingCharacters(in: .whitespaces).lowercased()
        let (number, unit) =
            written.hasSuffix("ms") ? (written.dropLast(2), 1e-3) : written.hasSuffix("s") ? (written.dropLast(), 1) : ("", 1)
        guard let value = Double(number.trimmingCharacters(in: .whitespaces)), (0...longestPause).contains(value * unit) else {
            throw TextError.pause(String(length))
        }
        return value * unit
    }
}
