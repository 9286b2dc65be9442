import Chatterbox
import FileSupport
import Foundation
import Synchronization

/// What became of a text of a manifest: a line of a results file.
struct BatchResult: Codable, Sendable, Hashable {
    enum State: String, Codable, Sendable { case done, failed }

    let id: String
    let state: State
    /// Of the text and all that its sound follows from; nil where it did not come to that.
    var digest: String?
    /// The sound, below the folder of outputs.
    var file: String?
    var bytes: Int?
    /// Sound and work.
    var audioSeconds, wallSeconds: Double?
    var seed: UInt64?
    /// Why speech ended, of several pieces the worst.
    var end: String?
    /// The judge, if any, and what it heard: words that were wrong of all, and each piece's draws.
    var judge: String?
    var wordErrors, words: Int?
    var pieces: [Piece]?
    var warnings: [String]?
    /// Why there is no sound.
    var reason: String?

    /// A piece of the text as a judge heard its draws.
    struct Piece: Codable, Sendable, Hashable {
        let text: String
        /// From 1.
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

/// The results files of a folder of outputs. Each process appends to one of its own, a line at a time, and reads all of them: so a text
/// that another part has spoken is not spoken again. What breaks off in a line is that line's text alone.
final class BatchResults: Sendable {
    let folder: URL
    private let lines: JSONLines
    private let known: Mutex<[String: BatchResult]>

    /// Opens the results of a part, and reads those of all.
    ///
    /// - Parameters:
    ///   - folder: of the outputs; it is made where it is not there.
    ///   - name: of the results file to append to.
    /// - Throws: ``BatchFolderError``.
    init(_ folder: URL, name: String) throws {
        self.folder = folder
        try JSONLines.makeFolder(folder)
        known = Mutex(try Self.read(folder))
        lines = try JSONLines(name, in: folder, called: "results")
    }

    /// What is known of a text.
    subscript(id: String) -> BatchResult? { known.withLock { $0[id] } }

    /// Whether a text's sound is there as it would come now.
    func isDone(_ id: String, digest: String) -> Bool {
        guard let result = self[id], result.state == .done, result.digest == digest, let file = result.file else { return false }
        return Self.byteCount(folder.appending(path: file)) == result.bytes
    }

    /// - Throws: ``BatchFolderError``.
    func add(_ result: BatchResult) throws {
        known.withLock { $0[result.id] = result }
        try lines.append(result)
    }

    /// All that results files of a folder tell, of each text what was written last; what was done counts more than what failed.
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

/// A folder of outputs in which nothing can be done.
struct BatchFolderError: Error, Hashable, CustomStringConvertible {
    let description: String

    init(_ url: URL, _ reason: String) { description = "\(url.relativePath): \(reason)" }
}
