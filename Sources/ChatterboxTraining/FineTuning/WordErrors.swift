import FileSupport
import Foundation

/// Words that a recogniser did not hear as they were to be said.
public struct WordErrors: Sendable, Hashable {
    /// Words that are wrong, missing or too many.
    public private(set) var wrong = 0
    /// Words that were to be said.
    public private(set) var words = 0

    public init() {}

    /// In percent of the words.
    public var percent: Double { words == 0 ? 0 : 100 * Double(wrong) / Double(words) }

    /// Adds a sentence. Capitals and punctuation do not count; numbers must be written as they are heard.
    public mutating func add(expected: String, heard: String) {
        let (expected, heard) = (Self.words(of: expected), Self.words(of: heard))
        wrong += Self.distance(expected, heard)
        words += expected.count
    }

    /// The words of a text; each character of a script that has no spaces is one.
    static func words(of text: String) -> [String] {
        var words: [String] = [], word = ""
        func end() {
            let trimmed = word.trimmingCharacters(in: ["'"])
            if !trimmed.isEmpty { words.append(trimmed) }
            word = ""
        }
        for character in text.lowercased().replacing("\u{2019}", with: "'") {
            if character.isWithoutSpaces {
                end()
                words.append(String(character))
            } else if character.isLetter || character.isNumber || character == "'" {
                word.append(character)
            } else {
                end()
            }
        }
        end()
        return words
    }

    /// Insertions, deletions and substitutions between two lists (Levenshtein 1966).
    static func distance(_ expected: [String], _ heard: [String]) -> Int {
        var row = Array(0...heard.count)
        for (i, word) in expected.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in heard.enumerated() {
                let replaced = diagonal + (word == other ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(row[j + 1] + 1, row[j] + 1, replaced)
            }
        }
        return row[heard.count]
    }
}

/// Word errors of the sentences that are spoken at a training's end.
public struct WordErrorComparison: Sendable, Hashable {
    /// Of the recordings themselves, which tells what the recogniser gets wrong; of the base; and of what was trained.
    public internal(set) var recordings = WordErrors(), before = WordErrors(), after = WordErrors()
}

/// A program that tells what is said in a recording: it gets the WAV file's path as its last argument and prints the words.
public struct SpeechRecogniser: Sendable {
    /// As it was given: a program and its arguments, with spaces between them.
    public let command: String
    private let arguments: [String]
    /// Seconds that one recording may take.
    public var seconds = 120.0

    /// - Throws: ``SpeechRecogniserError/noProgram(_:)`` where there is no such program.
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

    /// What is said in a file.
    ///
    /// - Throws: ``SpeechRecogniserError`` where the program fails or takes too long.
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
        // A queue of its own is on time however many others wait.
        let watch = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "recogniser"))
        watch.schedule(deadline: .now() + seconds)
        watch.setEventHandler { [pid = process.processIdentifier] in
            // Foundation makes a group of each process, and waits until its children have ended as well.
            if kill(-pid, SIGKILL) != 0 { kill(pid, SIGKILL) }
        }
        watch.activate()
        process.waitUntilExit()
        watch.cancel()
        guard process.terminationReason == .exit else {
            throw SpeechRecogniserError.failed(command, file, reason: "it ended by signal \(process.terminationStatus), after \(Int(seconds)) s at the latest")
        }
        guard process.terminationStatus == 0 else {
            throw SpeechRecogniserError.failed(command, file, reason: "it ended with status \(process.terminationStatus)")
        }
        guard let text = try? String(contentsOf: place, encoding: .utf8) else { throw SpeechRecogniserError.failed(command, file, reason: "what it prints is not UTF-8") }
        return text
    }
}

/// A recogniser that is not there or does not work.
public enum SpeechRecogniserError: Error, CustomStringConvertible, Equatable {
    case noProgram(String)
    case failed(String, URL, reason: String)

    public var description: String {
        switch self {
        case .noProgram(let name): "\(name): no such program; expected one that gets a WAV file's path and prints what is said in it"
        case .failed(let command, let file, let reason): "\(command) \(file.path): \(reason)"
        }
    }
}

extension Character {
    /// Whether it is of a script that writes no spaces between words.
    fileprivate var isWithoutSpaces: Bool {
        guard let scalar = unicodeScalars.first else { return false }
        return switch scalar.value {
        case 0x0E00...0x0E7F, 0x3040...0x30FF, 0x3400...0x9FFF, 0xF900...0xFAFF, 0x20000...0x3FFFF: true
        default: false
        }
    }
}
