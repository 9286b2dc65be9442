import Torch

/// Rows `[1, rows, width]` of one sequence that is computed and used piece by piece; rows that are no longer needed are removed.
package struct RowWindow {
    package let width: Int
    /// The numbers of the rows that are stored.
    package private(set) var rows = 0..<0
    /// Rows before this number are complete; sums are still being added to later rows.
    package private(set) var complete = 0
    private var memory: Tensor?

    package init(width: Int) { self.width = width }

    /// The size of the stored rows in bytes.
    package var byteCount: Int { rows.count * width * MemoryLayout<Float>.size }

    /// Allocates rows up to `end`; their contents are undefined until they are written.
    package mutating func extend(to end: Int) throws {
        guard end > rows.upperBound else { return }
        let wider = try Tensor.empty([1, end - rows.lowerBound, width])
        if let memory, !rows.isEmpty { try wider.narrow(axis: 1, from: 0, count: rows.count).assign(memory) }
        (memory, rows) = (wider, rows.lowerBound..<end)
    }

    /// Appends complete rows, `[1, rows, width]`.
    package mutating func append(_ more: Tensor) throws {
        let start = rows.upperBound
        try extend(to: start + more.size(1))
        if more.size(1) > 0 { try self[start..<start + more.size(1)].assign(more) }
        complete(to: rows.upperBound)
    }

    package mutating func complete(to end: Int) {
        precondition(rows.upperBound >= end, "rows that are there")
        complete = max(complete, end)
    }

    /// Removes the rows before one, and frees the memory in which they were allocated.
    package mutating func forget(before row: Int) throws {
        guard row > rows.lowerBound else { return }
        let kept = min(row, rows.upperBound)..<rows.upperBound
        memory = kept.isEmpty ? nil : try self[kept].clone()
        rows = kept
    }

    /// A view of some rows.
    package subscript(_ range: Range<Int>) -> Tensor {
        get throws {
            precondition(range.lowerBound >= rows.lowerBound && range.upperBound <= rows.upperBound, "rows that are there")
            guard let memory else { return try .empty([1, 0, width]) }
            return try memory.narrow(axis: 1, from: range.lowerBound - rows.lowerBound, count: range.count)
        }
    }
}

/// The state of a layer in a sequence that arrives piece by piece. Together the results equal those of one call with the complete sequence, bit for
/// bit.
package struct LayerStream {
    package let layer: PackedLayer
    /// The number of results computed so far.
    package private(set) var made = 0

    package init(_ layer: PackedLayer) { self.layer = layer }

    /// The number of results that can be computed from this many rows, a whole number of tiles; at the end of the sequence there may be more.
    package func ready(after rows: Int) -> Int {
        let convolution = layer.convolution, tile = layer.matrix.tile
        let unit = tile.results * (tile.results > 1 ? convolution.dilation : 1)
        let last = rows + convolution.lead - (tile.taps - tile.results) * convolution.dilation
        guard last > 0 else { return made }
        let results = convolution.step == 1 ? last : (last - 1) / convolution.step + 1
        return max(made, results / unit * unit)
    }

    /// The first row that is needed for results that have not been computed yet.
    package var needed: Int { max(0, made * layer.convolution.step - layer.convolution.lead) }

    /// Computes results up to `end`: those that are ready, or all if the sequence ends with the complete rows of `input`.
    ///
    /// - Parameters:
    ///   - output: rows `made ..< end` of the results.
    ///   - residual: rows of the same numbers, which are added to the results.
    ///   - share: as in ``PackedLayer``.
    package mutating func callAsFunction(
        _ input: RowWindow, to end: Int, into output: Tensor, residual: RowWindow? = nil, share: Double? = nil
    ) throws {
        guard end > made else { return }
        let convolution = layer.convolution, start = needed
        // Rows that no result depends on need not be read.
        let tile = layer.matrix.tile, unit = tile.results * convolution.dilation
        let reached =
            tile.results > 1
            ? (end + unit - 1) / unit * unit - unit + tile.taps * convolution.dilation
            : (end - 1) * convolution.step + (tile.taps - 1) * convolution.dilation + 1
        let stop = min(input.complete, max(start + 1, reached - convolution.lead))
        try layer(
            input[start..<stop], into: output, residual: residual.map { try $0[made..<end] }, share: share,
            lead: start + convolution.lead - made * convolution.step)
        made = end
    }
}
