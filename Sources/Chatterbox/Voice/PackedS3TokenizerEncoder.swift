import Kernels
import Torch

/// The encoder of an ``S3Tokenizer`` on the CPU with packed weights, for one recording without padding.
struct PackedS3TokenizerEncoder: Sendable {
    private let first, second: PackedLayer
    private let blocks: [Block]
    private let config: S3TokenizerConfig

    /// - Parameter format: of all weights and of attention, but for those of the first convolution, a hundredth of the work.
    /// - Throws: ``KernelError``; ``TorchError`` where the weights are not float32 on the CPU.
    init(_ tokenizer: S3Tokenizer, format: WeightFormat, team: ThreadTeam) throws {
        func halving(_ convolution: Conv1d, _ format: WeightFormat) throws -> PackedLayer {
            let matrix = try PackedMatrix([.init(convolution)], format: format, team: team)
            return PackedLayer(matrix, convolution: .init(step: 2, lead: 1), activation: .gelu)
        }
        config = tokenizer.config
        first = try halving(tokenizer.firstConvolution, .float32)
        second = try halving(tokenizer.secondConvolution, format)
        let pack = LayerPacking(format: format, team: team)
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
                try pack(exact.query, exact.key, exact.value), in: WayIn(norm: try Norm(block.attentionNorm)))
            output = PackedLayer(try pack(exact.output))
            up = PackedLayer(try pack(block.up), in: WayIn(norm: try Norm(block.feedForwardNorm)), activation: .gelu)
            down = PackedLayer(try pack(block.down))
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
