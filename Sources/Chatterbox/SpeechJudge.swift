import SpeechAudio
import SpeechText
import Torch

/// A speech recogniser: it transcribes several takes of a text, so that the take with the fewest wrong words can be kept.
public protocol SpeechJudge: Sendable {
    /// The name in reports.
    var name: String { get }
    /// The languages that it knows.
    var languages: Set<Language> { get }
    /// The transcript of a sound of one channel and any rate, as a person would write it. It may run on other threads for some time; the engine
    /// does other work meanwhile.
    ///
    /// - Throws: any error; the request then throws it.
    func words(in audio: Audio) async throws -> String
}

/// A judge's result for one take of a piece.
public struct JudgedTake: Sendable, Hashable, Codable {
    /// The transcript.
    public let transcript: String
    /// The wrong words. Figures and abbreviations are compared as they are spoken.
    public let errors: WordErrors
}

/// Why a request is not judged.
public enum SpeechJudgeError: Error, Hashable, CustomStringConvertible {
    /// In chunks, sound is delivered before takes can be compared.
    case inChunks(judge: String)
    case language(Language, judge: String, languages: Set<Language>)

    public var description: String {
        switch self {
        case .inChunks(let judge): "\(judge) judges complete pieces of a text, and this text is delivered in chunks while it is spoken"
        case .language(let language, let judge, let languages):
            "\(judge) transcribes \(languages.map(\.name).sorted().joined(separator: ", ")), and the text is \(language.name)"
        }
    }
}

extension SpeechJudge {
    /// - Throws: ``SpeechJudgeError`` if this judge cannot be used.
    func check(_ options: SpeechOptions, _ language: Language) throws {
        if options.delivery == .chunks { throw SpeechJudgeError.inChunks(judge: name) }
        if !languages.contains(language) { throw SpeechJudgeError.language(language, judge: name, languages: languages) }
    }

    /// The transcript of a sound; other requests are computed while this one waits.
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
