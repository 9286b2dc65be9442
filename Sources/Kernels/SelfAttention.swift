import CKernels
import Torch

/// Attention of all frames of a sequence to all: softmax(q kᵀ ÷ √size) v (Vaswani et al. 2017).
public struct SelfAttention: Sendable {
    /// Relative positions, with which scores become (q + u) kᵀ + (q + w) dᵀ (Dai et al. 2019): d depends only on the distance of query and key.
    public struct Distances {
        let contentBias, distanceBias, distances: Tensor
        let before: [Tensor]

        /// - Parameters:
        ///   - contentBias: u, contiguous, with the size of a query in all heads.
        ///   - distanceBias: w, likewise.
        ///   - distances: d, `[1, 2 × length − 1, heads × head size]`; for query i and key j row length − 1 − i + j is used.
        ///   - before: the same for each stretch of preceding rows, `[1, length + its length − 1, heads × head size]`.
        public init(contentBias: Tensor, distanceBias: Tensor, distances: Tensor, before: [Tensor] = []) {
            self.contentBias = contentBias
            self.distanceBias = distanceBias
            self.distances = distances
            self.before = before
        }
    }

    let heads, headSize: Int
    let keys, values: WeightFormat
    let team: ThreadTeam

    /// - Parameters:
    ///   - heads: of queries, keys and values alike.
    ///   - headSize: numbers of a query in one head.
    ///   - keys: float32, or int8 to multiply queries with keys and distances in 8 bits.
    ///   - values: the same for weights and values.
    ///   - team: threads that compute.
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
    /// - Throws: ``KernelError``, and `TorchError` if a tensor is not float32 on the CPU.
    public func callAsFunction(_ x: Tensor, into output: Tensor, distances: Distances? = nil) throws {
        _ = try attend(x, into: output, distances: distances, before: [], keeps: false)
    }

    /// The same for rows that follow others of their sequences, to which every row attends as well. Kept rows do not change: they do not attend to
    /// later rows.
    ///
    /// - Parameters:
    ///   - x: queries, keys and values side by side, `[sequences, length, 3 × heads × head size]`.
    ///   - before: kept rows, in order, at most ``KeptRows/most`` stretches of them.
    ///   - output: `[sequences, length, heads × head size]`.
    ///   - distances: relative positions; nil for none.
    /// - Returns: the keys and values of these rows.
    public func keeping(_ x: Tensor, after before: [KeptRows], into output: Tensor, distances: Distances? = nil) throws -> KeptRows {
        try attend(x, into: output, distances: distances, before: before, keeps: true)!
    }

    private func attend(_ x: Tensor, into output: Tensor, distances: Distances?, before: [KeptRows], keeps: Bool) throws -> KeptRows? {
        precondition(before.count <= KeptRows.most, "a few stretches")
        let (from, to) = (try Rows(x), try Rows(output))
        let width = heads * headSize
        guard from.width == 3 * width else {
            throw KernelError.shape("queries, keys and values", expected: "[sequences, length, \(3 * width)]", found: x.shape)
        }
        guard to.shape == [from.sequences, from.length, width] else {
            throw KernelError.shape("output", expected: "[\(from.sequences), \(from.length), \(width)]", found: output.shape)
        }
        var attention = ck_self_attention(), distancesBefore: [UnsafePointer<Float>?] = []
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
            guard distances.before.count == before.count else {
                throw KernelError.shape("distances of rows before", expected: "\(before.count) stretches", found: [distances.before.count])
            }
            for (kept, tensor) in zip(before, distances.before) {
                let stretch = try Rows(tensor)
                guard stretch.shape == [1, from.length + kept.length - 1, width], stretch.stride == rows.stride else {
                    throw KernelError.shape(
                        "distances of rows before", expected: "[1, \(from.length + kept.length - 1), \(width)]", found: stretch.shape)
                }
                distancesBefore.append(UnsafePointer(stretch.start))
            }
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
        guard before.allSatisfy({ ck_kept_rows_fit($0.handle, &attention) }) else {
            throw KernelError.shape("rows before", expected: "[\(from.sequences), rows, \(width)], kept by this attention", found: x.shape)
        }
        var kept: OpaquePointer?
        let isComputed = withExtendedLifetime((x, output, distances, before)) {
            before.map { Optional($0.handle) }.withUnsafeBufferPointer { handles in
                distancesBefore.withUnsafeBufferPointer { distances in
                    withUnsafeMutablePointer(to: &kept) { kept in
                        (attention.before, attention.before_count) = (handles.baseAddress, handles.count)
                        attention.before_distances = distances.baseAddress
                        attention.kept = keeps ? kept : nil
                        return ck_self_attention_run(team.handle, &attention)
                    }
                }
            }
        }
        guard isComputed else { throw KernelError.outOfMemory("attention", bytes: x.byteCount) }
        return kept.map(KeptRows.init)
    }
}

/// Keys and values of rows of some sequences, packed for attention.
public final class KeptRows: @unchecked Sendable {
    // Not changed after initialisation.
    let handle: OpaquePointer

    /// Stretches of rows that an attention sees besides its own.
    public static let most = Int(CK_MOST_STRETCHES) - 1

    fileprivate init(_ handle: OpaquePointer) { self.handle = handle }

    deinit { ck_kept_rows_free(handle) }

    /// Rows of each sequence.
    public var length: Int { ck_kept_rows_length(handle) }
    public var byteCount: Int { ck_kept_rows_bytes(handle) }
}
