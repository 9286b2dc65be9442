import Kernels
import SpeechAudio
import Torch

/// Sizes of an ``S3Tokenizer`` (upstream: `ModelConfig` in the package s3tokenizer 0.3.0, `model_v2.py`).
public struct S3TokenizerConfig: Sendable, Codable, Hashable {
    /// Bands of the log mel spectrogram.
    public var melBins = 128
    /// Width of the encoder.
    public var hiddenSize = 1280
    /// Attention heads.
    public var heads = 20
    /// Transformer blocks.
    public var layers = 6
    /// Width of a memory block, in tokens; odd.
    public var memoryKernel = 31
    /// Base of the rotary position frequencies.
    public var rotaryBase = 10000.0
    /// Number of three-level digits in a token; 3 to this power is the number of tokens.
    public var digits = 8

    /// The sizes of the released tokenizer.
    public init() {}

    /// The released tokenizer's sizes.
    public static let chatterbox = S3TokenizerConfig()

    /// The number of different tokens: 6561.
    public var tokenCount: Int { (0..<digits).reduce(1) { count, _ in count * 3 } }
}

/// Turns speech into tokens, 25 a second, which represent words and intonation but little of the speaker's identity. CosyVoice 2's tokenizer (Du et
/// al. 2024), a Whisper-like encoder with memory blocks, rounded to eight numbers of three levels (finite scalar quantisation, Mentzer et al.
/// 2023).
///
/// Upstream: `models/s3tokenizer/s3tokenizer.py` over the package s3tokenizer; `tokenizer` in `s3gen.safetensors`.
public struct S3Tokenizer: Sendable {
    /// Its sizes.
    public let config: S3TokenizerConfig
    /// Mel frames, 10 ms each, that make one token of 40 ms.
    public static let framesPerToken = 4

    let encoder: S3TokenizerEncoder<ExactArithmetic>
    private let quantizer: Linear
    /// Identifies its weights.
    let digest: OnFirstUse<String>
    /// The encoder with packed weights, for one recording without padding; nil where libtorch computes.
    private var packedEncoder: OnFirstUse<S3TokenizerEncoder<PackedArithmetic>>?

    /// Reads the scope `tokenizer` of `s3gen.safetensors`. The filter bank and the window, which some checkpoints also contain, are computed
    /// instead.
    public init(_ weights: Weights, _ config: S3TokenizerConfig = .chatterbox) throws {
        self.config = config
        encoder = try S3TokenizerEncoder(weights["encoder"], config)
        quantizer = try Linear(weights["quantizer"]["_codebook"]["project_down"], from: config.hiddenSize, to: config.digits)
        weights.ignore("_mel_filters", "window")
        digest = OnFirstUse { try weights.digest() }
    }

    /// The device of its weights.
    var device: Device { quantizer.weight.device }

    /// The same network with the encoder's weights packed for the CPU when the first recording arrives. Rounding to
    /// 8 bits changes some tokens to neighbouring ones.
    ///
    /// - Parameter release: called when they have been packed and the originals need not stay in memory.
    func packed(_ format: WeightFormat, team: ThreadTeam, release: @escaping @Sendable () -> Void = {}) -> S3Tokenizer {
        var copy = self
        copy.packedEncoder = OnFirstUse {
            defer { release() }
            return try S3TokenizerEncoder(encoder, LayerPacking(format: format, team: team))
        }
        return copy
    }

    /// The tokens of one recording.
    ///
    /// - Parameters:
    ///   - logMel: `[mels, frames]`, 100 frames a second. More than 30 s is processed in overlapping windows.
    ///   - limit: the largest number of tokens to return; later frames are ignored.
    /// - Returns: `[1, tokens]` int64, a token for every four frames or part of them, each in `0..<6561`.
    public func tokens(ofLogMel logMel: Tensor, limit: Int? = nil) throws -> Tensor {
        let frames = min(logMel.size(1), limit.map { $0 * Self.framesPerToken } ?? .max)
        let mel = try logMel.narrow(axis: 1, from: 0, count: frames).unsqueezed(0)
        return frames > Window.frames ? try tokensInWindows(mel) : try tokens(mel)
    }

    /// The tokens of a recording of any rate and number of channels: `[1, tokens]` int64.
    ///
    /// - Throws: `AudioError` if it cannot be resampled to 16 kHz.
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

    /// The values before rounding to tokens, differentiable: `[batch, mels, frames]` → `[batch, tokens, digits]`, each number between −1
    /// and 1 (excluded).
    public func levels(_ logMel: Tensor, lengths: [Int]? = nil) throws -> Tensor {
        try (quantizer(hidden(logMel, lengths: lengths)).to(.float32)).tanh() * Self.bound
    }

    private func hidden(_ logMel: Tensor, lengths: [Int]?) throws -> Tensor {
        let frames = try logMel.transposed(1, 2)
        if let packedEncoder, lengths == nil, logMel.size(0) == 1 { return try packedEncoder()(FrameBatch(frames.contiguous())) }
        return try encoder(FrameBatch(frames, mask: FrameBatch.mask(lengths: lengths, count: frames.size(1), device: frames.device)))
    }

    /// Keeps values away from the ends before rounding: upstream's 0.999 in float32.
    private static let bound = 0.9990000128746033
}

// MARK: recordings of more than 30 seconds

extension S3Tokenizer {
    /// The same windows as upstream's.
    private enum Window {
        static let frames = 3000
        static let overlap = 400
        /// The number of tokens in half the overlap, for which the neighbouring window has more context.
        static let margin = overlap / 2 / framesPerToken
    }

    /// The tokens of overlapping windows, each without the margins next to its neighbours. If the last window is shorter
    /// than the overlap, up to two seconds at the end are lost, as in upstream.
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

// MARK: encoder

/// The encoder of an ``S3Tokenizer``: convolutions that halve the frame rate twice, then blocks of attention with a memory and a
/// feed-forward network, each added to its input.
struct S3TokenizerEncoder<A: FrameArithmetic>: Sendable {
    struct Block: Sendable {
        let attention: A.MemoryAttention
        let up, down: A.Layer
    }

    let first, second: A.Layer
    let blocks: [Block]
    let config: S3TokenizerConfig

    /// `[batch, frames, mels]` → `[batch, ⌈frames ÷ 4⌉, hidden]`.
    func callAsFunction(_ logMel: FrameBatch) throws -> Tensor {
        let x = try second(first(logMel)), rotary = try RotaryPositions(config, frames: x.count, like: x.rows)
        return try blocks.reduce(x) { x, block in try A.feedForward(block.attention(x, rotary: rotary), block.up, block.down) }.rows
    }
}

extension S3TokenizerEncoder where A == ExactArithmetic {
    init(_ weights: Weights, _ config: S3TokenizerConfig) throws {
        let width = config.hiddenSize
        func halving(_ name: String, from inputs: Int) throws -> ExactLayer {
            ExactLayer(centred: try Conv1d(weights[name], from: inputs, to: width, kernel: 3, stride: 2, padding: 1), then: .gelu)
        }
        self.config = config
        (first, second) = (try halving("conv1", from: config.melBins), try halving("conv2", from: width))
        blocks = try (0..<config.layers).map { try Block(weights["blocks"][$0], config) }
    }
}

extension S3TokenizerEncoder.Block where A == ExactArithmetic {
    init(_ weights: Weights, _ config: S3TokenizerConfig) throws {
        let width = config.hiddenSize
        attention = try ExactMemoryAttention(weights["attn"], norm: weights["attn_ln"], config)
        let (up, down) = (
            try Projection(weights["mlp"][0], from: width, to: 4 * width, bias: true),
            try Projection(weights["mlp"][2], from: 4 * width, to: width, bias: true)
        )
        self.up = ExactLayer(up, in: ExactActivation(try LayerNorm(weights["mlp_ln"], size: width)), then: .gelu)
        self.down = ExactLayer(down)
    }
}

extension S3TokenizerEncoder where A == PackedArithmetic {
    /// - Parameter pack: the formats of attention and of all weights except the first convolution's, which is a hundredth of the work.
    /// - Throws: ``KernelError``; ``TorchError`` where the weights are not float32 on the CPU.
    init(_ exact: S3TokenizerEncoder<ExactArithmetic>, _ pack: LayerPacking) throws {
        config = exact.config
        (first, second) = (try pack.float32(exact.first), try pack(exact.second))
        blocks = try exact.blocks.map {
            Block(attention: try PackedMemoryAttention($0.attention, pack), up: try pack($0.up), down: try pack($0.down))
        }
    }
}

// MARK: attention

struct ExactMemoryAttention: FrameMemoryAttention {
    let norm: LayerNorm
    let query, key, value, output: Linear
    let memory: FrameMemory
    let heads: Int
    /// (width of a head)^−¼, for queries and keys alike.
    private let scale: Double

    init(_ weights: Weights, norm: Weights, _ config: S3TokenizerConfig) throws {
        let width = config.hiddenSize
        query = try Linear(weights["query"], from: width, to: width)
        key = try Linear(weights["key"], from: width, to: width, bias: false)
        value = try Linear(weights["value"], from: width, to: width)
        output = try Linear(weights["out"], from: width, to: width)
        memory = try FrameMemory(weights["fsmn_block"], config)
        heads = config.heads
        scale = 1 / Double(width / config.heads).squareRoot().squareRoot()
        self.norm = try LayerNorm(norm, size: width)
    }

    func callAsFunction(_ x: FrameBatch, rotary: RotaryPositions) throws -> FrameBatch {
        let normalised = try norm(x.rows), values = try value(normalised)
        let q = try rotary(split(query(normalised))) * scale
        let k = try rotary(split(key(normalised))) * scale
        var scores = try q.matmul(k.transposed(2, 3))
        if let visible = try x.visibleKeys() { scores = try scores + (1 - visible.to(scores.dtype)) * -1e10 }
        let attended = try scores.softmax(axis: -1).matmul(split(values))
        return x.with(try x.rows + (output(attended.transposed(1, 2).flattened(from: 2)) + memory(x.with(values))))
    }

    /// `[batch, frames, hidden]` → `[batch, heads, frames, hidden ÷ heads]`.
    private func split(_ x: Tensor) throws -> Tensor { try x.reshaped([x.size(0), x.size(1), heads, -1]).transposed(1, 2) }
}

struct PackedMemoryAttention: FrameMemoryAttention {
    private let queryKeyValue, output: PackedLayer
    private let attention: SelfAttention
    private let memory: FrameMemory
    private let heads: Int

    init(_ exact: ExactMemoryAttention, _ pack: LayerPacking) throws {
        queryKeyValue = PackedLayer(
            try pack.matrix(.init(exact.query), .init(exact.key), .init(exact.value)), in: WayIn(norm: try Norm(exact.norm)))
        output = PackedLayer(try pack.matrix(.init(exact.output)))
        (memory, heads) = (exact.memory, exact.heads)
        let frames = pack.attentionFormat, headSize = exact.output.weight.size(1) / heads
        attention = SelfAttention(heads: heads, headSize: headSize, keys: frames, values: frames, team: pack.team)
    }

    func callAsFunction(_ x: FrameBatch, rotary: RotaryPositions) throws -> FrameBatch {
        let rows = try queryKeyValue(x).rows, width = rows.size(2) / 3
        for part in 0..<2 {
            let turned = try rows.narrow(axis: 2, from: part * width, count: width).viewed([x.sequences, x.count, heads, -1]).transposed(1, 2)
            try turned.assign(rotary(turned))
        }
        let attended = try x.workspace.tensor([x.sequences, x.count, width])
        try attention(rows, into: attended)
        let made = try output(x.with(attended), residual: x)
        try made.rows.assign(made.rows + memory(x.with(rows.narrow(axis: 2, from: 2 * width, count: width))))
        return made
    }
}

/// Each channel of the values, filtered over neighbouring frames (feed-forward sequential memory network, Zhang et al. 2018).
struct FrameMemory: Sendable {
    private let filter: Conv1d

    init(_ weights: Weights, _ config: S3TokenizerConfig) throws {
        let width = config.hiddenSize, kernel = config.memoryKernel
        filter = try Conv1d(weights, from: width, to: width, kernel: kernel, padding: (kernel - 1) / 2, groups: width, bias: false)
    }

    /// Values `[batch, frames, hidden]` and the output of the memory block.
    func callAsFunction(_ x: FrameBatch) throws -> Tensor {
        let values = try x.silenced()
        return try x.with(filter(values.rows.transposed(1, 2)).transposed(1, 2) + values.rows).silenced().rows
    }
}

/// Rotary positions, which rotate the two halves of a head against each other (Su et al. 2021).
struct RotaryPositions: Sendable {
    private let cosine, sine: Tensor

    init(_ config: S3TokenizerConfig, frames: Int, like x: Tensor) throws {
        let size = config.hiddenSize / config.heads
        let exponents = try Tensor.arange(from: 0, to: Double(size), by: 2, device: x.device) / Double(size)
        let frequencies = try 1 / Tensor.pow(config.rotaryBase, exponents)
        let positions = try Tensor.arange(frames, dtype: .float32, device: x.device)
        let angles = try positions.unsqueezed(1) * frequencies
        let turns = try Tensor.polar(.ones([frames, size / 2], device: x.device), angles).viewAsReal()
        cosine = try turns[.ellipsis, 0].repeated([1, 2]).to(x.dtype)
        sine = try turns[.ellipsis, 1].repeated([1, 2]).to(x.dtype)
    }

    /// `[batch, heads, frames, size]` → the same.
    func callAsFunction(_ x: Tensor) throws -> Tensor {
        let halves = try x.chunked(2, axis: -1)
        return try x * cosine + Tensor.cat([-halves[1], halves[0]], axis: -1) * sine
    }
}
