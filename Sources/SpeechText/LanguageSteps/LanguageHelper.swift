import Foundation
import Synchronization

/// A program that carries out steps of languages, and keeps running between texts.
///
/// It reads lines of JSON, `{"language": "he", "text": "…"}`, and answers each with `{"text": "…"}` or `{"error": "why not"}`. It ends when its input
/// ends. Chinese is returned with spaces between the words. The first text that needs the program starts it; if it has ended, it is started again.
final class LanguageHelper: Sendable {
    private let command: [String]
    private let patience: Int
    private let running = Mutex<ToolProcess?>(nil)

    private struct Question: Encodable { let language, text: String }
    private struct Answer: Decodable { let text, error: String? }

    /// - Parameter patience: how many seconds to wait for an answer; before the first one a dictionary may have to be read.
    init(_ command: [String], patience: Int = 60) {
        self.command = command
        self.patience = patience
    }

    /// The text after its language's step.
    ///
    /// - Throws: ``LanguageToolError``. Blocks until the answer has arrived.
    func processed(_ text: String, _ language: Language) throws -> String {
        let question = try JSONEncoder().encode(Question(language: language.code, text: text)) + Data("\n".utf8)
        let line = try running.withLock { running in
            if let kept = running {
                running = nil
                do {
                    let line = try ask(kept, question)
                    running = kept
                    return line
                } catch LanguageToolError.ended {
                    // The program may have ended since its last answer; then a new one is started.
                }
            }
            let program = try ToolProcess(command)
            let line = try ask(program, question)
            running = program
            return line
        }
        let answer = try? JSONDecoder().decode(Answer.self, from: line)
        guard let text = answer?.text else {
            throw LanguageToolError.refused(command: command[0], reason: answer?.error ?? "its answer is not JSON with a \"text\"")
        }
        return text
    }

    private func ask(_ program: ToolProcess, _ question: Data) throws -> Data {
        let patience = ToolProcess.Patience(seconds: patience)
        try program.send(question, patience: patience)
        return try program.line(patience: patience)
    }
}
