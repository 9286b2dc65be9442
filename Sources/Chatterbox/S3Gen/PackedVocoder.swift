import Foundation
import Kernels
import Torch

/// The network of a ``Vocoder`` on the CPU with packed weights, and the transforms before and behind it.
///
/// Frames are rows throughout; activations happen on the way into a convolution, sums on the way out, and a transposed
/// convolution is a convolution that makes all samples of a frame at once. So are the short-time Fourier transform of the
/// source, which is a product with overlapping rows of samples, and its inverse. Speech is made by a
/// ``PackedVocoderStream``, some frames at a time.
struct PackedVocoder: Sendable {
    let configuration: VocoderConfiguration
    let input, output: PackedLayer
    let stages: [PackedHiFTStage]
    /// Samples of the source `[transform size]` → real parts, then imaginary parts `[2 · bins]`.
    let analysis: PackedLayer
    /// Real parts, then imaginary parts `[2 · bins]` → the samples of a hop.
    let synthesis: PackedLayer
    /// The Hann window that both transforms have.
    let window: [Double]

    /// - Parameter format: of the convolutions after the first and before the last.
    /// - Throws: ``KernelError``; ``TorchError`` where the weights are not float32 on the CPU.
    init(_ vocoder: Vocoder, format: WeightFormat, team: ThreadTeam) throws {
        let pack = VocoderPacking(format: format, team: team)
        configuration = vocoder.configuration
        input = try pack(vocoder.input, format: .float32)
        stages = try vocoder.stages.map { try PackedHiFTStage($0, pack) }
        output = try pack(vocoder.output, in: WayIn(activation: .leakyReLU(slope: Vocoder.outputSlope)), format: .float32)
        window = Vocoder.hannWindow(configuration.transformSize).map(Double.init)
        (analysis, synthesis) = try Self.transforms(configuration, window: window, team: team)
    }

    /// Frames that are computed at a time: as many as leave the widest activations in a processor's cache, whatever the
    /// network's width.
    var piece: Int {
        let bytes = (0..<stages.count).map { stage in
            configuration.upsampleRates[...stage].reduce(configuration.channels(after: stage), *) * MemoryLayout<Float>.size
        }
        return max(1, Self.nearBytes / (bytes.max() ?? 1))
    }

    private static let nearBytes = 2 << 20

    /// The transforms as layers, in which the window is contained, and on the way back the sum of its squares.
    private static func transforms(
        _ configuration: VocoderConfiguration, window: [Double], team: ThreadTeam
    ) throws -> (analysis: PackedLayer, synthesis: PackedLayer) {
        let (size, hop, bins) = (configuration.transformSize, configuration.transformHop, configuration.transformBins)
        func angle(_ bin: Int, _ sample: Int) -> Double { 2 * .pi * Double(bin * sample % size) / Double(size) }
        let heard = (0..<2 * bins).flatMap { row in
            (0..<size).map { sample in
                Float(window[sample] * (row < bins ? cos(angle(row, sample)) : -sin(angle(row - bins, sample))))
            }
        }
        let squares = (0..<hop).map { sample in
            stride(from: sample, to: size, by: hop).reduce(0) { $0 + window[$1] * window[$1] }
        }
        let spoken = (0..<2 * bins).flatMap { row in
            // Bins between the lowest and the highest stand for their mirror images too.
            let bin = row % bins, weight = (bin == 0 || bin == bins - 1 ? 1 : 2) / Double(size)
            return (0..<size).map { sample in
                let wave = row < bins ? cos(angle(bin, sample)) : -sin(angle(bin, sample))
                return Float(weight * wave * window[sample] / squares[sample % hop])
            }
        }
        // The extremes have no imaginary part: their sines are zero.
        let analysis = try PackedMatrix([.init(Tensor(heard, shape: [2 * bins, size]))], format: .float32, team: team)
        let synthesis = try VocoderPacking(format: .float32, team: team).transposed(
            Tensor(spoken, shape: [2 * bins, 1, size]), bias: nil, stride: hop, padding: size / 2, in: .plain, winograd: false)
        return (PackedLayer(analysis), synthesis)
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

    func callAsFunction(_ convolution: ConvTranspose1d, in wayIn: WayIn) throws -> PackedLayer {
        try transposed(
            convolution.weight, bias: convolution.bias, stride: convolution.stride, padding: convolution.padding, in: wayIn,
            winograd: format == .float32)
    }

    /// A transposed convolution as one whose results are all samples of a frame, `rate × outputs` numbers.
    ///
    /// - Parameter weight: `[inputs, outputs, kernel]`.
    func transposed(
        _ weight: Tensor, bias: Tensor?, stride rate: Int, padding: Int, in wayIn: WayIn, winograd: Bool
    ) throws -> PackedLayer {
        let (inputs, outputs, kernel) = (weight.size(0), weight.size(1), weight.size(2))
        // Sample p of frame t hears frame t − d through the kernel's element p + padding + d × rate.
        let lead = (kernel - 1 - padding) / rate, behind = (rate - 1 + padding) / rate
        let taps = lead + behind + 1, before = behind * rate - padding
        let taken = try weight.padded([before, taps * rate - kernel - before])
            .reshaped([inputs, outputs, taps, rate]).flipped([2]).permuted([3, 1, 0, 2]).reshaped([rate * outputs, inputs, taps])
        let matrix = try PackedMatrix(
            [.init(taken, bias: bias?.repeated([rate]))], format: format, winograd: winograd && taps >= 3, team: team)
        return PackedLayer(matrix, in: wayIn, convolution: .init(lead: lead))
    }
}

/// ``HiFTStage`` with packed weights.
struct PackedHiFTStage: Sendable {
    let upsample, sourceDownsample: PackedLayer
    let rate, channels: Int
    /// Whether a row that mirrors the signal at its first stands before it.
    let isLast: Bool
    let sourceBlock: PackedHiFTBlock
    let blocks: [PackedHiFTBlock]

    init(_ stage: HiFTStage, _ pack: VocoderPacking) throws {
        rate = stage.upsample.stride
        channels = stage.upsample.weight.size(1)
        isLast = stage.isLast
        upsample = try pack(stage.upsample, in: WayIn(activation: .leakyReLU(slope: stage.leakySlope)))
        sourceDownsample = try pack(stage.sourceDownsample, format: .float32)
        sourceBlock = try PackedHiFTBlock(stage.sourceBlock, pack)
        blocks = try stage.blocks.map { try PackedHiFTBlock($0, pack) }
    }
}

/// ``HiFTResidualBlock`` with packed weights.
struct PackedHiFTBlock: Sendable {
    let layers: [(dilated: PackedLayer, plain: PackedLayer)]

    init(_ block: HiFTResidualBlock, _ pack: VocoderPacking) throws {
        func way(_ snake: Snake) throws -> WayIn { WayIn(activation: .snake(frequency: try snake.frequency.flattened().contiguous())) }
        layers = try block.layers.map { layer in
            (try pack(layer.dilated, in: way(layer.dilatedActivation)), try pack(layer.plain, in: way(layer.plainActivation)))
        }
    }
}
