import Torch

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
