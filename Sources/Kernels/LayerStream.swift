import Torch

/// Rows of one sequence that is made and used piece by piece: `[1, rows, width]`, of which only those are kept that are
/// still needed.
package struct RowWindow {
    package let width: Int
    /// Numbers of the rows that are there.
    package private(set) var rows = 0..<0
    /// The rows before this one are complete; those behind it are being added up.
    package private(set) var complete = 0
    private var memory: Tensor?

    package init(width: Int) { self.width = width }

    /// Bytes of the rows that are there.
    package var byteCount: Int { rows.count * width * MemoryLayout<Float>.size }

    /// Makes room for rows up to `end`, which hold anything until they are written.
    package mutating func extend(to end: Int) throws {
        guard end > rows.upperBound else { return }
        let wider = try Tensor.empty([1, end - rows.lowerBound, width])
        if let memory, !rows.isEmpty { try wider.narrow(axis: 1, from: 0, count: rows.count).assign(memory) }
        (memory, rows) = (wider, rows.lowerBound..<end)
    }

    /// Appends rows that are complete, `[1, rows, width]`.
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

    /// Lets go of the rows before one, and of the memory that all were made in.
    package mutating func forget(before row: Int) throws {
        let kept = min(max(row, rows.lowerBound), rows.upperBound)..<rows.upperBound
        memory = kept.isEmpty ? nil : try self[kept].clone()
        rows = kept
    }

    /// Some rows, a view.
    package subscript(_ range: Range<Int>) -> Tensor {
        get throws {
            precondition(range.lowerBound >= rows.lowerBound && range.upperBound <= rows.upperBound, "rows that are there")
            guard let memory else { return try .empty([1, 0, width]) }
            return try memory.narrow(axis: 1, from: range.lowerBound - rows.lowerBound, count: range.count)
        }
    }
}

/// A layer's way through a sequence that comes piece by piece. Together the results are those of one call with all of the
/// sequence, bit for bit.
package struct LayerStream {
    private let layer: PackedLayer
    /// Results that are made.
    package private(set) var made = 0

    package init(_ layer: PackedLayer) { self.layer = layer }

    package var outputs: Int { layer.matrix.outputs }

    /// Results that can be made once so many rows are there, a whole number of tiles; at the sequence's end there may be more.
    package func ready(after rows: Int) -> Int {
        let convolution = layer.convolution, tile = layer.matrix.tile
        let unit = tile.results * (tile.results > 1 ? convolution.dilation : 1)
        let last = rows + convolution.lead - (tile.taps - tile.results) * convolution.dilation
        guard last > 0 else { return made }
        let results = convolution.step == 1 ? last : (last - 1) / convolution.step + 1
        return max(made, results / unit * unit)
    }

    /// The first row that results see which are not made yet.
    package var needed: Int { max(0, made * layer.convolution.step - layer.convolution.lead) }

    /// Makes results up to `end`: those that are ready, or all where the sequence ends with the complete rows of `input`.
    ///
    /// - Parameters:
    ///   - output: rows `made ..< end` of the results.
    ///   - residual: rows of the same numbers that are added to these.
    ///   - share: as of ``PackedLayer``.
    package mutating func callAsFunction(
        _ input: RowWindow, to end: Int, into output: Tensor, residual: RowWindow? = nil, share: Double? = nil
    ) throws {
        guard end > made else { return }
        let convolution = layer.convolution, start = needed
        // Rows that no result sees would be brought in for nothing.
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
