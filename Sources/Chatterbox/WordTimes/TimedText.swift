import Foundation
import SpeechAudio
import SpeechText

/// File formats for words with their times: subtitles or a list.
public enum TimedText: String, Sendable, Hashable, CaseIterable {
    /// SubRip, with cues of a few words.
    case srt
    /// WebVTT, with cues of a few words and a time for every word.
    case vtt
    /// An object whose `words` are objects with `word`, `start` and `end`, in seconds.
    case json

    /// The format for a file name's extension.
    public init?(fileExtension: String) { self.init(rawValue: fileExtension.lowercased()) }

    /// Writes words atomically: into a new file in the same folder, which is then renamed.
    ///
    /// - Throws: `AudioError.unwritable`, `AudioError.diskFull`; no file is left in this case.
    public func write(_ words: [SpokenWord], to url: URL) throws {
        try AtomicWriter.write(Data(text(of: words).utf8), to: url)
    }

    /// The file's contents.
    public func text(of words: [SpokenWord]) -> String {
        switch self {
        case .srt:
            Cue.cues(words).enumerated().map { "\($0 + 1)\n\(Self.time($1.start, ",")) --> \(Self.time($1.end, ","))\n\($1.text)\n\n" }.joined()
        case .vtt:
            "WEBVTT\n\n" + Cue.cues(words).map { "\(Self.time($0.start, ".")) --> \(Self.time($0.end, "."))\n\(Self.timed($0))\n\n" }.joined()
        case .json: Self.list(words)
        }
    }

    /// A cue's text, with a time before every word except the first.
    private static func timed(_ cue: Cue) -> String {
        cue.words.enumerated().map { index, word in
            let text = word.text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
            guard index > 0 else { return text }
            let isInside = milliseconds(word.start) > milliseconds(cue.start) && milliseconds(word.start) < milliseconds(cue.end)
            return Cue.space(between: cue.words[index - 1], and: word) + (isInside ? "<\(time(word.start, "."))>" : "") + text
        }.joined()
    }

    private static func milliseconds(_ seconds: Double) -> Int { Int((max(0, seconds) * 1000).rounded()) }

    private static func time(_ seconds: Double, _ point: String) -> String {
        let total = milliseconds(seconds)
        return String(format: "%02d:%02d:%02d", total / 3_600_000, total / 60_000 % 60, total / 1000 % 60) + point
            + String(format: "%03d", total % 1000)
    }

    private static func list(_ words: [SpokenWord]) -> String {
        func string(_ text: String) -> String { String(decoding: (try? JSONEncoder.plain.encode(text)) ?? Data("\"\"".utf8), as: UTF8.self) }
        let lines = words.map {
            "    {\"word\": \(string($0.text)), \"start\": \(String(format: "%.3f", $0.start)), \"end\": \(String(format: "%.3f", $0.end))}"
        }
        return "{\n  \"words\": [\(lines.isEmpty ? "" : "\n" + lines.joined(separator: ",\n") + "\n  ")]\n}\n"
    }
}

/// Words that are shown together.
struct Cue {
    let words: [SpokenWord]

    var start: Double { words[0].start }
    /// Players skip a cue without duration.
    var end: Double { max(words[words.count - 1].end, start + 0.001) }
    var text: String { Self.text(of: words) }

    private static let (wordLimit, columnLimit) = (7, 42)
    /// The number of seconds without a word after which another cue begins.
    private static let longestGap = 1.0
    /// The number of words that make a cue where a clause ends.
    private static let clauseWords = 3

    /// Cues end where sentences end, at a comma if there are enough words before it, and before they become too long to read.
    static func cues(_ words: [SpokenWord]) -> [Cue] {
        var cues: [Cue] = []
        var open: [SpokenWord] = []
        func close() {
            if !open.isEmpty { cues.append(Cue(words: open)) }
            open = []
        }
        for word in words {
            if let last = open.last {
                let text = text(of: open + [word])
                let count = text.split(separator: " ").count
                if count > wordLimit || text.columns > columnLimit || word.start - last.end > longestGap { close() }
            }
            open.append(word)
            let mark = word.text.last { !SentenceSplitter.closing.contains($0) }
            guard let mark else { continue }
            let isClause = SentenceSplitter.breaks.contains(mark) && open.count >= clauseWords
            if SentenceSplitter.ends.contains(mark) || isClause { close() }
        }
        close()
        return cues
    }

    static func text(of words: [SpokenWord]) -> String {
        words.indices.map { $0 == 0 ? words[0].text : space(between: words[$0 - 1], and: words[$0]) + words[$0].text }.joined()
    }

    /// Chinese and Japanese characters follow each other without a space.
    static func space(between first: SpokenWord, and second: SpokenWord) -> String {
        first.text.contains(where: \.standsAlone) && second.text.contains(where: \.standsAlone) ? "" : " "
    }
}

extension String {
    /// The width on a screen, in columns.
    fileprivate var columns: Int { reduce(0) { $0 + (($1.unicodeScalars.first?.value ?? 0) >= 0x2E80 ? 2 : 1) } }
}

extension JSONEncoder {
    fileprivate static var plain: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        return encoder
    }
}
