import FileSupport
import Foundation
import SpeechAudio

/// A chapter as it is put together: utterances, and the silence behind each.
struct BookChapter: Sendable {
    struct Item: Sendable {
        /// nil for silence alone.
        let utterance: KeptUtterance?
        /// Samples of silence that follow.
        let silence: Int
    }

    /// What players show; nil for what comes before the first heading.
    let title: String?
    var items: [Item] = []

    /// Samples before speed is changed.
    var samples: Int { items.reduce(0) { $0 + ($1.utterance?.samples ?? 0) + $1.silence } }

    /// Several as one.
    static func joined(_ chapters: [BookChapter]) -> BookChapter { BookChapter(title: nil, items: chapters.flatMap(\.items)) }

    /// What a file of this chapter is called: `book-03-The-Storm.mp3`.
    ///
    /// - Parameters:
    ///   - stem: of the whole book's file.
    ///   - number: from 1.
    static func fileName(_ stem: String, _ number: Int, of count: Int, title: String?, ending: String) -> String {
        let digits = max(2, String(count).count), place = String(repeating: "0", count: max(0, digits - String(number).count)) + "\(number)"
        var words = "", length = 0
        for part in (title ?? "").split(whereSeparator: { !$0.isLetter && !$0.isNumber && $0 != "'" && $0 != "’" }) {
            guard length + part.utf8.count < 80 else { break }
            words += "-" + part
            length += part.utf8.count + 1
        }
        return "\(stem)-\(place)\(words).\(ending)"
    }
}

/// What a long text's sound is written as.
enum BookFormat: Sendable, Hashable {
    case sound(AudioFormat)
    /// AAC in MPEG-4 with chapters, which ffmpeg puts together: the ending m4a or m4b.
    case mpeg4(String)

    var fileExtension: String {
        switch self {
        case .sound(let format): format.rawValue
        case .mpeg4(let ending): ending
        }
    }

    var holdsChapters: Bool {
        switch self {
        case .sound(let format): format == .mp3 || format == .opus
        case .mpeg4: true
        }
    }

    /// The endings of MPEG-4's files.
    static func mpeg4(named name: String) -> BookFormat? {
        let ending = URL(filePath: name).pathExtension.lowercased()
        return ["m4a", "m4b"].contains(ending) ? .mpeg4(ending) : nil
    }
}

/// How chapters are told apart in what is written.
enum ChapterOutput: String, CaseIterable, Sendable {
    case none, marks, files
}
