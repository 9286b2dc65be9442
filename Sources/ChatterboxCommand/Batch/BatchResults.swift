import Chatterbox
import FileSupport
import Foundation
import Synchronization

/// The result of a text: a line of a results file.
struct BatchResult: Codable, Sendable, Hashable {
    enum State: String, Codable, Sendable { case done, failed }

    let id: String
    let state: State
    /// The digest of the text and of everything that determines its sound; nil if the text failed before that.
    var digest: String?
    /// The path of the sound file in the output folder.
    var file: String?
    var bytes: Int?
    /// The duration of the sound, and the time that it took.
    var audioSeconds, wallSeconds: Double?
    var seed: UInt64?
    /// Why the speech ended; of several pieces, the worst reason.
    var end: String?
    /// The judge, if any, and its results: the wrong words and all words, and the takes of each piece.
    var judge: String?
    var wordErrors, words: Int?
    var pieces: [Piece]?
    var warnings: [String]?
    /// Why there is no sound.
    var reason: String?

    /// The judge's transcripts of the takes of a piece.
    struct Piece: Codable, Sendable, Hashable {
        let text: String
        /// The number of the take that was kept, from 1.
        let keptDraw: Int
        let takes: [JudgedTakeLine]

        enum CodingKeys: String, CodingKey {
            case text, takes
            case keptDraw = "kept_draw"
        }

        init(_ piece: SpokenPiece) { (text, keptDraw, takes) = (piece.text, piece.keptDraw, piece.judged.map(JudgedTakeLine.init)) }
    }

    enum CodingKeys: String, CodingKey {
        case id, state, digest, file, bytes, seed, end, judge, words, pieces, warnings, reason
        case wordErrors = "word_errors"
        case audioSeconds = "audio_seconds", wallSeconds = "wall_seconds"
    }
}

/// The results files of an output folder. Each process appends lines to its own file and reads all files, so that a text that another part has spoken
/// is not spoken again. An incomplete line affects only its own text.
final class BatchResults: Sendable {
    let folder: URL
    private let lines: JSONLines
    private let known: Mutex<[String: BatchResult]>

    /// Opens the results file of a part, and reads those of all parts.
    ///
    /// - Parameters:
    ///   - folder: the output folder, which is created if it does not exist.
    ///   - name: the results file to which lines are appended.
    /// - Throws: ``BatchFolderError``.
    init(_ folder: URL, name: String) throws {
        self.folder = folder
        try JSONLines.makeFolder(folder)
        known = Mutex(try Self.read(folder))
        lines = try JSONLines(name, in: folder, called: "results")
    }

    /// The known result of a text.
    subscript(id: String) -> BatchResult? { known.withLock { $0[id] } }

    /// Whether a text has been spoken with the same digest.
    func isDone(_ id: String, digest: String) -> Bool {
        guard let result = self[id], result.state == .done, result.digest == digest, let file = result.file else { return false }
        return Self.byteCount(folder.appending(path: file)) == result.bytes
    }

    /// - Throws: ``BatchFolderError``.
    func add(_ result: BatchResult) throws {
        known.withLock { $0[result.id] = result }
        try lines.append(result)
    }

    /// Reads all results files of a folder: the last result of each text, where success has priority over failure.
    static func read(_ folder: URL) throws -> [String: BatchResult] {
        var known: [String: BatchResult] = [:]
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).filter { isResults($0) }.sorted()
        for name in names {
            try JSONLines.forEach(BatchResult.self, in: folder.appending(path: name)) { result in
                if result.state == .failed, known[result.id]?.state == .done, known[result.id]?.digest == result.digest { return }
                known[result.id] = result
            }
        }
        return known
    }

    private static func isResults(_ name: String) -> Bool { name.hasSuffix(".jsonl") && (name == "results.jsonl" || name.hasPrefix("results-")) }

    static func byteCount(_ url: URL) -> Int? {
        var status = stat()
        return stat(url.path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG ? Int(status.st_size) : nil
    }
}

/// Why an output folder cannot be used.
struct BatchFolderError: Error, Hashable, CustomStringConvertible {
    let description: String

    init(_ url: URL, _ reason: String) { description = "\(url.relativePath): \(reason)" }
}
