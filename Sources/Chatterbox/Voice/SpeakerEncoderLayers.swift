import Torch

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
