import Foundation
import Torch

/// Sinusoids of the distances between frames and what they attend to: for each stretch of keys from the largest distance (the
/// last frame, the first key) down to the smallest.
///
/// Dai et al. 2019 (Transformer-XL), appendix B; `EspnetRelPositionalEncoding` in `models/s3gen/transformer/embedding.py`.
struct RelativePositions {
    /// `[1, rows, size]`: of the frames among themselves, `2 · count − 1` rows, then of each stretch before them,
    /// `count + its length − 1` rows.
    let waves: Tensor
    private let ranges: [Range<Int>]

    /// - Parameters:
    ///   - count: frames.
    ///   - start: where they stand.
    ///   - before: stretches of frames that they see as well.
    init(count: Int, from start: Int = 0, after before: [Range<Int>] = [], size: Int, like tensor: Tensor) throws {
        var distances: [Tensor] = [], ranges: [Range<Int>] = [], rows = 0
        for keys in [start..<start + count] + before {
            let largest = start + count - 1 - keys.lowerBound, length = count + keys.count - 1
            distances.append(try .arange(from: Double(largest), to: Double(largest - length), by: -1))
            ranges.append(rows..<rows + length)
            rows += length
        }
        let rates = try (Tensor.arange(from: 0, to: Double(size), by: 2) * -(log(10000) / Double(size))).exp()
        let angles = try Tensor.cat(distances).unsqueezed(1) * rates
        waves = try Tensor.stack([angles.sin(), angles.cos()], axis: 2).reshaped([1, rows, size]).to(tensor.dtype).to(tensor.device)
        self.ranges = ranges
    }

    /// Rows of the frames among themselves, of as many as there are ``waves``; a view.
    func own(_ rows: Tensor) throws -> Tensor { try part(rows, ranges[0]) }

    /// Rows of each stretch before the frames.
    func before(_ rows: Tensor) throws -> [Tensor] { try ranges.dropFirst().map { try part(rows, $0) } }

    private func part(_ rows: Tensor, _ range: Range<Int>) throws -> Tensor {
        try rows.narrow(axis: 1, from: range.lowerBound, count: range.count)
    }
}
