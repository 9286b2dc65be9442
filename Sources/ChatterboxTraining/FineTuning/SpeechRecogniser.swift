import FileSupport
import Foundation
import SpeechText

/// Word errors of the sentences that are spoken for the report.
public struct WordErrorComparison: Sendable, Hashable {
    /// In the recordings themselves, which shows the recogniser's own errors; in the base model's speech; and in speech after training.
    public internal(set) var recordings = WordErrors(), before = WordErrors(), after = WordErrors()
}

/// A program that transcribes a recording: it gets the WAV file's path as its last argument and prints the words.
public struct SpeechRecogniser: Sendable {
    /// The command: a program and its arguments, separated by spaces.
    public let command: String
    private let arguments: [String]
    /// Seconds that one recording may take.
    public var seconds = 120.0

    /// - Throws: ``SpeechRecogniserError/noProgram(_:)`` if there is no such program.
    /// - Parameters:
    ///   - command: a program and its arguments, with spaces between them.
    ///   - searchPath: such as `$PATH`.
    public init(_ command: String, in searchPath: String) throws {
        self.command = command
        let parts = command.split(separator: " ").map(String.init)
        guard let name = parts.first else { throw SpeechRecogniserError.noProgram(command) }
        let path = FileManager.default.isExecutableFile(atPath: name) ? name : nil
        guard let program = name.contains("/") ? path : Executable.find(name, in: searchPath) else { throw SpeechRecogniserError.noProgram(name) }
        arguments = [program] + parts.dropFirst()
    }

    /// The transcript of a file.
    ///
    /// - Throws: ``SpeechRecogniserError`` if the program fails or takes too long.
    func words(in file: URL) throws -> String {
        // A file and not a pipe, which a program's own children would keep open when it is ended.
        let place = FileManager.default.temporaryDirectory.appending(path: "heard-\(UUID().uuidString).txt")
        guard FileManager.default.createFile(atPath: place.path, contents: nil), let output = FileHandle(forWritingAtPath: place.path) else {
            throw SpeechRecogniserError.failed(command, file, reason: "\(place.path) cannot be written")
        }
        defer { try? FileManager.default.removeItem(at: place) }
        let process = Process()
        process.executableURL = URL(filePath: arguments[0])
        process.arguments = arguments.dropFirst() + [file.path]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        do { try process.run() } catch { throw SpeechRecogniserError.failed(command, file, reason: error.localizedDescription) }
        // With a separate queue the time limit is kept even if many others wait.
        let watch = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "recogniser"))
        watch.schedule(deadline: .now() + seconds)
        watch.setEventHandler { [pid = process.processIdentifier] in
            // Foundation makes each process the leader of a group, and also waits until its children have ended.
            if kill(-pid, SIGKILL) != 0 { kill(pid, SIGKILL) }
        }
        watch.activate()
        process.waitUntilExit()
        watch.cancel()
        guard process.terminationReason == .exit else {
            throw SpeechRecogniserError.failed(
                command, file, reason: "it ended by signal \(process.terminationStatus), after \(Int(seconds)) s at the latest")
        }
        guard process.terminationStatus == 0 else {
            throw SpeechRecogniserError.failed(command, file, reason: "it ended with status \(process.terminationStatus)")
        }
        guard let text = try? String(contentsOf: place, encoding: .utf8) else {
            throw SpeechRecogniserError.failed(command, file, reason: "what it prints is not UTF-8")
        }
        return text
    }
}

/// A recogniser that does not exist or failed.
public enum SpeechRecogniserError: Error, CustomStringConvertible, Equatable {
    case noProgram(String)
    case failed(String, URL, reason: String)

    public var description: String {
        switch self {
        case .noProgram(let name): "\(name): no such program; expected one that gets a WAV file's path and prints its transcript"
        case .failed(let command, let file, let reason): "\(command) \(file.path): \(reason)"
        }
    }
}
