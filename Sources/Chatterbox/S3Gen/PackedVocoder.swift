import Kernels
import Torch

/// The network of a ``Vocoder`` on the CPU with packed weights.
///
/// Frames are rows throughout; activations happen on the way into a convolution, sums on the way out, and a transposed
/// convolution is a convolution that makes all samples of a frame at once.
struct PackedVocoder: Sendable {
    private let input, output: PackedLayer
    private let stages: [PackedHiFTStage]

    /// - Parameter format: of the convolutions after the first and before the last.
    /// - Throws: ``KernelError``; ``TorchError`` where the weights are not float32 on the CPU.
    init(_ vocoder: Vocoder, format: WeightFormat, team: ThreadTeam) throws {
        let pack = VocoderPacking(format: format, team: team)
        input = try pack(vocoder.input, format: .float32)
        stages = try vocoder.stages.map { try PackedHiFTStage($0, pack) }
        output = try pack(vocoder.output, in: WayIn(activation: .leakyReLU(slope: Vocoder.outputSlope)), format: .float32)
    }

    /// Mel `[1, bins, frames]` and the spectrum of its excitation `[1, 2 · bins, spectral frames]` → log magnitudes and
    /// arcsines of phases `[1, 2 · bins, spectral frames]`.
    ///
    /// - Parameter pause: called after each pair of convolutions.
    func callAsFunction(_ mel: Tensor, sourceSpectrum: Tensor, pause: () throws -> Void = {}) throws -> Tensor {
        let spectrum = try sourceSpectrum.transposed(1, 2).contiguous()
        var x = try Tensor.empty([1, mel.size(2), input.matrix.outputs])
        try input(mel.transposed(1, 2).contiguous(), into: x)
        for stage in stages { x = try stage(x, sourceSpectrum: spectrum, pause: pause) }
        let parts = try Tensor.empty([1, x.size(1), output.matrix.outputs])
        try output(x, into: parts)
        return try parts.transposed(1, 2)
    }
}

/// What a vocoder's layers are packed as.
struct VocoderPacking {
    let format: WeightFormat
    let team: ThreadTeam

    func callAsFunction(_ convolution: Conv1d, in wayIn: WayIn = .plain, format: WeightFormat? = nil) throws -> PackedLayer {
        let format = format ?? self.format
        let winograd = format == .float32 && convolution.stride == 1 && convolution.weight.size(2) >= 3
        let matrix = try PackedMatrix([.init(convolution)], format: format, winograd: winograd, team: team)
        return PackedLayer(
            matrix, in: wayIn,
            convolution: .init(step: convolution.stride, lead: convolution.padding, dilation: convolution.dilation))
    }

    /// A transposed convolution as one whose results are all samples of a frame, `rate × outputs` numbers.
    func callAsFunction(_ convolution: ConvTranspose1d, in wayIn: WayIn) throws -> PackedLayer {
        let weight = convolution.weight, rate = convolution.stride, padding = convolution.padding
        let (inputs, outputs, kernel) = (weight.size(0), weight.size(1), weight.size(2))
        // Sample p of frame t hears frame t − d through the kernel's element p + padding + d × rate.
        let lead = (kernel - 1 - padding) / rate, behind = (rate - 1 + padding) / rate
        let taps = lead + behind + 1, before = behind * rate - padding
        let taken = try weight.padded([before, taps * rate - kernel - before])
            .reshaped([inputs, outputs, taps, rate]).flipped([2]).permuted([3, 1, 0, 2]).reshaped([rate * outputs, inputs, taps])
        let matrix = try PackedMatrix(
            [.init(taken, bias: convolution.bias?.repeated([rate]))], format: format, winograd: format == .float32 && taps >= 3, team: team)
        return PackedLayer(matrix, in: wayIn, convolution: .init(lead: lead))
    }
}

/// ``HiFTStage`` with packed weights.
private struct PackedHiFTStage: Sendable {
    private let upsample, sourceDownsample: PackedLayer
    private let rate, channels: Int
    private let isLast: Bool
    private let sourceBlock: PackedHiFTBlock
    private let blocks: [PackedHiFTBlock]

    init(_ stage: HiFTStage, _ pack: VocoderPacking) throws {
        rate = stage.upsample.stride
        channels = stage.upsample.weight.size(1)
        isLast = stage.isLast
        upsample = try pack(stage.upsample, in: WayIn(activation: .leakyReLU(slope: stage.leakySlope)))
        sourceDownsample = try pack(stage.sourceDownsample, format: .float32)
        sourceBlock = try PackedHiFTBlock(stage.sourceBlock, pack)
        blocks = try stage.blocks.map { try PackedHiFTBlock($0, pack) }
    }

    /// Signal `[1, time, 2 · channels]` and source spectrum `[1, spectral frames, 2 · bins]` →
    /// `[1, rate · time, channels]`, with one more frame at the front after the last stage.
    func callAsFunction(_ input: Tensor, sourceSpectrum: Tensor, pause: () throws -> Void) throws -> Tensor {
        let extra = isLast ? 1 : 0, time = input.size(1), length = rate * time + extra
        let room = try HiFTRoom(length: length, channels: channels)
        let x = try Tensor.empty([1, length, channels])
        try upsample(input, into: x.narrow(axis: 1, from: extra, count: rate * time).viewed([1, time, rate * channels]))
        // The signal mirrored at its first frame.
        if isLast { try x.narrow(axis: 1, from: 0, count: 1).assign(x.narrow(axis: 1, from: 2, count: 1)) }

        let source = try Tensor.empty([1, length, channels])
        try sourceDownsample(sourceSpectrum, into: source)
        try sourceBlock(source, into: x, share: 1, room, pause)
        let sum = try Tensor.zeros([1, length, channels])
        for block in blocks { try block(x, into: sum, share: 1 / Double(blocks.count), room, pause) }
        return sum
    }
}

/// Room for what a block computes on its way.
private struct HiFTRoom {
    let inner, outer: Tensor

    init(length: Int, channels: Int) throws {
        inner = try .empty([1, length, channels])
        outer = try .empty([1, length, channels])
    }
}

/// ``HiFTResidualBlock`` with packed weights.
private struct PackedHiFTBlock: Sendable {
    private let layers: [(dilated: PackedLayer, plain: PackedLayer)]

    init(_ block: HiFTResidualBlock, _ pack: VocoderPacking) throws {
        func way(_ snake: Snake) throws -> WayIn { WayIn(activation: .snake(frequency: try snake.frequency.flattened().contiguous())) }
        layers = try block.layers.map { layer in
            (try pack(layer.dilated, in: way(layer.dilatedActivation)), try pack(layer.plain, in: way(layer.plainActivation)))
        }
    }

    /// `[1, time, channels]`, of whose result `share` is added to `output`. The input stays as it is.
    func callAsFunction(_ input: Tensor, into output: Tensor, share: Double, _ room: HiFTRoom, _ pause: () throws -> Void) throws {
        var x = input
        for (index, layer) in layers.enumerated() {
            try layer.dilated(x, into: room.inner)
            if index == layers.count - 1 {
                try layer.plain(room.inner, into: output, residual: x, share: share)
            } else {
                try layer.plain(room.inner, into: room.outer, residual: x)
                x = room.outer
            }
            try pause()
        }
    }
}
