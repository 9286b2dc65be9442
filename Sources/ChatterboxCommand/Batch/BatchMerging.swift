import FileSupport
import Foundation

/// The result of each text of a manifest, from the results of all parts.
struct BatchMerging {
    private(set) var done = 0, failed = 0, missing = 0
    private(set) var audioSeconds = 0.0
    /// Messages about texts without sound.
    private(set) var problems: [String] = []
    private var lines: [Line] = []

    private struct Line: Encodable {
        let id: String
        let state: String
        var file, reason: String?
        var audioSeconds: Double?
        var seed: UInt64?

        enum CodingKeys: String, CodingKey {
            case id, state, file, reason, seed, audioSeconds = "audio_seconds"
        }
    }

    /// - Throws: ``BatchFolderError``.
    init(_ manifest: BatchManifest, _ folder: URL) throws {
        let results = try BatchResults.read(folder)
        var seen: Set<String> = []
        for index in 0..<manifest.count {
            let id: String
            switch manifest.item(index) {
            case .success(let item): id = seen.insert(item.id).inserted ? item.id : "(\(item.place))"
            case .failure(let refusal): id = refusal.id ?? "(\(refusal.place))"
            }
            add(id, results[id], folder)
        }
    }

    private mutating func add(_ id: String, _ result: BatchResult?, _ folder: URL) {
        switch result?.state {
        case .done where result.flatMap { $0.file.map { BatchResults.byteCount(folder.appending(path: $0)) } } == result?.bytes:
            done += 1
            audioSeconds += result?.audioSeconds ?? 0
            lines.append(Line(id: id, state: "done", file: result?.file, audioSeconds: result?.audioSeconds, seed: result?.seed))
        case .failed:
            failed += 1
            lines.append(Line(id: id, state: "failed", reason: result?.reason))
            problems.append("failed: \(id): \(result?.reason ?? "")")
        case .done:
            missing += 1
            lines.append(Line(id: id, state: "missing", file: result?.file, reason: "its file is missing or has changed"))
            problems.append("missing: \(id): \(result?.file ?? "its file") is missing or has changed")
        case nil:
            missing += 1
            lines.append(Line(id: id, state: "missing"))
            problems.append("missing: \(id)")
        }
    }

    /// - Throws: ``BatchFolderError``.
    func write(to url: URL) throws {
        do {
            try ReplacementFile.write(url) { append in
                for line in lines { try JSONLines.line(line).withUnsafeBytes(append) }
            }
        } catch { throw BatchFolderError(url, "cannot be written (\(error))") }
    }
}
