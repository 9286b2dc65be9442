import FileSupport
import Foundation
import SpeechAudio

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
