import Torch

/// One upsampling of the vocoder: the signal is lengthened, the source's spectrum at the same rate is added, and
/// parallel residual blocks are averaged.
struct HiFTStage: Sendable {
    let leakySlope: Double
    let isLast: Bool
    let upsample: ConvTranspose1d
    let sourceDownsample: Conv1d
    let sourceBlock: HiFTResidualBlock
    let blocks: [HiFTResidualBlock]

    /// Reads stage number `stage` from the vocoder's scope, whose lists run over all stages.
    init(_ weights: Weights, _ configuration: VocoderConfiguration, stage: Int) throws {
        let channels = configuration.channels(after: stage)
        let rate = configuration.upsampleRates[stage]
        let kernel = configuration.upsampleKernels[stage]
        leakySlope = configuration.leakySlope
        isLast = stage == configuration.upsampleRates.count - 1
        upsample = try ConvTranspose1d(
            weights["ups"][stage], from: 2 * channels, to: channels, kernel: kernel, stride: rate,
            padding: (kernel - rate) / 2, weightNorm: true)

        let stride = configuration.sourceStride(at: stage)
        sourceDownsample = try Conv1d(
            weights["source_downs"][stage], from: 2 * configuration.transformBins, to: channels,
            kernel: stride == 1 ? 1 : 2 * stride, stride: stride, padding: stride / 2)
        sourceBlock = try HiFTResidualBlock(
            weights["source_resblocks"][stage], channels: channels,
            kernel: configuration.sourceResidualKernels[stage],
            dilations: configuration.sourceResidualDilations[stage])

        let count = configuration.residualKernels.count
        blocks = try (0..<count).map { index in
            try HiFTResidualBlock(
                weights["resblocks"][stage * count + index], channels: channels,
                kernel: configuration.residualKernels[index], dilations: configuration.residualDilations[index])
        }
    }

    /// Signal `[batch, 2 · channels, time]` and source spectrum `[batch, 2 · bins, spectral frames]` →
    /// `[batch, channels, rate · time]`, with one more step at the front after the last stage, because a transform
    /// of `n` hops has `n + 1` frames.
    func callAsFunction(_ input: Tensor, sourceSpectrum: Tensor) throws -> Tensor {
        var x = try upsample(input.leakyReLU(leakySlope))
        if isLast { x = try x.padded([1, 0], mode: .reflect) }
        x = try x + sourceBlock(sourceDownsample(sourceSpectrum))
        var sum = try blocks[0](x)
        for block in blocks.dropFirst() {
            sum = try sum + block(x)
        }
        return try sum / Double(blocks.count)
    }
}
