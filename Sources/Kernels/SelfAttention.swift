import CKernels
import Torch

/// Attention of all frames of a sequence to all: softmax(q kᵀ ÷ √size) v (Vaswani et al. 2017).
public struct SelfAttention: Sendable {
    /// What relative positions do to scores, which become (q + u) kᵀ + (q + w) dᵀ (Dai et al. 2019): d depends on the distance
    /// of query and key alone.
    public struct Distances {
        let contentBias, distanceBias, distances: Tensor

        /// - Parameters:
        ///   - contentBias: u, contiguous, as many numbers as a query has in all heads.
        ///   - distanceBias: w, likewise.
        ///   - distances: d, `[1, 2 × length − 1, heads × head size]`; query i meets key j with row length − 1 − i + j.
        public init(contentBias: Tensor, distanceBias: Tensor, distances: Tensor) {
            self.contentBias = contentBias
            self.distanceBias = distanceBias
            self.distances = distances
        }
    }

    let heads, headSize: Int
    let keys, values: WeightFormat
    let team: ThreadTeam

    /// - Parameters:
    ///   - keys: float32, or int8 to multiply queries with keys and distances in 8 bits.
    ///   - values: the same for weights and values.
    public init(heads: Int, headSize: Int, keys: WeightFormat = .float32, values: WeightFormat = .float32, team: ThreadTeam) {
        precondition(keys != .int4 && values != .int4, "4 bits are for weights")
        self.heads = heads
        self.headSize = headSize
        self.keys = keys
        self.values = values
        self.team = team
    }

    /// - Parameters:
    ///   - x: queries, keys and values side by side, `[sequences, length, 3 × heads × head size]`.
    ///   - output: `[sequences, length, heads × head size]`.
    ///   - distances: relative positions; nil for none.
    /// - Throws: ``KernelError``, and ``TorchError`` where a tensor is not float32 on the CPU.
    public func callAsFunction(_ x: Tensor, into output: Tensor, distances: Distances? = nil) throws {
        let (from, to) = (try Rows(x), try Rows(output))
        let width = heads * headSize
        guard from.width == 3 * width else {
            throw KernelError.shape("queries, keys and values", expected: "[sequences, length, \(3 * width)]", found: x.shape)
        }
        guard to.shape == [from.sequences, from.length, width] else {
            throw KernelError.shape("output", expected: "[\(from.sequences), \(from.length), \(width)]", found: output.shape)
        }
        var attention = ck_self_attention()
        if let distances {
            let rows = try Rows(distances.distances)
            guard rows.shape == [1, 2 * from.length - 1, width] else {
                throw KernelError.shape("distances", expected: "[1, \(2 * from.length - 1), \(width)]", found: rows.shape)
            }
            for bias in [distances.contentBias, distances.distanceBias] where bias.count != width || !bias.isContiguous {
                throw KernelError.shape("bias of queries", expected: "\(width) numbers in a row", found: bias.shape)
            }
            attention.content_bias = UnsafePointer(try distances.contentBias.storage(of: Float.self).start)
            attention.distance_bias = UnsafePointer(try distances.distanceBias.storage(of: Float.self).start)
            (attention.distances, attention.distance_stride) = (UnsafePointer(rows.start), rows.stride)
        }
        attention.query = UnsafePointer(from.start)
        attention.key = UnsafePointer(from.start + width)
        attention.value = UnsafePointer(from.start + 2 * width)
        attention.stride = from.stride
        (attention.sequences, attention.length) = (from.sequences, from.length)
        (attention.heads, attention.head_size) = (heads, headSize)
        attention.scale = 1 / Float(headSize).squareRoot()
        (attention.key_format, attention.value_format) = (keys.code, values.code)
        (attention.output, attention.output_stride) = (to.start, to.stride)
        let isComputed = withExtendedLifetime((x, output, distances)) { ck_self_attention_run(team.handle, &attention) }
        guard isComputed else { throw KernelError.outOfMemory("attention", bytes: x.byteCount) }
    }
}
