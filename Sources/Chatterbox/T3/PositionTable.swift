import Torch

/// One row of numbers for each position: a learned embedding, or the cosines or sines of a rotary one.
struct PositionTable: Sendable {
    /// `[positions, size]`.
    let rows: Tensor

    /// Number of positions.
    var count: Int { rows.size(0) }

    init(_ rows: Tensor) {
        self.rows = rows
    }

    /// A learned table (upstream: `learned_pos_emb.py`; GPT-2's `wpe`).
    init(_ weights: Weights, count: Int, size: Int) throws {
        rows = try weights.tensor("weight", shape: [count, size], initial: .normal(std: 0.02))
    }

    /// The rows of a batch's new positions: `[batch or 1, count, size]`.
    func callAsFunction(of memory: some AttentionMemory, count: Int) throws -> Tensor {
        guard let positions = memory.positions else { return try self(from: memory.firstPositions, count: count) }
        return try rows.indexSelect(axis: 0, positions).unsqueezed(1)
    }

    /// The rows of `count` positions from each of `starts` on: `[starts, count, size]`, or `[1, count, size]` when all
    /// starts are the same.
    ///
    /// - Throws: `T3Error.sequenceTooLong` beyond the table's end.
    func callAsFunction(from starts: [Int], count length: Int) throws -> Tensor {
        let last = (starts.max() ?? 0) + length
        guard last <= count else { throw T3Error.sequenceTooLong(positions: last, limit: count) }
        if Set(starts).count == 1 {
            return try rows.narrow(axis: 0, from: starts[0], count: length).unsqueezed(0)
        }
        let index = try Tensor(starts.flatMap { $0..<$0 + length }, device: rows.device)
        return try rows.indexSelect(axis: 0, index).viewed([starts.count, length, rows.size(1)])
    }
}
