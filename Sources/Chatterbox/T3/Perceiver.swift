import Torch

/// Sizes of the perceiver (upstream: `models/t3/modules/perceiver.py`).
public struct PerceiverConfiguration: Sendable, Codable, Hashable {
    /// Number of learned queries, and of vectors that come out.
    public var queries = 32
    /// Number of attention heads.
    public var heads = 4

    public init(queries: Int = 32, heads: Int = 4) {
        self.queries = queries
        self.heads = heads
    }
}

/// Condenses a sequence of any length into a fixed number of vectors (after Jaegle et al. 2021).
///
/// One attention block serves twice: learned queries attend to the sequence, then to one another.
struct Perceiver: Sendable {
    let queries: Tensor
    let attention: PerceiverAttention

    init(_ weights: Weights, size: Int, _ configuration: PerceiverConfiguration) throws {
        let bound = (3.0 * 2.0 / Double(2 * configuration.queries)).squareRoot()
        queries = try weights.tensor(
            "pre_attention_query", shape: [1, configuration.queries, size], initial: .uniform(bound))
        attention = try PerceiverAttention(weights["attn"], size: size, heads: configuration.heads)
    }

    /// `[batch, time, hidden]` → `[batch, queries, hidden]`.
    func callAsFunction(_ sequence: Tensor) throws -> Tensor {
        let queries = try queries.expanded([sequence.size(0), queries.size(1), queries.size(2)])
        let condensed = try attention(queries, to: sequence)
        return try attention(condensed, to: condensed)
    }
}

/// Multi-head attention from one sequence to another, added to the first; both are normalised by the same layer.
struct PerceiverAttention: Sendable {
    let heads: Int
    let norm: LayerNorm
    let query, key, value, output: Linear

    init(_ weights: Weights, size: Int, heads: Int) throws {
        guard heads > 0, size % heads == 0 else { throw T3Error.unevenHeads(hiddenSize: size, heads: heads) }
        self.heads = heads
        norm = try LayerNorm(weights["norm"], size: size)
        query = try Linear(weights["to_q"], from: size, to: size)
        key = try Linear(weights["to_k"], from: size, to: size)
        value = try Linear(weights["to_v"], from: size, to: size)
        output = try Linear(weights["proj_out"], from: size, to: size)
    }

    /// `x` `[batch, queries, hidden]`, `context` `[batch, time, hidden]` → `[batch, queries, hidden]`.
    func callAsFunction(_ x: Tensor, to context: Tensor) throws -> Tensor {
        let normalised = try norm(context)
        let attended = try query(norm(x)).splitIntoHeads(heads).attention(
            key: key(normalised).splitIntoHeads(heads), value: value(normalised).splitIntoHeads(heads))
        return try x + output(attended.joinedHeads())
    }
}
