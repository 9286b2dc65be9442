import FileSupport
import Foundation

/// External programs and data that prepare text of some languages. All are optional; if one is missing, its step is left out with a note.
public struct LanguageTools: Sendable, Hashable {
    /// A command with the protocol of `LanguageHelper`, such as `scripts/chatterbox-language-helper`.
    public var helper: [String]?
    /// The command that runs MeCab, for Japanese without a helper.
    public var mecab: [String]?
    /// jieba's dictionary of Chinese words, `dict.txt`, for Chinese without a helper.
    public var chineseWords: URL?

    public init(helper: [String]? = nil, mecab: [String]? = nil, chineseWords: URL? = nil) {
        self.helper = helper
        self.mecab = mecab
        self.chineseWords = chineseWords
    }

    public static let none = LanguageTools()

    /// The installed tools: `chatterbox-language-helper` and `mecab` among the folders of a search path such as `$PATH`, and the dictionary
    /// of Debian's `python3-jieba`.
    public static func installed(in searchPath: String) -> LanguageTools {
        func find(_ name: String) -> [String]? { Executable.find(name, in: searchPath).map { [$0] } }
        let words = URL(filePath: "/usr/lib/python3/dist-packages/jieba/dict.txt")
        return LanguageTools(
            helper: find("chatterbox-language-helper"), mecab: find("mecab"),
            chineseWords: FileManager.default.fileExists(atPath: words.path) ? words : nil)
    }
}

/// An external program failed.
public enum LanguageToolError: Error, Equatable, CustomStringConvertible {
    case cannotStart(command: String, reason: String)
    case ended(command: String)
    case silent(command: String, seconds: Int)
    case refused(command: String, reason: String)

    public var description: String {
        switch self {
        case .cannotStart(let command, let reason): "\(command) cannot be started (\(reason))"
        case .ended(let command): "\(command) ended without an answer"
        case .silent(let command, let seconds): "\(command) has not answered for \(seconds) s"
        case .refused(let command, let reason): "\(command): \(reason)"
        }
    }
}
