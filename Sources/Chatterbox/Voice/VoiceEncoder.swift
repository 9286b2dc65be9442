import Torch

/// Sizes of a ``VoiceEncoder`` (upstream: `models/voice_encoder/config.py`).
public struct VoiceEncoderConfiguration: Sendable, Codable, Hashable {
    /// Bands of the input mel spectrogram.
    public var melBins = 40
    /// Width of the recurrent state.
    public var hiddenSize = 256
    /// Layers of the LSTM.
    public var layers = 3
    /// Length of an embedding.
    public var embeddingSize = 256
    /// Mel frames, 10 ms each, of one partial utterance.
    public var partialFrames = 160
    /// Mel frames from the start of one partial to the start of the next: 1.3 partials a second.
    public var partialStep = 77
    /// The share of the last partial that must lie within the recording; otherwise the partial is ignored.
    public var minimumCoverage = 0.8

    /// The sizes of the released network.
    public init() {}

    /// The released network's sizes.
    public static let chatterbox = VoiceEncoderConfiguration()
}

/// Computes the speaker embedding, a unit vector: embeddings of recordings of one person are similar.
///
/// A recurrent network processes overlapping partials of 1.6 s; its last state after each, projected, made non-negative and normalised, is the
/// partial's embedding. The recording's embedding is their mean, normalised to length 1. Wan et al. 2018, "Generalized End-to-End Loss for Speaker
/// Verification"; upstream `models/voice_encoder/voice_encoder.py`, file `ve.safetensors`.
public struct VoiceEncoder: Sendable {
    /// Its sizes.
    public let config: VoiceEncoderConfiguration
    private let recurrence: LSTM
    private let projection: Linear
    /// Identifies its weights.
    let digest: OnFirstUse<String>

    /// Reads `lstm` and `proj`; the two scalars of its training loss are ignored.
    public init(_ weights: Weights, _ config: VoiceEncoderConfiguration = .chatterbox) throws {
        self.config = config
        recurrence = try LSTM(weights["lstm"], input: config.melBins, hidden: config.hiddenSize, layers: config.layers)
        projection = try Linear(weights["proj"], from: config.hiddenSize, to: config.embeddingSize)
        weights.ignore("similarity_weight", "similarity_bias")
        digest = OnFirstUse { try weights.digest() }
    }

    /// The embeddings of partials, each of length 1: `[partials, frames, mels]` → `[partials, embedding]`.
    public func callAsFunction(_ partials: Tensor) throws -> Tensor {
        let state = try recurrence(partials).hidden[-1]
        return try normalized(projection(state).relu())
    }

    /// The embedding of a whole recording.
    ///
    /// - Parameter mel: `[frames, mels]`, power (not decibels), 100 frames a second, at least one frame.
    /// - Returns: `[1, embedding]`, of length 1.
    public func embedding(ofMel mel: Tensor) throws -> Tensor {
        let embeddings = try partials(ofMel: mel).split(Self.batch, axis: 0).map { try self($0) }
        return try normalized(Tensor.cat(embeddings).mean(axis: 0, keepAxis: true))
    }

    /// The overlapping partials, of which the last one is padded with silence or cut off:
    /// `[frames, mels]` → `[partials, partialFrames, mels]`.
    func partials(ofMel mel: Tensor) throws -> Tensor {
        let frames = mel.size(0)
        let count = partialCount(frames: frames)
        let needed = config.partialFrames + config.partialStep * (count - 1)
        let fitted = try mel.padded([0, 0, 0, needed - frames])
        return try fitted.unfolded(axis: 0, size: config.partialFrames, step: config.partialStep).transposed(1, 2)
    }

    func partialCount(frames: Int) -> Int {
        let (size, step) = (config.partialFrames, config.partialStep)
        let (whole, rest) = max(frames - size + step, 0).quotientAndRemainder(dividingBy: step)
        let covered = Double(rest + size - step) / Double(size)
        return whole == 0 || covered >= config.minimumCoverage ? whole + 1 : whole
    }

    private func normalized(_ x: Tensor) throws -> Tensor { try x / x.norm(axis: 1, keepAxis: true) }

    /// The number of partials that are processed together, which limits the memory for a long recording.
    private static let batch = 32
}
