import SpeechAudio
import SpeechText
import Torch

/// Tells what is said in a sound, so that of several draws of a text the one is kept whose words are heard.
public protocol SpeechJudge: Sendable {
    /// What reports call it.
    var name: String { get }
    /// What it hears.
    var languages: Set<Language> { get }
    /// What is said in a sound of one channel, of any rate, as a person would write it. It may take its time on threads of its own:
    /// the engine does other work meanwhile.
    ///
    /// - Throws: whatever keeps it from hearing; the request ends with it.
    func words(in audio: Audio) async throws -> String
}

/// A draw of a piece as a judge heard it.
public struct JudgedTake: Sendable, Hashable, Codable {
    /// What the judge heard.
    public let heard: String
    /// Words that it did not hear as they were to be said. Figures and abbreviations count as they are said.
    public let errors: WordErrors
}

/// Why a request is not judged.
public enum SpeechJudgeError: Error, Hashable, CustomStringConvertible {
    /// Sound goes out in chunks, before there is anything to choose.
    case inChunks(judge: String)
    case language(Language, judge: String, languages: Set<Language>)

    public var description: String {
        switch self {
        case .inChunks(let judge): "\(judge) judges whole pieces of a text, and this one is to be given out in chunks while it is spoken"
        case .language(let language, let judge, let languages):
            "\(judge) hears \(languages.map(\.name).sorted().joined(separator: ", ")), and the text is \(language.name)"
        }
    }
}

extension SpeechJudge {
    /// - Throws: ``SpeechJudgeError`` for what this judge cannot judge.
    func check(_ options: SpeechOptions, _ language: Language) throws {
        if options.delivery == .chunks { throw SpeechJudgeError.inChunks(judge: name) }
        if !languages.contains(language) { throw SpeechJudgeError.language(language, judge: name, languages: languages) }
    }

    /// What is said in a sound; the request waits and lets others compute.
    func words(in audio: Audio, _ turn: EngineTurn) throws -> String {
        let answer = OnceValue<Result<String, any Error>>(), waker = turn.waker
        let task = Task {
            do { answer.value = .success(try await words(in: audio)) } catch { answer.value = .failure(error) }
            waker()
        }
        do {
            while answer.value == nil { try turn.park() }
        } catch {
            task.cancel()
            throw error
        }
        return try answer.value!.get()
    }
}
