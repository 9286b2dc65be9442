import FileSupport
import Foundation
import SpeechAudio

/// A chapter of the output: utterances, and the silence after each.
struct BookChapter: Sendable {
    struct Item: Sendable {
        /// nil if there is only silence.
        let utterance: KeptUtterance?
        /// The number of silent samples that follow.
        let silence: Int
    }

    /// The title that players show; nil for text before the first heading.
    let title: String?
    var items: [Item] = []

    /// The number of samples before the speed is changed.
    var samples: Int { items.reduce(0) { $0 + ($1.utterance?.samples ?? 0) + $1.silence } }

    /// Joins several chapters.
    static func joined(_ chapters: [BookChapter]) -> BookChapter { BookChapter(title: nil, items: chapters.flatMap(\.items)) }

    /// The name of this chapter's file: `book-03-The-Storm.mp3`.
    ///
    /// - Parameters:
    ///   - stem: the name of the book's file without extension.
    ///   - number: the chapter's number, from 1.
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

/// The format of a long text's output.
enum BookFormat: Sendable, Hashable {
    case sound(AudioFormat)
    /// AAC in MPEG-4 with chapters, assembled by ffmpeg: the extension m4a or m4b.
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

    /// The format for an extension of MPEG-4 files.
    static func mpeg4(named name: String) -> BookFormat? {
        let ending = URL(filePath: name).pathExtension.lowercased()
        return ["m4a", "m4b"].contains(ending) ? .mpeg4(ending) : nil
    }
}

/// How chapters are written.
enum ChapterOutput: String, CaseIterable, Sendable {
    case none, marks, files
}
