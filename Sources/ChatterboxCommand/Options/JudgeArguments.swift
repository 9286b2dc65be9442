import ArgumentParser
import Chatterbox
import Foundation
import Moonshine

/// A speech recogniser that can be used as a judge.
enum JudgeName: String, Codable, Sendable, Hashable, CaseIterable, ExpressibleByArgument {
    case moonshine

    /// - Throws: ``MoonshineError`` if it has not been downloaded.
    func load(_ folders: UserFolders = UserFolders()) throws -> any SpeechJudge {
        switch self {
        case .moonshine: try Moonshine(folders.moonshine)
        }
    }

    /// What determines its transcripts.
    var fact: String {
        switch self {
        case .moonshine: "judge=moonshine \(MoonshineFiles.release)"
        }
    }
}

/// The judge of a text's takes.
struct JudgeArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Transcribe each take of a piece of text with a speech recogniser, and keep the take with the fewest wrong words, of at most --takes: moonshine, for English (`chatterbox judge --fetch` downloads it).",
            valueName: "name"))
    var judge: JudgeName?
}

/// A take with the judge's transcript, with the keys of the program's JSON.
struct JudgedTakeLine: Codable, Sendable, Hashable {
    let transcript: String
    let wordErrors, words: Int

    enum CodingKeys: String, CodingKey {
        case transcript, words
        case wordErrors = "word_errors"
    }

    init(_ take: JudgedTake) { (transcript, wordErrors, words) = (take.transcript, take.errors.wrong, take.errors.words) }
}
