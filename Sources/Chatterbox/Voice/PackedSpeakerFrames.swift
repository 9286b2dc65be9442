import Kernels
import Torch

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
