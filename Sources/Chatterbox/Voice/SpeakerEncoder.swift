import Kernels
import Torch

/// Sizes of a ``SpeakerEncoder`` (upstream: the arguments of `CAMPPlus` in `models/s3gen/xvector.py`).
public struct SpeakerEncoderConfig: Sendable, Codable, Hashable {
    /// A block of densely connected layers with the same kernel and dilation.
    public struct Block: Sendable, Codable, Hashable {
        /// Densely connected layers.
        public var layers: Int
        /// Taps of their convolutions.
        public var kernel: Int
        /// Frames from one tap to the next.
        public var dilation: Int

        /// A block of that many layers.
        public init(layers: Int, kernel: Int = 3, dilation: Int) {
            (self.layers, self.kernel, self.dilation) = (layers, kernel, dilation)
        }
    }

    /// Bands of the filterbank; a multiple of 8.
    public var melBins = 80
    /// Channels of the two-dimensional convolutions at the input.
    public var headChannels = 32
    /// Residual blocks in each of the two input stages.
    public var headBlocks = 2
    /// Channels that enter the first dense block.
    public var channels = 128
    /// Channels that each dense layer adds.
    public var growth = 32
    /// Width inside a dense layer, in multiples of `growth`.
    public var bottleneck = 4
    /// Frames, 20 ms each, over which the local context of a dense layer is averaged.
    public var segmentFrames = 100
    /// The blocks of densely connected layers.
    public var blocks = [Block(layers: 12, dilation: 1), Block(layers: 24, dilation: 2), Block(layers: 16, dilation: 2)]
    /// Length of the x-vector.
    public var embeddingSize = 192

    /// The sizes of the released network.
    public init() {}

    /// The released network's sizes.
    public static let chatterbox = SpeakerEncoderConfig()
}

/// Computes the x-vector, S3Gen's speaker embedding: CAM++ (Wang et al. 2023, "CAM++: A Fast and Efficient Network for Speaker Verification
/// Using Context-Aware Masking"; upstream `models/s3gen/xvector.py`).
///
/// Two-dimensional convolutions shrink the frequency axis to an eighth, a convolution halves the frame rate, three
/// blocks of densely connected layers with context-aware masks follow, then mean and deviation over time.
public struct SpeakerEncoder: Sendable {
    /// Its sizes.
    public let config: SpeakerEncoderConfig
    private let head: Head
    /// The layers after the head, in libtorch's operations.
    let frames: SpeakerFrames<ExactArithmetic>
    private let projection: Conv1d
    private let projectionNorm: BatchNorm
    /// Identifies its weights.
    let digest: OnFirstUse<String>
    /// The same with packed weights, for one recording; nil where libtorch computes.
    private var packedFrames: OnFirstUse<SpeakerFrames<PackedArithmetic>>?

    /// Reads the scope `speaker_encoder` of `s3gen.safetensors`.
    public init(_ weights: Weights, _ config: SpeakerEncoderConfig = .chatterbox) throws {
        self.config = config
        head = try Head(weights["head"], config)
        let layers = weights["xvector"]
        frames = try SpeakerFrames(layers, from: head.channels, config)
        projection = try Conv1d(layers["dense"]["linear"], from: 2 * frames.channels, to: config.embeddingSize, kernel: 1, bias: false)
        projectionNorm = try BatchNorm(layers["dense"]["nonlinear"]["batchnorm"], channels: config.embeddingSize, affine: false)
        digest = OnFirstUse { try weights.digest() }
    }

    /// The x-vectors of recordings: `[batch, frames, bins]` → `[batch, embedding]`.
    ///
    /// - Parameter filterbank: Kaldi's log energies of recordings at 16 kHz, 100 frames a second, with each bin's mean over time subtracted; at
    ///   least 3 frames.
    public func callAsFunction(_ filterbank: Tensor) throws -> Tensor {
        let features = try head(filterbank.transposed(1, 2)).transposed(1, 2)
        if let packedFrames, filterbank.size(0) == 1 { return try pooled(packedFrames()(FrameBatch(features.contiguous()))) }
        return try pooled(frames(FrameBatch(features)))
    }

    /// The same network with weights packed for the CPU, in float32, when the first recording arrives.
    ///
    /// - Parameter release: called when they have been packed and the originals need not stay in memory.
    func packed(team: ThreadTeam, release: @escaping @Sendable () -> Void = {}) -> SpeakerEncoder {
        var copy = self
        copy.packedFrames = OnFirstUse {
            defer { release() }
            return try SpeakerFrames(frames, LayerPacking(format: .float32, winograd: false, team: team))
        }
        return copy
    }

    /// `[batch, frames, channels]` → `[batch, embedding]`.
    private func pooled(_ frames: FrameBatch) throws -> Tensor {
        let x = try frames.rows.transposed(1, 2)
        let statistics = try Tensor.cat([x.mean(axis: -1), x.std(axis: -1)], axis: -1)
        return try projectionNorm(projection(statistics.unsqueezed(-1)).squeezed(-1))
    }
}

extension SpeakerEncoder {
    /// Convolutions over frequency and time that shrink the frequency axis to an eighth:
    /// `[batch, bins, frames]` → `[batch, channels, frames]`.
    struct Head: Sendable {
        /// Output channels: those of the convolutions times the frequencies left.
        let channels: Int
        private let entrance, exit: Conv2d
        private let entranceNorm, exitNorm: BatchNorm
        private let blocks: [ResidualBlock]

        init(_ weights: Weights, _ config: SpeakerEncoderConfig) throws {
            let width = config.headChannels
            channels = width * (config.melBins / 8)
            entrance = try Conv2d(weights["conv1"], from: 1, to: width, kernel: [3, 3], padding: [1, 1], bias: false)
            entranceNorm = try BatchNorm(weights["bn1"], channels: width)
            blocks = try ["layer1", "layer2"].flatMap { stage in
                try (0..<config.headBlocks).map {
                    try ResidualBlock(weights[stage][$0], channels: width, stride: $0 == 0 ? 2 : 1)
                }
            }
            exit = try Conv2d(
                weights["conv2"], from: width, to: width, kernel: [3, 3], stride: [2, 1], padding: [1, 1], bias: false)
            exitNorm = try BatchNorm(weights["bn2"], channels: width)
        }

        func callAsFunction(_ x: Tensor) throws -> Tensor {
            var x = try entranceNorm(entrance(x.unsqueezed(1))).relu()
            for block in blocks { x = try block(x) }
            return try exitNorm(exit(x)).relu().flattened(from: 1, to: 2)
        }
    }

    /// He et al. 2016: `[batch, channels, bins, frames]` → `[batch, channels, bins ÷ stride, frames]`.
    struct ResidualBlock: Sendable {
        private let first, second: Conv2d
        private let firstNorm, secondNorm: BatchNorm
        private let shortcut: (convolution: Conv2d, norm: BatchNorm)?

        init(_ weights: Weights, channels: Int, stride: Int) throws {
            first = try Conv2d(
                weights["conv1"], from: channels, to: channels, kernel: [3, 3], stride: [stride, 1], padding: [1, 1], bias: false)
            firstNorm = try BatchNorm(weights["bn1"], channels: channels)
            second = try Conv2d(weights["conv2"], from: channels, to: channels, kernel: [3, 3], padding: [1, 1], bias: false)
            secondNorm = try BatchNorm(weights["bn2"], channels: channels)
            let scope = weights["shortcut"]
            shortcut =
                stride == 1
                ? nil
                : (
                    try Conv2d(scope[0], from: channels, to: channels, kernel: [1, 1], stride: [stride, 1], bias: false),
                    try BatchNorm(scope[1], channels: channels)
                )
        }

        func callAsFunction(_ x: Tensor) throws -> Tensor {
            let path = try secondNorm(second(firstNorm(first(x)).relu()))
            let around = try shortcut.map { try $0.norm($0.convolution(x)) } ?? x
            return try (path + around).relu()
        }
    }
}

// MARK: frames

/// The part of a ``SpeakerEncoder`` before pooling: a convolution that halves the frame rate, and blocks of densely
/// connected layers with fewer channels between them.
struct SpeakerFrames<A: FrameArithmetic>: Sendable {
    let entrance: A.Layer
    let stages: [(block: [DenseLayer], transit: A.Layer)]
    let output: A.Activation
    /// The number of channels of the results.
    let channels: Int

    /// `[batch, frames, the head's channels]` → `[batch, ⌈frames ÷ 2⌉, channels]`.
    func callAsFunction(_ input: FrameBatch) throws -> FrameBatch {
        try output(
            stages.reduce(entrance(input)) { x, stage in
                try stage.transit(A.grown(x, by: stage.block.map(\.mask.growth)) { index, x in try stage.block[index](x) })
            })
    }

    /// A layer that gets the outputs of all layers before it and adds channels, masked by the context of each frame and of the whole
    /// recording: `[batch, frames, channels]` → `[batch, frames, growth]`.
    struct DenseLayer: Sendable {
        let bottleneck, local: A.Layer
        let mask: ContextMask

        func callAsFunction(_ x: FrameBatch) throws -> FrameBatch {
            let narrow = try bottleneck(x)
            return x.with(try local(narrow).rows * (A.followsUpstream ? mask.everyFrame(narrow.rows) : mask.everySegment(narrow.rows)))
        }
    }
}

/// Computes a mask from the context of each frame and of the whole recording (context-aware masking).
struct ContextMask: Sendable {
    /// The number of masked channels.
    let growth: Int
    private let squeeze, excite: Conv1d
    private let segmentFrames: Int

    init(_ weights: Weights, from width: Int, _ config: SpeakerEncoderConfig) throws {
        growth = config.growth
        squeeze = try Conv1d(weights["linear1"], from: width, to: width / 2, kernel: 1)
        excite = try Conv1d(weights["linear2"], from: width / 2, to: config.growth, kernel: 1)
        segmentFrames = config.segmentFrames
    }

    /// The mask of `[batch, frames, width]`, `[batch, frames, growth]`, as upstream computes it.
    func everyFrame(_ rows: Tensor) throws -> Tensor {
        let x = try rows.transposed(1, 2)
        // Each frame replaced by the mean of its segment; the last segment may be shorter.
        let means = try x.avgPool1d(kernel: segmentFrames, ceilMode: true)
        let around = try means.repeatInterleaved(segmentFrames, axis: -1).narrow(axis: -1, from: 0, count: x.size(-1))
        return try mask(x.mean(axis: -1, keepAxis: true) + around).transposed(1, 2)
    }

    /// The same for `[1, frames, width]`, computed once for each segment instead of each frame.
    func everySegment(_ x: Tensor) throws -> Tensor {
        let frames = x.size(1)
        let means = try stride(from: 0, to: frames, by: segmentFrames).map { start in
            try x.narrow(axis: 1, from: start, count: min(segmentFrames, frames - start)).mean(axis: 1, keepAxis: true)
        }
        let context = try x.mean(axis: 1, keepAxis: true) + Tensor.cat(means, axis: 1)
        let masks = try mask(context.transposed(1, 2)).transposed(1, 2)
        return try masks.repeatInterleaved(segmentFrames, axis: 1).narrow(axis: 1, from: 0, count: frames)
    }

    /// `[batch, width, frames]` → `[batch, growth, frames]`.
    private func mask(_ context: Tensor) throws -> Tensor { try excite(squeeze(context).relu()).sigmoid() }
}

extension SpeakerFrames where A == ExactArithmetic {
    /// Reads the layers from `xvector`.
    init(_ weights: Weights, from inputs: Int, _ config: SpeakerEncoderConfig) throws {
        func norm(_ weights: Weights, _ channels: Int) throws -> ExactActivation {
            ExactActivation(try BatchNorm(weights["batchnorm"], channels: channels), .relu)
        }
        let entrance = try Conv1d(
            weights["tdnn"]["linear"], from: inputs, to: config.channels, kernel: 5, stride: 2, padding: 2, bias: false)
        self.entrance = ExactLayer(centred: entrance, then: try norm(weights["tdnn"]["nonlinear"], config.channels))

        var channels = config.channels
        var stages: [(block: [DenseLayer], transit: ExactLayer)] = []
        for (number, block) in zip(1..., config.blocks) {
            let dense = try (0..<block.layers).map { layer in
                let scope = weights["block\(number)"]["tdnnd\(layer + 1)"], mask = scope["cam_layer"]
                let inputs = channels + layer * config.growth, width = config.bottleneck * config.growth
                let before = try norm(scope["nonlinear1"], inputs)
                let bottleneck = ExactLayer(
                    centred: try Conv1d(scope["linear1"], from: inputs, to: width, kernel: 1, bias: false), in: before,
                    then: try norm(scope["nonlinear2"], width))
                let local = try Conv1d(
                    mask["linear_local"], from: width, to: config.growth, kernel: block.kernel,
                    padding: (block.kernel - 1) / 2 * block.dilation, dilation: block.dilation, bias: false)
                return DenseLayer(bottleneck: bottleneck, local: ExactLayer(centred: local), mask: try ContextMask(mask, from: width, config))
            }
            channels += block.layers * config.growth
            let transit = weights["transit\(number)"], before = try norm(transit["nonlinear"], channels)
            let projection = try Conv1d(transit["linear"], from: channels, to: channels / 2, kernel: 1, bias: false)
            stages.append((dense, ExactLayer(centred: projection, in: before)))
            channels /= 2
        }
        self.stages = stages
        self.channels = channels
        output = try norm(weights["out_nonlinear"], channels)
    }
}

extension SpeakerFrames where A == PackedArithmetic {
    /// - Throws: ``KernelError``; ``TorchError`` where the weights are not float32 on the CPU.
    init(_ exact: SpeakerFrames<ExactArithmetic>, _ pack: LayerPacking) throws {
        (entrance, output, channels) = (try pack(exact.entrance), try pack(exact.output), exact.channels)
        stages = try exact.stages.map { block, transit in
            (
                try block.map { DenseLayer(bottleneck: try pack($0.bottleneck), local: try pack($0.local), mask: $0.mask) },
                try pack(transit)
            )
        }
    }
}
