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

    /// How many different tokens there are: 6561.
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

    let firstConvolution, secondConvolution: Conv1d
    let blocks: [Block]
    private let quantizer: Linear
    /// Tells its weights from another's.
    let digest: OnFirstUse<String>
    /// A faster way through the encoder.
    private var packedEncoder: OnFirstUse<PackedS3TokenizerEncoder>?

    /// Takes what `tokenizer` holds in `s3gen.safetensors`. The filter bank and the window, which some checkpoints also contain, are computed
    /// instead.
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

    /// The values before rounding to tokens, differentiable: `[batch, mels, frames]` → `[batch, tokens, digits]`, each number between −1
    /// and 1 (excluded).
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

extension S3Tokenizer {
    /// Attention with a memory block and a feed-forward network, each added to its input:
    /// `[batch, frames, hidden]` → the same.
    struct Block: Sendable {
        let attention: Attention
        let attentionNorm, feedForwardNorm: LayerNorm
        let up, down: Linear

        init(_ weights: Weights, _ config: S3TokenizerConfig) throws {
            let width = config.hiddenSize
            attention = try Attention(weights["attn"], config)
            attentionNorm = try LayerNorm(weights["attn_ln"], size: width)
            up = try Linear(weights["mlp"][0], from: width, to: 4 * width)
            down = try Linear(weights["mlp"][2], from: 4 * width, to: width)
            feedForwardNorm = try LayerNorm(weights["mlp_ln"], size: width)
        }

        /// `mask` is `[batch, frames]`, 1 for speech and 0 for padding.
        func callAsFunction(_ x: Tensor, mask: Tensor?, rotary: Rotary) throws -> Tensor {
            let x = try x + attention(attentionNorm(x), mask: mask, rotary: rotary)
            return try x + down(up(feedForwardNorm(x)).gelu())
        }
    }

    /// Self-attention plus a memory: every channel of the values filtered over its neighbourhood in time (feed-forward
    /// sequential memory network, Zhang et al. 2018).
    struct Attention: Sendable {
        let query, key, value, output: Linear
        let heads: Int
        private let memory: Conv1d
        /// (width of a head)^−¼, for queries and keys alike.
        private let scale: Double

        init(_ weights: Weights, _ config: S3TokenizerConfig) throws {
            let width = config.hiddenSize
            query = try Linear(weights["query"], from: width, to: width)
            key = try Linear(weights["key"], from: width, to: width, bias: false)
            value = try Linear(weights["value"], from: width, to: width)
            output = try Linear(weights["out"], from: width, to: width)
            memory = try Conv1d(
                weights["fsmn_block"], from: width, to: width, kernel: config.memoryKernel,
                padding: (config.memoryKernel - 1) / 2, groups: width, bias: false)
            heads = config.heads
            scale = 1 / Double(width / config.heads).squareRoot().squareRoot()
        }

        func callAsFunction(_ x: Tensor, mask: Tensor?, rotary: Rotary) throws -> Tensor {
            let values = try value(x)
            let q = try rotary(split(query(x))) * scale
            let k = try rotary(split(key(x))) * scale
            var scores = try q.matmul(k.transposed(2, 3))
            if let mask { scores = try scores + (1 - mask).unsqueezed(1).unsqueezed(1) * -1e10 }
            let heard = try scores.softmax(axis: -1).matmul(split(values))
            return try output(heard.transposed(1, 2).flattened(from: 2)) + remember(values, mask: mask)
        }

        /// `[batch, frames, hidden]` → `[batch, heads, frames, hidden ÷ heads]`.
        private func split(_ x: Tensor) throws -> Tensor {
            try x.reshaped([x.size(0), x.size(1), heads, -1]).transposed(1, 2)
        }

        /// Values and what the memory makes of them, `[batch, frames, hidden]`.
        func remember(_ values: Tensor, mask: Tensor? = nil) throws -> Tensor {
            let mask = try mask?.unsqueezed(2)
            let values = try mask.map { try values * $0 } ?? values
            let remembered = try memory(values.transposed(1, 2)).transposed(1, 2) + values
            return try mask.map { try remembered * $0 } ?? remembered
        }
    }

    /// Positions as rotations, the two halves of a head turning against each other (Su et al. 2021).
    struct Rotary: Sendable {
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
}

/// The encoder of an ``S3Tokenizer`` on the CPU with packed weights, for one recording without padding.
struct PackedS3TokenizerEncoder: Sendable {
    private let first, second: PackedLayer
    private let blocks: [Block]
    private let config: S3TokenizerConfig

    /// - Parameter format: of all weights and of attention, but for those of the first convolution, a hundredth of the work.
    /// - Throws: ``KernelError``; ``TorchError`` where the weights are not float32 on the CPU.
    init(_ tokenizer: S3Tokenizer, format: WeightFormat, team: ThreadTeam) throws {
        let pack = LayerPacking(format: format, team: team)
        config = tokenizer.config
        first = try pack.float32(tokenizer.firstConvolution, then: .gelu)
        second = try pack(tokenizer.secondConvolution, then: .gelu)
        blocks = try tokenizer.blocks.map { try Block($0, pack) }
    }

    /// `[1, mels, frames]` → `[1, ⌈frames ÷ 4⌉, hidden]`.
    func callAsFunction(_ logMel: Tensor) throws -> Tensor {
        let mel = try logMel.transposed(1, 2).contiguous()
        let halved = try Tensor.empty([1, (mel.size(1) + 1) / 2, config.hiddenSize])
        try first(mel, into: halved)
        let x = try Tensor.empty([1, (halved.size(1) + 1) / 2, config.hiddenSize])
        try second(halved, into: x)
        let room = try Block.Room(config, frames: x.size(1))
        let rotary = try S3Tokenizer.Rotary(config, frames: x.size(1), like: x)
        for block in blocks { try block(x, rotary: rotary, room) }
        return x
    }

    /// ``S3Tokenizer/Block`` with packed weights.
    private struct Block: Sendable {
        private let exact: S3Tokenizer.Attention
        private let queryKeyValue, output, up, down: PackedLayer
        private let attention: SelfAttention

        /// Room for the activations of a block, `[1, frames, width]` each.
        struct Room {
            let queryKeyValue, attended, inner: Tensor

            init(_ config: S3TokenizerConfig, frames: Int) throws {
                queryKeyValue = try .empty([1, frames, 3 * config.hiddenSize])
                attended = try .empty([1, frames, config.hiddenSize])
                inner = try .empty([1, frames, 4 * config.hiddenSize])
            }
        }

        init(_ block: S3Tokenizer.Block, _ pack: LayerPacking) throws {
            exact = block.attention
            queryKeyValue = PackedLayer(
                try pack.matrix(.init(exact.query), .init(exact.key), .init(exact.value)), in: WayIn(norm: try Norm(block.attentionNorm)))
            output = PackedLayer(try pack.matrix(.init(exact.output)))
            up = PackedLayer(try pack.matrix(.init(block.up)), in: WayIn(norm: try Norm(block.feedForwardNorm)), activation: .gelu)
            down = PackedLayer(try pack.matrix(.init(block.down)))
            let headSize = exact.output.weight.size(1) / exact.heads
            let frames = pack.attentionFormat
            attention = SelfAttention(heads: exact.heads, headSize: headSize, keys: frames, values: frames, team: pack.team)
        }

        /// Changes `[1, frames, hidden]` in place.
        func callAsFunction(_ x: Tensor, rotary: S3Tokenizer.Rotary, _ room: Room) throws {
            let width = x.size(2)
            try queryKeyValue(x, into: room.queryKeyValue)
            for part in 0..<2 {
                let turned = try room.queryKeyValue.narrow(axis: 2, from: part * width, count: width)
                    .viewed([1, x.size(1), exact.heads, -1]).transposed(1, 2)
                try turned.assign(rotary(turned))
            }
            try attention(room.queryKeyValue, into: room.attended)
            let remembered = try exact.remember(room.queryKeyValue.narrow(axis: 2, from: 2 * width, count: width))
            try output(room.attended, into: x, residual: x)
            try x.assign(x + remembered)
            try up(x, into: room.inner)
            try down(room.inner, into: x, residual: x)
        }
    }
}
