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
    let head: Head
    let entrance: Conv1d
    let entranceNorm: BatchNorm
    let stages: [(block: [DenseLayer], transit: Transit)]
    let outputNorm: BatchNorm
    private let projection: Conv1d
    private let projectionNorm: BatchNorm
    /// Tells its weights from another's.
    let digest: OnFirstUse<String>
    /// A faster way to what is pooled.
    private var packedFrames: OnFirstUse<PackedSpeakerFrames>?

    /// Takes what `speaker_encoder` holds in `s3gen.safetensors`.
    public init(_ weights: Weights, _ config: SpeakerEncoderConfig = .chatterbox) throws {
        self.config = config
        head = try Head(weights["head"], config)
        let layers = weights["xvector"]
        entrance = try Conv1d(
            layers["tdnn"]["linear"], from: head.channels, to: config.channels, kernel: 5, stride: 2, padding: 2, bias: false)
        entranceNorm = try BatchNorm(layers["tdnn"]["nonlinear"]["batchnorm"], channels: config.channels)

        var channels = config.channels
        var stages: [(block: [DenseLayer], transit: Transit)] = []
        for (number, block) in zip(1..., config.blocks) {
            let scope = layers["block\(number)"]
            let dense = try (0..<block.layers).map {
                try DenseLayer(scope["tdnnd\($0 + 1)"], from: channels + $0 * config.growth, block, config)
            }
            channels += block.layers * config.growth
            stages.append((dense, try Transit(layers["transit\(number)"], from: channels, to: channels / 2)))
            channels /= 2
        }
        self.stages = stages
        outputNorm = try BatchNorm(layers["out_nonlinear"]["batchnorm"], channels: channels)
        projection = try Conv1d(layers["dense"]["linear"], from: 2 * channels, to: config.embeddingSize, kernel: 1, bias: false)
        projectionNorm = try BatchNorm(layers["dense"]["nonlinear"]["batchnorm"], channels: config.embeddingSize, affine: false)
        digest = OnFirstUse { try weights.digest() }
    }

    /// The x-vectors of recordings: `[batch, frames, bins]` → `[batch, embedding]`.
    ///
    /// - Parameter filterbank: Kaldi's log energies of recordings at 16 kHz, 100 frames a second, with each bin's mean over time subtracted; at
    ///   least 3 frames.
    public func callAsFunction(_ filterbank: Tensor) throws -> Tensor {
        if let packedFrames, filterbank.size(0) == 1 { return try pooled(packedFrames()(filterbank)) }
        var x = try entranceNorm(entrance(head(filterbank.transposed(1, 2)))).relu()
        for (block, transit) in stages {
            for layer in block { x = try Tensor.cat([x, layer(x)], axis: 1) }
            x = try transit(x)
        }
        return try pooled(outputNorm(x).relu())
    }

    /// The same network with weights packed for the CPU, in float32, when it first hears somebody.
    ///
    /// - Parameter release: called when they are packed and need not be kept near any longer.
    func packed(team: ThreadTeam, release: @escaping @Sendable () -> Void = {}) -> SpeakerEncoder {
        var copy = self
        copy.packedFrames = OnFirstUse {
            defer { release() }
            return try PackedSpeakerFrames(self, team: team)
        }
        return copy
    }

    /// `[batch, channels, frames]` → `[batch, embedding]`.
    private func pooled(_ x: Tensor) throws -> Tensor {
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

    /// A layer that sees the outputs of all before it and adds `growth` channels, masked by what it hears around each
    /// frame and in the whole recording: `[batch, channels, frames]` → `[batch, growth, frames]`.
    struct DenseLayer: Sendable {
        let inputNorm, bottleneckNorm: BatchNorm
        let bottleneck, local: Conv1d
        private let squeeze, excite: Conv1d
        private let segmentFrames: Int

        init(_ weights: Weights, from channels: Int, _ block: SpeakerEncoderConfig.Block, _ config: SpeakerEncoderConfig) throws {
            let width = config.bottleneck * config.growth
            let mask = weights["cam_layer"]
            inputNorm = try BatchNorm(weights["nonlinear1"]["batchnorm"], channels: channels)
            bottleneck = try Conv1d(weights["linear1"], from: channels, to: width, kernel: 1, bias: false)
            bottleneckNorm = try BatchNorm(weights["nonlinear2"]["batchnorm"], channels: width)
            local = try Conv1d(
                mask["linear_local"], from: width, to: config.growth, kernel: block.kernel,
                padding: (block.kernel - 1) / 2 * block.dilation, dilation: block.dilation, bias: false)
            squeeze = try Conv1d(mask["linear1"], from: width, to: width / 2, kernel: 1)
            excite = try Conv1d(mask["linear2"], from: width / 2, to: config.growth, kernel: 1)
            segmentFrames = config.segmentFrames
        }

        func callAsFunction(_ x: Tensor) throws -> Tensor {
            let x = try bottleneckNorm(bottleneck(inputNorm(x).relu())).relu()
            return try local(x) * mask(x.mean(axis: -1, keepAxis: true) + segmentMeans(x))
        }

        /// What is heard around frames, and in the whole recording, becomes a mask: `[batch, channels, frames]` →
        /// `[batch, growth, frames]`.
        private func mask(_ context: Tensor) throws -> Tensor { try excite(squeeze(context).relu()).sigmoid() }

        /// The mask of `[1, frames, channels]`, computed once a segment: `[1, frames, growth]`.
        func mask(ofRows x: Tensor) throws -> Tensor {
            let frames = x.size(1)
            let means = try stride(from: 0, to: frames, by: segmentFrames).map { start in
                try x.narrow(axis: 1, from: start, count: min(segmentFrames, frames - start)).mean(axis: 1, keepAxis: true)
            }
            let context = try x.mean(axis: 1, keepAxis: true) + Tensor.cat(means, axis: 1)
            let masks = try mask(context.transposed(1, 2)).transposed(1, 2)
            return try masks.repeatInterleaved(segmentFrames, axis: 1).narrow(axis: 1, from: 0, count: frames)
        }

        /// Each frame replaced by the mean of its segment; the last segment may be shorter.
        private func segmentMeans(_ x: Tensor) throws -> Tensor {
            let means = try x.avgPool1d(kernel: segmentFrames, ceilMode: true)
            return try means.repeatInterleaved(segmentFrames, axis: -1).narrow(axis: -1, from: 0, count: x.size(-1))
        }
    }

    /// Fewer channels between two blocks: `[batch, from, frames]` → `[batch, to, frames]`.
    struct Transit: Sendable {
        let norm: BatchNorm
        let projection: Conv1d

        init(_ weights: Weights, from inputs: Int, to outputs: Int) throws {
            norm = try BatchNorm(weights["nonlinear"]["batchnorm"], channels: inputs)
            projection = try Conv1d(weights["linear"], from: inputs, to: outputs, kernel: 1, bias: false)
        }

        func callAsFunction(_ x: Tensor) throws -> Tensor { try projection(norm(x).relu()) }
    }
}

/// What a ``SpeakerEncoder`` makes of each frame before it pools them, on the CPU with packed weights, for one recording.
///
/// Frames are rows. Densely connected layers write their channels beside those of the layers before; normalisations happen on
/// the way into products or are part of their weights; masks are computed once a segment, not once a frame.
struct PackedSpeakerFrames: Sendable {
    private let head: SpeakerEncoder.Head
    private let entrance: PackedLayer
    private let stages: [(block: [DenseLayer], transit: PackedLayer)]
    private let output: WayIn
    private let team: ThreadTeam

    /// - Throws: ``KernelError``; ``TorchError`` where the weights are not float32 on the CPU.
    init(_ encoder: SpeakerEncoder, team: ThreadTeam) throws {
        head = encoder.head
        entrance = PackedLayer(
            try Self.pack(encoder.entrance, then: encoder.entranceNorm, team),
            convolution: .init(step: encoder.entrance.stride, lead: encoder.entrance.padding), activation: .relu)
        stages = try encoder.stages.map { block, transit in
            let projection = try PackedMatrix([.init(transit.projection)], format: .float32, team: team)
            return (try block.map { try DenseLayer($0, team) }, PackedLayer(projection, in: try Self.rectified(transit.norm)))
        }
        output = try Self.rectified(encoder.outputNorm)
        self.team = team
    }

    /// `[1, frames, bins]` → `[1, channels, ⌈frames ÷ 2⌉]`.
    func callAsFunction(_ filterbank: Tensor) throws -> Tensor {
        let heard = try head(filterbank.transposed(1, 2)).transposed(1, 2).contiguous()
        let frames = (heard.size(1) + 1) / 2
        /// Room for some channels, and for those that the layers of a stage add.
        func room(_ channels: Int, _ stage: Int) throws -> Tensor {
            let added = stage < stages.count ? stages[stage].block.reduce(0) { $0 + $1.growth } : 0
            return try .empty([1, frames, channels + added])
        }
        var channels = entrance.matrix.outputs
        var x = try room(channels, 0)
        try entrance(heard, into: x.narrow(axis: 2, from: 0, count: channels))
        for (number, (block, transit)) in stages.enumerated() {
            for layer in block {
                try layer(x, known: channels)
                channels += layer.growth
            }
            channels = transit.matrix.outputs
            let next = try room(channels, number + 1)
            try transit(x, into: next.narrow(axis: 2, from: 0, count: channels))
            x = next
        }
        try output(x, into: x, team: team)
        return try x.transposed(1, 2)
    }

    /// ``SpeakerEncoder/DenseLayer`` with packed weights.
    private struct DenseLayer: Sendable {
        private let exact: SpeakerEncoder.DenseLayer
        private let bottleneck, local: PackedLayer

        init(_ layer: SpeakerEncoder.DenseLayer, _ team: ThreadTeam) throws {
            exact = layer
            bottleneck = PackedLayer(
                try PackedSpeakerFrames.pack(layer.bottleneck, then: layer.bottleneckNorm, team),
                in: try PackedSpeakerFrames.rectified(layer.inputNorm), activation: .relu)
            local = PackedLayer(
                try PackedMatrix([.init(layer.local)], format: .float32, team: team),
                convolution: .init(lead: layer.local.padding, dilation: layer.local.dilation))
        }

        /// Channels that it adds.
        var growth: Int { local.matrix.outputs }

        /// Writes its channels behind the `known` ones of `[1, frames, channels]`.
        func callAsFunction(_ x: Tensor, known: Int) throws {
            let narrow = try Tensor.empty([1, x.size(1), bottleneck.matrix.outputs])
            try bottleneck(x.narrow(axis: 2, from: 0, count: known), into: narrow)
            let added = try x.narrow(axis: 2, from: known, count: growth)
            try local(narrow, into: added)
            try added.assign(added * exact.mask(ofRows: narrow))
        }
    }

    /// A convolution and the normalisation behind it.
    private static func pack(_ convolution: Conv1d, then norm: BatchNorm, _ team: ThreadTeam) throws -> PackedMatrix {
        let (scale, shift) = try norm.affine()
        let weight = try (convolution.weight * scale.viewed([-1, 1, 1])).contiguous()
        return try PackedMatrix([.init(weight, bias: shift)], format: .float32, team: team)
    }

    /// A normalisation, and zero for what is below.
    private static func rectified(_ norm: BatchNorm) throws -> WayIn {
        WayIn(norm: try Norm(norm), activation: .leakyReLU(slope: 0))
    }
}
