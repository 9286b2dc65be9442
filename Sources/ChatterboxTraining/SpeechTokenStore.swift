import Chatterbox
import Foundation
import Torch

/// The speech tokens of a manifest's utterances, in one safetensors file: `tokens.N` int16, where N is the utterance's index. The file also
/// contains a list of the utterances.
public struct SpeechTokenStore: Sendable {
    private let tokens: [Int: [Int]]

    /// - Parameters:
    ///   - url: the file.
    ///   - manifest: the utterances, which may have become more since the file was written.
    /// - Throws: ``TrainingError/missing(_:_:)``, ``TrainingError/otherRecordings(_:)``, and what reading a damaged file throws.
    public init(_ url: URL, of manifest: Manifest) throws {
        guard FileManager.default.fileExists(atPath: url.path) else {
            throw TrainingError.missing(url, .speechTokens)
        }
        let file = try SafetensorsFile(url)
        guard manifest.begins(with: file.metadata[Manifest.contentsKey]) else { throw TrainingError.otherRecordings(url) }
        tokens = try Dictionary(
            uniqueKeysWithValues: file.entries.keys.compactMap { name in
                try Int(name.dropFirst("tokens.".count)).map { ($0, try file.tensor(name).array(of: Int.self)) }
            })
    }

    /// Nil if the utterance has none.
    public subscript(_ utterance: Int) -> [Int]? { tokens[utterance] }

    /// Computes and writes the tokens of all utterances whose features exist.
    ///
    /// - Parameters:
    ///   - tokenizer: computes the tokens.
    ///   - manifest: the utterances.
    ///   - features: their log-mels.
    ///   - url: the file to write.
    ///   - progress: called with the completed share, 0 to 1.
    public static func extract(
        _ tokenizer: S3Tokenizer, manifest: Manifest, features: FeatureStore, to url: URL, progress: (Double) -> Void
    ) throws {
        let numbers = manifest.utterances.indices.filter { features.tokenCount($0) != nil }
            .sorted { (features.tokenCount($0)!, $0) < (features.tokenCount($1)!, $1) }
        var found: [String: Tensor] = [:]
        try withoutGradients {
            for start in stride(from: 0, to: numbers.count, by: 16) {
                let batch = numbers[start..<min(start + 16, numbers.count)]
                let mels = try batch.map { try features.logMel($0) }
                let counts = batch.map { features.tokenCount($0)! }
                let tokens = try tokenizer.tokens(
                    Corpus.stacked(mels, frames: 4 * counts.max()!, padding: 0), lengths: mels.map { $0.size(1) })
                for (row, number) in batch.enumerated() {
                    found["tokens.\(number)"] = try tokens[row, 0..<counts[row]].to(.int16).clone()
                }
                if start % 1600 == 0 { progress(Double(start) / Double(numbers.count)) }
            }
        }
        try SafetensorsWriter.write(found, metadata: [Manifest.contentsKey: manifest.contents()], to: url)
    }
}
