import Torch

/// Five wide convolutions between two that look at one frame: `[batch, from, frames]` → `[batch, to, frames]`.
struct WatermarkConvolutions: Sendable {
    let layers: [Conv1d]

    /// Slope of the rectifiers between the convolutions.
    static let slope = 0.01
    /// Frames on either side that a frame's result depends on.
    static let reach = 15

    init(_ weights: Weights, from inputs: Int, hidden: Int, to outputs: Int) throws {
        let wide = 5, kernel = 7
        let first = try Conv1d(weights[0]["conv"], from: inputs, to: hidden, kernel: 1)
        let middle = try (1...wide).map {
            try Conv1d(weights[$0]["conv"], from: hidden, to: hidden, kernel: kernel, padding: kernel / 2)
        }
        let last = try Conv1d(weights[wide + 1]["conv"], from: hidden, to: outputs, kernel: 1)
        layers = [first] + middle + [last]
    }

    func callAsFunction(_ x: Tensor) throws -> Tensor {
        let hidden = try layers.dropLast().reduce(x) { x, layer in try layer(x).leakyReLU(Self.slope) }
        return try layers[layers.count - 1](hidden)
    }

    /// The sum over the frames of what comes out × a mask `[1, 1, frames]`, computed some frames at a time: `[1, to]`.
    func sum(over x: Tensor, mask: Tensor, window: Int) throws -> Tensor {
        let frames = x.size(2)
        let parts = try stride(from: 0, to: frames, by: window).map { first in
            let end = min(frames, first + window), start = max(0, first - Self.reach), stop = min(frames, end + Self.reach)
            let heard = try self(x.narrow(axis: 2, from: start, count: stop - start)).narrow(axis: 2, from: first - start, count: end - first)
            return try (heard * mask.narrow(axis: 2, from: first, count: end - first)).sum(axis: 2)
        }
        return try parts.dropFirst().reduce(parts[0]) { try $0 + $1 }
    }
}

/// Adds the mark to a spectrum. Upstream: `model/encoder.py` in resemble-perth.
struct WatermarkEncoder: Sendable {
    let layers: WatermarkConvolutions
    private let markedBins: Int

    init(_ weights: Weights, _ configuration: WatermarkConfiguration) throws {
        markedBins = configuration.markedBins
        layers = try WatermarkConvolutions(weights["layers"], from: markedBins, hidden: configuration.hiddenSize, to: markedBins)
    }

    /// Levels `[1, bins, frames]` → the same with the mark in the lowest bins.
    func callAsFunction(_ levels: Tensor) throws -> Tensor {
        let band = try levels.narrow(axis: 1, from: 0, count: markedBins)
        let marked = try band + layers(band) * WatermarkSpectrum.carriers(levels)
        return try Tensor.cat([marked, levels.narrow(axis: 1, from: markedBins, count: levels.size(1) - markedBins)], axis: 1)
    }
}

/// Looks for the mark in a spectrum that may have been slowed down or sped up: three networks hear it at three speeds,
/// and the surest has the most say. Upstream: `model/decoder.py` in resemble-perth.
struct WatermarkDecoder: Sendable {
    private let branches: [(speed: Double, layers: WatermarkConvolutions)]

    init(_ weights: Weights, _ configuration: WatermarkConfiguration) throws {
        branches = try [("slow_layers", 1.25), ("normal_layers", 1), ("fast_layers", 0.75)].map { name, speed in
            (speed, try WatermarkConvolutions(weights[name], from: configuration.markedBins, hidden: configuration.hiddenSize, to: 2))
        }
    }

    /// The marked bins of the levels `[1, bins, frames]`, and which frames could carry a mark, `[1, 1, frames]` → about 1 for
    /// marked speech, about 0 for any other; nil where no frame could.
    ///
    /// - Parameter window: most frames that the networks hear at a time.
    func callAsFunction(_ band: Tensor, carriers: Tensor, window: Int) throws -> Double? {
        let votes = try branches.map { speed, layers in
            let frames = Int(Double(band.size(2)) * speed)
            let heard = frames == band.size(2) ? band : try band.interpolated(size: frames, mode: .linear(alignCorners: true))
            let mask = try carriers.interpolated(size: frames)
            return try layers.sum(over: heard, mask: mask, window: window) / mask.sum(axis: 2)
        }
        // [2, branches]: how sure each is, and what it says.
        let table = try Tensor.cat(votes).transposed(0, 1)
        let verdict = try (table.narrow(axis: 0, from: 0, count: 1).softmax(axis: 1) * table.narrow(axis: 0, from: 1, count: 1)).sum()
        let value = try Double(verdict.item(Float.self))
        return value.isNaN ? nil : value
    }
}
