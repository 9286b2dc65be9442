import Kernels
import Torch

/// Sizes of a ``SpeakerEncoder`` (upstream: the arguments of `CAMPPlus` in `models/s3gen/xvector.py`).
public struct SpeakerEncoderConfig: Sendable, Codable, Hashable {
    /// A run of densely connected layers that share kernel and dilation.
    public struct Block: Sendable, Codable, Hashable {
        public var layers: Int
        public var kernel: Int
        public var dilation: Int

        public init(layers: Int, kernel: Int = 3, dilation: Int) {
            (self.layers, self.kernel, self.dilation) = (layers, kernel, dilation)
        }
    }

    /// Bands of the filterbank; a multiple of 8.
    public var melBins = 80
    /// Channels of the two-dimensional convolutions at the entrance.
    public var headChannels = 32
    /// Residual blocks in each of the entrance's two stages.
    public var headBlocks = 2
    /// Channels that enter the first dense block.
    public var channels = 128
    /// Channels that each dense layer adds.
    public var growth = 32
    /// Width inside a dense layer, in multiples of `growth`.
    public var bottleneck = 4
    /// Frames, 20 ms each, over which the local context of a dense layer is averaged.
    public var segmentFrames = 100
    public var blocks = [Block(layers: 12, dilation: 1), Block(layers: 24, dilation: 2), Block(layers: 16, dilation: 2)]
    /// Length of the x-vector.
    public var embeddingSize = 192

    public init() {}

    public static let chatterbox = SpeakerEncoderConfig()
}

/// The x-vector that tells S3Gen whose timbre to speak with: CAM++ (Wang et al. 2023, "CAM++: A Fast and Efficient
/// Network for Speaker Verification Using Context-Aware Masking"; upstream `models/s3gen/xvector.py`).
///
/// Two-dimensional convolutions shrink the frequency axis to an eighth, a convolution halves the frame rate, three
/// blocks of densely connected layers with context-aware masks follow, then mean and deviation over time.
public struct SpeakerEncoder: Sendable {
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
    /// - Parameter filterbank: Kaldi's log energies of recordings at 16 kHz, 100 frames a second, the mean of every
    ///   bin over time taken away; at least 3 frames.
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
