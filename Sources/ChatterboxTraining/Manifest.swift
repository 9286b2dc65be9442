import Foundation

/// A list of recordings with their texts and speakers: `manifest.jsonl`, one JSON object on each line.
///
/// ```json
/// {"audio": "audio/0001.flac", "text": "The ship was late.", "speaker": "rms", "split": "train", "seconds": 1.62}
/// ```
/// `split` is `train` if it is missing; `seconds` is optional, as is `phonemes`: how the text was pronounced, in the International Phonetic
/// Alphabet.
public struct Manifest: Sendable {
    /// One recording.
    public struct Utterance: Sendable, Hashable {
        public let audio: URL
        public let text: String
        public let speaker: String
        public let split: String
        public let seconds: Double?
        public let phonemes: String?
    }

    public let url: URL
    public let utterances: [Utterance]

    private struct Line: Decodable {
        var audio: String
        var text: String
        var speaker: String?
        var split: String?
        var seconds: Double?
        var phonemes: String?
    }

    /// - Parameter url: the file, or its folder. Paths of recordings are relative to that folder.
    /// - Throws: ``TrainingError/manifest(_:line:problem:)``.
    public init(_ url: URL) throws {
        let url = url.pathExtension == "jsonl" ? url : url.appending(path: "manifest.jsonl")
        guard let data = try? Data(contentsOf: url) else {
            throw TrainingError.manifest(url, line: nil, problem: "cannot be read")
        }
        let folder = url.deletingLastPathComponent()
        let decoder = JSONDecoder()
        self.url = url
        utterances = try data.split(separator: UInt8(ascii: "\n")).enumerated().map { number, line in
            guard let line = try? decoder.decode(Line.self, from: line) else {
                throw TrainingError.manifest(url, line: number + 1, problem: "no object with audio and text")
            }
            let audio = line.audio.hasPrefix("/") ? URL(filePath: line.audio) : folder.appending(path: line.audio)
            return Utterance(
                audio: audio, text: line.text, speaker: line.speaker ?? "", split: line.split ?? "train", seconds: line.seconds,
                phonemes: line.phonemes)
        }
    }

    // MARK: what files computed from recordings belong to

    /// The key of ``contents(of:)`` in such a file's metadata.
    static let contentsKey = "utterances"

    /// Names and texts of utterances, one a line.
    ///
    /// - Parameter numbers: their positions, of which there may be fewer; nil for all.
    func contents(of numbers: Range<Int>? = nil) -> String {
        let chosen = numbers.map { utterances[$0.clamped(to: utterances.indices)] } ?? utterances[...]
        return chosen.map { "\($0.audio.lastPathComponent)\t\($0.text)" }.joined(separator: "\n")
    }

    /// Whether a file's contents are these utterances, or those that there were when the file was written.
    func begins(with found: String?, in numbers: Range<Int>? = nil) -> Bool {
        let wanted = contents(of: numbers)
        return found.map { wanted == $0 || wanted.hasPrefix($0 + "\n") } ?? false
    }

    /// The utterances of one split.
    ///
    /// - Throws: ``TrainingError/noExamples(_:split:)``.
    public func split(_ name: String) throws -> [Utterance] {
        let found = utterances.filter { $0.split == name }
        guard !found.isEmpty else { throw TrainingError.noExamples(url, split: name) }
        return found
    }
}
