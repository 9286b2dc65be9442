import ArgumentParser
import Chatterbox
import Foundation
import Moonshine

/// A recogniser that hears what is spoken.
enum JudgeName: String, Codable, Sendable, Hashable, CaseIterable, ExpressibleByArgument {
    case moonshine

    /// - Throws: ``MoonshineError`` where it has not been fetched.
    func load(_ folders: UserFolders = UserFolders()) throws -> any SpeechJudge {
        switch self {
        case .moonshine: try Moonshine(folders.moonshine)
        }
    }

    /// What its hearing follows from.
    var fact: String {
        switch self {
        case .moonshine: "judge=moonshine \(MoonshineFiles.release)"
        }
    }
}

/// Who hears the draws of a text.
struct JudgeArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Transcribe each take of a piece of text with a speech recogniser, and keep the take with the fewest wrong words, of at most --takes: moonshine, for English (`chatterbox judge --fetch` downloads it).",
            valueName: "name"))
    var judge: JudgeName?
}

/// A draw as a judge heard it, with the keys of the program's objects.
struct JudgedTakeLine: Codable, Sendable, Hashable {
    let heard: String
    let wordErrors, words: Int

    enum CodingKeys: String, CodingKey {
        case heard, words
        case wordErrors = "word_errors"
    }

    init(_ take: JudgedTake) { (heard, wordErrors, words) = (take.heard, take.errors.wrong, take.errors.words) }
}
