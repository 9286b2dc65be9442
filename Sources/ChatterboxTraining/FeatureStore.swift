import Chatterbox
import Foundation
import SpeechAudio
import Synchronization
import Torch

/// The networks' input features of each utterance of a manifest, computed once and stored on disk in half precision: the S3 tokenizer's log mel at
/// 100 frames a second and S3Gen's mel at 50, of the length of the tokens.
///
/// A folder of safetensors files with ``shardSize`` utterances each, mapped into memory; the numbers are the utterances' positions in the manifest.
/// Each file contains a list of its utterances: extraction writes files that are missing or were made from other utterances, so that it continues
/// after an interruption and after the manifest has grown.
public struct FeatureStore: Sendable {
    static let shardSize = 128
    private let shards: [Int: SafetensorsFile]

    /// No features.
    init() { shards = [:] }

    /// Opens the files that exist so far.
    public init(_ folder: URL) throws {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        shards = try Dictionary(
            uniqueKeysWithValues: names.compactMap { name in
                guard name.hasPrefix("features-"), name.hasSuffix(".safetensors"), let number = Int(name.dropFirst(9).dropLast(12))
                else { return nil }
                return (number, try SafetensorsFile(folder.appending(path: name)))
            })
    }

    private func shard(_ utterance: Int) -> SafetensorsFile? { shards[utterance / Self.shardSize] }

    /// The number of speech tokens of an utterance; nil if its features do not exist.
    public func tokenCount(_ utterance: Int) -> Int? { shard(utterance)?.entries["mel.\(utterance)"].map { $0.shape[1] / 2 } }

    /// `[128, frames]` float16, 100 frames a second.
    public func logMel(_ utterance: Int) throws -> Tensor { try tensor("logmel", utterance) }
    /// `[80, 2 · tokens]` float16, 50 frames a second.
    public func mel(_ utterance: Int) throws -> Tensor { try tensor("mel", utterance) }

    private func tensor(_ kind: String, _ utterance: Int) throws -> Tensor {
        guard let shard = shard(utterance) else {
            throw WeightsError.missing(source: "features", tensor: "\(kind).\(utterance)")
        }
        return try shard.tensor("\(kind).\(utterance)")
    }

    /// Checks that the existing features are those of a manifest's utterances: of all, or of those that it
    /// had when they were computed.
    ///
    /// - Throws: ``TrainingError/otherRecordings(_:)``.
    func check(against manifest: Manifest) throws {
        for (number, shard) in shards {
            guard manifest.begins(with: shard.metadata[Manifest.contentsKey], in: Self.utterances(ofShard: number)) else {
                throw TrainingError.otherRecordings(shard.url)
            }
        }
    }

    private static func utterances(ofShard number: Int) -> Range<Int> { number * shardSize..<(number + 1) * shardSize }

    /// Reads the recordings, several at a time, and writes the files that are missing or were made from other recordings.
    ///
    /// - Parameters:
    ///   - manifest: the list of the recordings to read.
    ///   - folder: the folder for the files.
    ///   - threads: number of recordings processed at the same time.
    ///   - progress: called with the completed share, 0 to 1.
    /// - Throws: `AudioError` for a recording that cannot be read; what writing throws.
    public static func extract(
        _ manifest: Manifest, to folder: URL, threads: Int, progress: @Sendable (Double) -> Void
    ) throws {
        try write(
            manifest, to: folder, threads: threads,
            features: {
                let (promptMel, tokenizerMel) = try (PromptMel(), TokenizerMel())
                return { try features(of: manifest.utterances[$0], number: $0, promptMel, tokenizerMel) }
            }, progress: progress)
    }

    /// Writes the files that are missing or were made from other recordings, several at a time.
    ///
    /// - Parameters:
    ///   - features: called for each file; returns a function that computes the tensors of the utterance with a number, none for one that is
    ///     skipped.
    static func write(
        _ manifest: Manifest, to folder: URL, threads: Int,
        features: @Sendable () throws -> (Int) throws -> [String: Tensor], progress: @Sendable (Double) -> Void
    ) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let count = (manifest.utterances.count + shardSize - 1) / shardSize
        let state = Mutex((next: 0, done: 0, failure: nil as (any Error)?))
        DispatchQueue.concurrentPerform(iterations: threads) { _ in
            while let index = state.withLock({ state -> Int? in
                guard state.failure == nil, state.next < count else { return nil }
                state.next += 1
                return state.next - 1
            }) {
                do {
                    try write(manifest, shard: index, to: folder, features: features)
                    progress(
                        state.withLock {
                            $0.done += 1
                            return Double($0.done) / Double(count)
                        })
                } catch {
                    state.withLock { $0.failure = error }
                }
            }
        }
        if let failure = state.withLock({ $0.failure }) { throw failure }
    }

    private static func write(
        _ manifest: Manifest, shard: Int, to folder: URL, features: () throws -> (Int) throws -> [String: Tensor]
    ) throws {
        let file = folder.appending(path: "features-\(shard).safetensors"), contents = manifest.contents(of: utterances(ofShard: shard))
        if FileManager.default.fileExists(atPath: file.path), try SafetensorsFile(file).metadata[Manifest.contentsKey] == contents { return }
        let compute = try features()
        var tensors: [String: Tensor] = [:]
        for number in utterances(ofShard: shard).clamped(to: manifest.utterances.indices) {
            tensors.merge(try compute(number)) { $1 }
        }
        try SafetensorsWriter.write(tensors, metadata: [Manifest.contentsKey: contents], to: file)
    }

    private static func features(
        of utterance: Manifest.Utterance, number: Int, _ promptMel: PromptMel, _ tokenizerMel: TokenizerMel
    ) throws -> [String: Tensor] {
        let wide = try AudioFile.read(utterance.audio).mono().resampled(to: promptMel.config.sampleRate)
        guard wide.duration > 0.1 else { return [:] }
        let logMel = try tokenizerMel(wide.resampled(to: tokenizerMel.config.sampleRate).tensor())
        let tokens = (logMel.size(1) + S3Tokenizer.framesPerToken - 1) / S3Tokenizer.framesPerToken
        // The last token may begin less than 40 ms before the recording's end. The flow generates its whole mel, so the rest is learned as silence.
        let samples = try wide.tensor(), missing = 2 * tokens * promptMel.config.hop - samples.size(1)
        let mel = try promptMel(missing > 0 ? samples.padded([0, missing]) : samples)[0]
        return [
            "logmel.\(number)": try logMel.to(.float16),
            "mel.\(number)": try mel.narrow(axis: 1, from: 0, count: 2 * tokens).to(.float16),
        ]
    }
}

/// The utterances of one split that have features or speech tokens, for making batches.
public struct Corpus: Sendable {
    public let manifest: Manifest
    public let features: FeatureStore
    /// Positions in the manifest.
    public let numbers: [Int]
    /// Speech tokens of each of `numbers`.
    public let tokenCounts: [Int]

    /// - Parameters:
    ///   - manifest: the utterances.
    ///   - features: of the same manifest.
    ///   - split: the split's name in the manifest.
    ///   - speakers: the speakers whose utterances are used; nil uses all.
    ///   - longest: utterances with more speech tokens are left out.
    /// - Throws: ``TrainingError/otherRecordings(_:)`` if the features are of other recordings,
    ///   ``TrainingError/noExamples(_:split:)``.
    public init(_ manifest: Manifest, _ features: FeatureStore, split: String, speakers: Set<String>? = nil, longest: Int = 600) throws {
        try features.check(against: manifest)
        try self.init(manifest, features, split: split, speakers: speakers, longest: longest, tokenCount: features.tokenCount)
    }

    /// Utterances of which only the speech tokens are known: a T3 needs no more, and their recordings need not exist.
    ///
    /// - Parameters:
    ///   - manifest: the utterances.
    ///   - tokens: of the same manifest.
    ///   - split: the split's name in the manifest.
    ///   - speakers: the speakers whose utterances are used; nil uses all.
    ///   - longest: utterances with more speech tokens are left out.
    /// - Throws: ``TrainingError/noExamples(_:split:)``.
    public init(_ manifest: Manifest, tokens: SpeechTokenStore, split: String, speakers: Set<String>? = nil, longest: Int = 600) throws {
        try self.init(manifest, FeatureStore(), split: split, speakers: speakers, longest: longest) { tokens[$0]?.count }
    }

    private init(
        _ manifest: Manifest, _ features: FeatureStore, split: String, speakers: Set<String>?, longest: Int, tokenCount: (Int) -> Int?
    ) throws {
        let found = manifest.utterances.indices.compactMap { number -> (Int, Int)? in
            guard manifest.utterances[number].split == split, speakers?.contains(manifest.utterances[number].speaker) ?? true,
                let count = tokenCount(number), count <= longest
            else { return nil }
            return (number, count)
        }
        guard !found.isEmpty else { throw TrainingError.noExamples(manifest.url, split: split) }
        self.manifest = manifest
        self.features = features
        numbers = found.map(\.0)
        tokenCounts = found.map(\.1)
    }

    public var count: Int { numbers.count }
    public func utterance(_ index: Int) -> Manifest.Utterance { manifest.utterances[numbers[index]] }

    /// Log mels of a batch, `[batch, 128, 4 · tokens]` float32, zeros at the end, with their lengths.
    ///
    /// - Parameter tokens: the tokens of the longest utterance, or more.
    func logMels(_ batch: [Int], tokens: Int) throws -> (logMel: Tensor, lengths: [Int]) {
        let mels = try batch.map { try features.logMel(numbers[$0]) }
        return (try Self.stacked(mels, frames: 4 * tokens, padding: 0), mels.map { $0.size(1) })
    }

    /// Mels of a batch, `[batch, 80, 2 · tokens]` float32; past an utterance's end it is silent.
    ///
    /// - Parameter tokens: the tokens of the longest utterance, or more.
    func mels(_ batch: [Int], tokens: Int) throws -> Tensor {
        try Self.stacked(batch.map { try features.mel(numbers[$0]) }, frames: 2 * tokens, padding: Self.silence)
    }

    /// Natural logarithm of the mel's floor.
    static let silence = -11.512925

    static func stacked(_ tensors: [Tensor], frames: Int, padding: Double) throws -> Tensor {
        try Tensor.stack(tensors.map { try $0.to(.float32).padded([0, frames - $0.size(1)], value: padding) })
    }
}
