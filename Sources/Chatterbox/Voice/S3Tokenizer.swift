import Kernels
import SpeechAudio
import Torch

/// Sizes of an ``S3Tokenizer`` (upstream: `ModelConfig` in the package s3tokenizer 0.3.0, `model_v2.py`).
public struct S3TokenizerConfig: Sendable, Codable, Hashable {
    /// Bands of the log mel spectrogram.
    public var melBins = 128
    /// Width of the encoder.
    public var hiddenSize = 1280
    public var heads = 20
    public var layers = 6
    /// Tokens that a memory block looks across; odd.
    public var memoryKernel = 31
    /// Base of the rotary position frequencies.
    public var rotaryBase = 10000.0
    /// Numbers of three levels in one token; 3 to this power is the number of tokens.
    public var digits = 8

    public init() {}

    public static let chatterbox = S3TokenizerConfig()

    /// How many different tokens there are: 6561.
    public var tokenCount: Int { (0..<digits).reduce(1) { count, _ in count * 3 } }
}

/// Speech as tokens, 25 a second: what is said and how, with little of who says it. CosyVoice 2's tokenizer (Du et al.
/// 2024), a Whisper-like encoder with memory blocks, rounded to eight numbers of three levels (finite scalar
/// quantisation, Mentzer et al. 2023).
///
/// Upstream: `models/s3tokenizer/s3tokenizer.py` over the package s3tokenizer; `tokenizer` in `s3gen.safetensors`.
public struct S3Tokenizer: Sendable {
    public let config: S3TokenizerConfig
    /// Mel frames, 10 ms each, that make one token of 40 ms.
    public static let framesPerToken = 4

    let firstConvolution, secondConvolution: Conv1d
    let blocks: [Block]
    private let quantizer: Linear
    /// Tells its weights from another's.
    let digest: OnFirstUse<String>
    /// A faster way through the encoder.
    private var packedEncoder: OnFirstUse<PackedS3TokenizerEncoder>?

    /// Takes what `tokenizer` holds in `s3gen.safetensors`. The filter bank and the window that some checkpoints carry
    /// are computed instead.
    public init(_ weights: Weights, _ config: S3TokenizerConfig = .chatterbox) throws {
        self.config = config
        let encoder = weights["encoder"], width = config.hiddenSize
        firstConvolution = try Conv1d(encoder["conv1"], from: config.melBins, to: width, kernel: 3, stride: 2, padding: 1)
        secondConvolution = try Conv1d(encoder["conv2"], from: width, to: width, kernel: 3, stride: 2, padding: 1)
        blocks = try (0..<config.layers).map { try Block(encoder["blocks"][$0], config) }
        quantizer = try Linear(weights["quantizer"]["_codebook"]["project_down"], from: width, to: config.digits)
        weights.ignore("_mel_filters", "window")
        digest = OnFirstUse { try weights.digest() }
    }

    /// Where its weights lie.
    var device: Device { quantizer.weight.device }

    /// The same network with the encoder's weights packed for the CPU when it first hears a recording. What is rounded to
    /// 8 bits makes some tokens others, near ones.
    ///
    /// - Parameter release: called when they are packed and need not be kept near any longer.
    func packed(_ format: WeightFormat, team: ThreadTeam, release: @escaping @Sendable () -> Void = {}) -> S3Tokenizer {
        var copy = self
        copy.packedEncoder = OnFirstUse {
            defer { release() }
            return try PackedS3TokenizerEncoder(self, format: format, team: team)
        }
        return copy
    }

    /// The tokens of one recording.
    ///
    /// - Parameters:
    ///   - logMel: `[mels, frames]`, 100 frames a second. More than 30 s is heard in overlapping windows.
    ///   - limit: the most tokens to return; later frames are not heard.
    /// - Returns: `[1, tokens]` int64, a token for every four frames or part of them, each in `0..<6561`.
    public func tokens(ofLogMel logMel: Tensor, limit: Int? = nil) throws -> Tensor {
        let frames = min(logMel.size(1), limit.map { $0 * Self.framesPerToken } ?? .max)
        let mel = try logMel.narrow(axis: 1, from: 0, count: frames).unsqueezed(0)
        return frames > Window.frames ? try tokensInWindows(mel) : try tokens(mel)
    }

    /// The tokens of a recording of any rate and number of channels: `[1, tokens]` int64.
    ///
    /// - Throws: `AudioError` where it cannot be brought to 16 kHz.
    public func tokens(of recording: Audio) throws -> Tensor {
        let mel = try TokenizerMel()
        return try tokens(ofLogMel: mel(recording.mono().resampled(to: mel.config.sampleRate).tensor()).to(device))
    }

    /// The tokens of a batch of recordings of at most 30 s: `[batch, mels, frames]` → `[batch, ⌈frames ÷ 4⌉]` int64.
    ///
    /// - Parameters:
    ///   - logMel: `[batch, mels, frames]`.
    ///   - lengths: frames of each recording where they differ, the rest being padding; their tokens beyond ⌈length ÷ 4⌉ mean nothing.
    public func tokens(_ logMel: Tensor, lengths: [Int]? = nil) throws -> Tensor {
        let digits = try levels(logMel, lengths: lengths).round().to(.int64) + 1
        let places = sequence(first: 1) { $0 * 3 }.prefix(config.digits)
        return try (digits * Tensor(Array(places), device: logMel.device)).sum(axis: -1)
    }

    /// What tokens are rounded from, differentiable: `[batch, mels, frames]` → `[batch, tokens, digits]`, each number
    /// between −1 and 1 (excluded).
    public func levels(_ logMel: Tensor, lengths: [Int]? = nil) throws -> Tensor {
        try (quantizer(hidden(logMel, lengths: lengths)).to(.float32)).tanh() * Self.bound
    }

    private func hidden(_ logMel: Tensor, lengths: [Int]?) throws -> Tensor {
        if let packedEncoder, lengths == nil, logMel.size(0) == 1 { return try packedEncoder()(logMel) }
        var x = logMel
        var lengths = lengths
        for convolution in [firstConvolution, secondConvolution] {
            if let mask = try Self.mask(lengths, frames: x.size(2), like: x) { x = try x * mask.unsqueezed(1) }
            x = try convolution(x).gelu()
            lengths = lengths?.map { ($0 + 1) / 2 }
        }
        x = try x.transposed(1, 2)
        let mask = try Self.mask(lengths, frames: x.size(1), like: x)
        let rotary = try Rotary(config, frames: x.size(1), like: x)
        for block in blocks { x = try block(x, mask: mask, rotary: rotary) }
        return x
    }

    /// `[batch, frames]`, 1 for speech and 0 for padding; nil where nothing is padding.
    private static func mask(_ lengths: [Int]?, frames: Int, like x: Tensor) throws -> Tensor? {
        guard let lengths, lengths.contains(where: { $0 < frames }) else { return nil }
        let ends = try Tensor(lengths, device: x.device).unsqueezed(1)
        return try Tensor.arange(frames, device: x.device).unsqueezed(0).less(than: ends).to(x.dtype)
    }

    /// Keeps rounding away from the ends: upstream's 0.999 in float32.
    private static let bound = 0.9990000128746033
}

// MARK: recordings of more than 30 seconds

extension S3Tokenizer {
    /// Windows as upstream cuts them.
    private enum Window {
        static let frames = 3000
        static let overlap = 400
        /// Tokens of half the overlap, which the neighbouring window hears better.
        static let margin = overlap / 2 / framesPerToken
    }

    /// Tokens of overlapping windows, each without the margin beside its neighbours. Where the last window is shorter
    /// than the overlap, upstream loses up to two seconds at the end, and so does this.
    private func tokensInWindows(_ mel: Tensor) throws -> Tensor {
        let frames = mel.size(2)
        let starts = Array(stride(from: 0, to: frames, by: Window.frames - Window.overlap))
        let pieces = try starts.map { start in
            let piece = try tokens(mel.narrow(axis: 2, from: start, count: min(Window.frames, frames - start)))
            let from = start == starts.first ? 0 : min(Window.margin, piece.size(1))
            let to = start == starts.last ? piece.size(1) : piece.size(1) - Window.margin
            return try piece.narrow(axis: 1, from: from, count: to - from)
        }
        return try Tensor.cat(pieces, axis: 1)
    }
}
