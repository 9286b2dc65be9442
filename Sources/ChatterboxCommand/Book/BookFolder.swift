import Chatterbox
import FileSupport
import Foundation
import SpeechAudio
import Synchronization

/// A finished utterance of a long text: a line of the folder's manifest.
struct KeptUtterance: Codable, Sendable, Hashable {
    /// The digest of everything that determines its sound.
    let digest: String
    /// The file in the folder; nil if the model ended without sound.
    let file: String?
    let bytes: Int
    let samples: Int
    let text: String
    let seed: UInt64
    let textTokens, speechTokens, draws, keptDraw: Int
    let end: DecodingEnd?
    let warnings: [SpeechWarning]
    /// In seconds of the utterance; nil if they were not requested.
    let words: [SpokenWord]?

    enum CodingKeys: String, CodingKey {
        case digest, file, bytes, samples, text, seed, draws, end, warnings, words
        case textTokens = "text_tokens", speechTokens = "speech_tokens", keptDraw = "kept_draw"
    }
}

/// A folder in which the finished utterances of a long text are stored, each as a sound file with a line in `manifest.jsonl`, so that an interrupted
/// run can be continued. Only one process can use it at a time.
final class BookFolder: Sendable {
    let url: URL
    private let manifest: JSONLines
    private let state: Mutex<State>

    private struct State {
        var utterances: [String: KeptUtterance] = [:]
        var seed: UInt64?
        var outputs: [String: Output] = [:]
    }

    /// An output that was written from the utterances.
    struct Output: Codable, Sendable, Hashable {
        let path: String
        /// The digest of the utterances and the settings.
        let digest: String
        let bytes: Int
    }

    /// A line of the manifest has one of these.
    private struct Line: Codable {
        var seed: UInt64?
        var utterance: KeptUtterance?
        var output: Output?
    }

    private static let manifestName = "manifest.jsonl"

    /// Creates the folder, or reads its contents.
    ///
    /// - Throws: ``BatchFolderError`` if the folder has other contents, is used by another process, or cannot be written.
    init(_ url: URL) throws {
        self.url = url
        try JSONLines.makeFolder(url)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
        guard names.isEmpty || names.contains(Self.manifestName) else {
            throw BatchFolderError(
                url, "it contains files but no \(Self.manifestName), so it is not a folder of stored utterances; give another with --keep")
        }
        manifest = try JSONLines(
            Self.manifestName, in: url, called: "manifest",
            alone: "another process is using it; wait until that ends, or give another folder with --keep")
        // Files that a killed process has left incomplete.
        for name in names where name.hasPrefix(".") && (name.hasSuffix(".part") || name.hasSuffix(".chapters")) {
            unlink(url.appending(path: name).path)
        }
        var state = State()
        try JSONLines.forEach(Line.self, in: url.appending(path: Self.manifestName)) { line in
            if let seed = line.seed { state.seed = seed }
            if let utterance = line.utterance { state.utterances[utterance.digest] = utterance }
            if let output = line.output { state.outputs[output.path] = output }
        }
        self.state = Mutex(state)
    }

    /// The random seed of the stored utterances, if the user chose none.
    var seed: UInt64? { state.withLock(\.seed) }

    /// The number of stored utterances, of any text.
    var count: Int { state.withLock(\.utterances.count) }

    /// - Throws: ``BatchFolderError``.
    func keep(seed: UInt64) throws {
        guard self.seed != seed else { return }
        state.withLock { $0.seed = seed }
        try manifest.append(Line(seed: seed))
    }

    /// A stored utterance whose file is complete.
    ///
    /// - Parameter words: whether word times are required.
    func utterance(_ digest: String, words: Bool) -> KeptUtterance? {
        guard let kept = state.withLock({ $0.utterances[digest] }), !words || kept.words != nil else { return nil }
        guard let file = kept.file else { return kept }
        return BatchResults.byteCount(url.appending(path: file)) == kept.bytes ? kept : nil
    }

    /// Stores an utterance: its sound as 24-bit FLAC, or as floating-point WAV if samples exceed full scale.
    ///
    /// - Parameter number: its number, for the file's name.
    /// - Throws: `AudioError`, ``BatchFolderError``.
    func keep(_ speech: Speech, _ utterance: UtterancePlan.Utterance, digest: String, number: Int, words: Bool) throws {
        let isLoud = speech.audio.samples.contains { abs($0) > 8_388_607.0 / 8_388_608 }
        var file: String?, bytes = 0
        if !speech.audio.samples.isEmpty {
            let name = String(format: "%06d-%@.%@", number, String(digest.prefix(16)), isLoud ? "wav" : "flac"), place = url.appending(path: name)
            try AudioFile.write(speech.audio, to: place, encoding: isLoud ? .float32 : .int24)
            (file, bytes) = (name, BatchResults.byteCount(place) ?? 0)
        }
        let piece = speech.report.pieces.first
        let kept = KeptUtterance(
            digest: digest, file: file, bytes: bytes, samples: speech.audio.samples.count, text: utterance.text, seed: utterance.seed,
            textTokens: speech.report.textTokens, speechTokens: speech.report.speechTokens, draws: piece?.draws ?? 1, keptDraw: piece?.keptDraw ?? 1,
            end: speech.report.end, warnings: speech.report.warnings, words: words ? speech.words : nil)
        try manifest.append(Line(utterance: kept))
        state.withLock { $0.utterances[digest] = kept }
    }

    /// - Throws: ``BatchFolderError`` if the file was changed or cannot be read.
    func samples(of utterance: KeptUtterance) throws -> [Float] {
        guard let file = utterance.file else { return [] }
        let place = url.appending(path: file)
        do {
            let samples = try AudioFile.read(place).samples
            guard samples.count == utterance.samples else {
                throw BatchFolderError(place, "it has \(samples.count) samples and should have \(utterance.samples)")
            }
            return samples
        } catch let error as AudioError {
            throw BatchFolderError(place, "a stored utterance cannot be read (\(error)); remove the file and start again, and it is spoken again")
        }
    }

    // MARK: outputs

    /// Whether an output with this digest has already been written.
    func isWritten(_ output: URL, digest: String) -> Bool {
        guard let known = state.withLock({ $0.outputs[output.path] }), known.digest == digest else { return false }
        return BatchResults.byteCount(output) == known.bytes
    }

    /// - Throws: ``BatchFolderError``.
    func add(output url: URL, digest: String) throws {
        let output = Output(path: url.path, digest: digest, bytes: BatchResults.byteCount(url) ?? 0)
        state.withLock { $0.outputs[output.path] = output }
        try manifest.append(Line(output: output))
    }

    /// Deletes all stored files, and the folder if it is then empty.
    func remove() {
        for utterance in state.withLock({ Array($0.utterances.values) }) { if let file = utterance.file { unlink(url.appending(path: file).path) } }
        unlink(url.appending(path: Self.manifestName).path)
        rmdir(url.path)
    }
}
