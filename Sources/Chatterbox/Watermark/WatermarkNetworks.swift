import Foundation
import Kernels
import SpeechAudio
import Torch

/// Five wide convolutions between two of width 1: `[batch, from, frames]` → `[batch, to, frames]`.
struct WatermarkConvolutions: Sendable {
    let layers: [Conv1d]

    /// The slope of the leaky rectifiers between the convolutions.
    static let slope = 0.01
    /// The number of frames on either side on which a frame's result depends.
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

    /// The sum over frames of the result × a mask `[1, 1, frames]`, computed some frames at a time: `[1, to]`.
    func sum(over x: Tensor, mask: Tensor, window: Int) throws -> Tensor {
        let frames = x.size(2)
        let parts = try stride(from: 0, to: frames, by: window).map { first in
            let end = min(frames, first + window), start = max(0, first - Self.reach), stop = min(frames, end + Self.reach)
            let values = try self(x.narrow(axis: 2, from: start, count: stop - start)).narrow(axis: 2, from: first - start, count: end - first)
            return try (values * mask.narrow(axis: 2, from: first, count: end - first)).sum(axis: 2)
        }
        return try parts.dropFirst().reduce(parts[0]) { try $0 + $1 }
    }
}

/// Adds the watermark to a spectrum. Upstream: `model/encoder.py` in resemble-perth.
struct WatermarkEncoder: Sendable {
    let layers: WatermarkConvolutions
    private let markedBins: Int

    init(_ weights: Weights, _ configuration: WatermarkConfiguration) throws {
        markedBins = configuration.markedBins
        layers = try WatermarkConvolutions(weights["layers"], from: markedBins, hidden: configuration.hiddenSize, to: markedBins)
    }

    /// Levels `[1, bins, frames]` → the same with the watermark in the lowest bins.
    func callAsFunction(_ levels: Tensor) throws -> Tensor {
        let band = try levels.narrow(axis: 1, from: 0, count: markedBins)
        let marked = try band + layers(band) * WatermarkSpectrum.carriers(levels)
        return try Tensor.cat([marked, levels.narrow(axis: 1, from: markedBins, count: levels.size(1) - markedBins)], axis: 1)
    }
}

/// Detects the watermark in a spectrum whose speed may have been changed: three networks process it at three speeds, and the results are weighted by
/// their confidence. Upstream: `model/decoder.py` in resemble-perth.
struct WatermarkDecoder: Sendable {
    private let branches: [(speed: Double, layers: WatermarkConvolutions)]

    init(_ weights: Weights, _ configuration: WatermarkConfiguration) throws {
        branches = try [("slow_layers", 1.25), ("normal_layers", 1), ("fast_layers", 0.75)].map { name, speed in
            (speed, try WatermarkConvolutions(weights[name], from: configuration.markedBins, hidden: configuration.hiddenSize, to: 2))
        }
    }

    /// The marked bins of the levels `[1, bins, frames]`, and which frames can contain a watermark, `[1, 1, frames]` → about 1 for speech with the
    /// watermark, about 0 for any other; nil if no frame can contain it.
    ///
    /// - Parameter window: the largest number of frames that the networks process at a time.
    func callAsFunction(_ band: Tensor, carriers: Tensor, window: Int) throws -> Double? {
        let votes = try branches.map { speed, layers in
            let frames = Int(Double(band.size(2)) * speed)
            let input = frames == band.size(2) ? band : try band.interpolated(size: frames, mode: .linear(alignCorners: true))
            let mask = try carriers.interpolated(size: frames)
            return try layers.sum(over: input, mask: mask, window: window) / mask.sum(axis: 2)
        }
        // [2, branches]: the confidence of each branch, and its result.
        let table = try Tensor.cat(votes).transposed(0, 1)
        let verdict = try (table.narrow(axis: 0, from: 0, count: 1).softmax(axis: 1) * table.narrow(axis: 0, from: 1, count: 1)).sum()
        let value = try Double(verdict.item(Float.self))
        return value.isNaN ? nil : value
    }
}

/// The input of PerTh's networks: levels in decibels, scaled to about 0…1, and phases.
///
/// Upstream: `audio_processor.py` and `utils.py` in resemble-perth.
struct WatermarkSpectrum: Sendable {
    let configuration: WatermarkConfiguration
    private let window: Tensor

    /// The smallest magnitude in decibels; it has level 0.
    private static let floorDecibels = -180.0
    /// The number of decibels above full scale that has level 1.
    private static let headroom = 15.0
    /// The limit for the magnitude of a bin.
    private static let ceilingDecibels = 200.0

    init(_ configuration: WatermarkConfiguration, device: Device) throws {
        self.configuration = configuration
        window = try .hannWindow(configuration.transformSize, device: device)
    }

    /// Samples `[1, samples]`, more than half a window of them → levels and phases in radians, `[1, bins, frames]` with frames = 1 + ⌊samples ÷ hop⌋.
    func analyse(_ samples: Tensor) throws -> (levels: Tensor, phases: Tensor) {
        let transform = try samples.stft(size: configuration.transformSize, hop: configuration.transformHop, window: window)
        return (try Self.levels(transform.abs()), try transform.angle())
    }

    /// Levels of magnitudes.
    static func levels(_ magnitude: Tensor) throws -> Tensor {
        let decibels = try 20 * magnitude.clamped(min: pow(10, floorDecibels / 20)).log10()
        return try (decibels - floorDecibels) / (headroom - floorDecibels)
    }

    /// The factors of magnitudes for a change of levels.
    static func gain(from levels: Tensor, by change: Tensor) throws -> Tensor {
        let range = headroom - floorDecibels, highest = (ceilingDecibels - floorDecibels) / range
        return try Tensor.pow(10, change.minimum(highest - levels) * (range / 20))
    }

    /// The lowest bins of the levels `[1, bins, frames]`, and the sums of all bins `[1, 1, frames]`, in which the watermark is detected. Computed
    /// some frames at a time, so that the whole spectrum is never in memory.
    ///
    /// - Parameter window: the largest number of frames at a time.
    func band(of samples: Tensor, bins: Int, window: Int) throws -> (band: Tensor, totals: Tensor) {
        let (hop, count) = (configuration.transformHop, samples.size(1))
        let frames = 1 + count / hop
        // The number of whole hops that a transform extends to either side.
        let reach = (configuration.transformSize / 2 + hop - 1) / hop
        var bands: [Tensor] = [], totals: [Tensor] = []
        for first in stride(from: 0, to: frames, by: window) {
            // The last part is the longer one: by itself it might be too short for a transform.
            if first > 0, frames - first < 2 * reach { break }
            let end = frames - first - window < 2 * reach ? frames : first + window
            let start = max(0, first - reach), stop = end == frames ? count : min(count, (end + reach) * hop)
            let levels = try analyse(samples.narrow(axis: 1, from: start * hop, count: stop - start * hop)).levels
                .narrow(axis: 2, from: first - start, count: end - first)
            bands.append(try levels.narrow(axis: 1, from: 0, count: bins).clone())
            totals.append(try levels.sum(axis: 1, keepAxis: true))
        }
        return (try Tensor.cat(bands, axis: 2), try Tensor.cat(totals, axis: 2))
    }

    /// Levels and phases `[1, bins, frames]` → `[1, count]` samples.
    func synthesise(levels: Tensor, phases: Tensor, count: Int) throws -> Tensor {
        let decibels = try levels * (Self.headroom - Self.floorDecibels) + Self.floorDecibels
        let magnitude = try Tensor.pow(10, decibels.clamped(max: Self.ceilingDecibels) / 20)
        return try Tensor.polar(magnitude, phases).istft(
            size: configuration.transformSize, hop: configuration.transformHop, window: window, length: count)
    }

    /// Which frames are loud enough to contain the watermark: 1 if they are, 0 otherwise. `[1, bins, frames]` → `[1, 1, frames]`.
    static func carriers(_ levels: Tensor) throws -> Tensor {
        try carriers(totals: levels.sum(axis: 1, keepAxis: true))
    }

    /// The same, from the sums of all bins, `[1, 1, frames]`.
    static func carriers(totals: Tensor) throws -> Tensor {
        try totals.greater(than: totals.max(axis: 2, keepAxis: true) * 0.05).to(.float32)
    }
}

/// ``WatermarkEncoder`` on the CPU with packed weights, at the sound's own sample rate.
///
/// A window at the networks' sample rate and a window of the same duration at the sound's rate have the same values in their common bins, so that
/// nothing is resampled. Since the watermark changes only some of the lowest bins, the inverse transform of that change is added to the sound. With
/// the released network the result is within 1e-6 of full scale of the exact path's, except where a sound is cut off abruptly and a resampler rings.
/// The sound itself is not changed, whereas the exact path resamples it to the networks' rate and back.
struct PackedWatermark: Sendable {
    private let configuration: WatermarkConfiguration
    private let layers: [PackedLayer]

    /// - Throws: ``KernelError``; ``TorchError`` if the weights are not float32 on the CPU.
    init(_ encoder: WatermarkEncoder, _ configuration: WatermarkConfiguration, team: ThreadTeam) throws {
        self.configuration = configuration
        let pack = LayerPacking(format: .float32, team: team)
        layers = try encoder.layers.layers.enumerated().map { index, layer in
            try pack(ExactLayer(centred: layer, in: index == 0 ? .identity : ExactActivation(.leakyReLU(slope: WatermarkConvolutions.slope))))
        }
    }

    /// Whether the networks' window and hop are whole numbers of samples at a sample rate, and their bins exist there.
    func suits(sampleRate: Int) -> Bool {
        let (size, hop) = (configuration.transformSize * sampleRate, configuration.transformHop * sampleRate)
        return size.isMultiple(of: 2 * configuration.sampleRate) && hop.isMultiple(of: configuration.sampleRate)
            && size / configuration.sampleRate / 2 + 1 >= configuration.markedBins
    }

    /// Samples `[1, samples]`, more than half a window of them, → the same with the watermark.
    func callAsFunction(_ samples: Tensor, sampleRate: Int) throws -> Tensor {
        let scale = Double(configuration.sampleRate) / Double(sampleRate)
        let (size, hop) = (
            configuration.transformSize * sampleRate / configuration.sampleRate, configuration.transformHop * sampleRate / configuration.sampleRate
        )
        let window = try Tensor.hannWindow(size)
        let transform = try samples.stft(size: size, hop: hop, window: window).transposed(1, 2)
        let levels = try WatermarkSpectrum.levels(transform.abs() * scale)
        let carriers = try WatermarkSpectrum.carriers(totals: levels.sum(axis: 2, keepAxis: true).transposed(1, 2)).transposed(1, 2)
        let band = try levels.narrow(axis: 2, from: 0, count: configuration.markedBins).contiguous()
        let gain = try WatermarkSpectrum.gain(from: band, by: change(of: band) * carriers)
        let difference = try transform.narrow(axis: 2, from: 0, count: configuration.markedBins) * (gain - 1)
        let bins = size / 2 + 1
        let added = try difference.padded([0, bins - configuration.markedBins]).transposed(1, 2)
            .istft(size: size, hop: hop, window: window, length: samples.size(1))
        return try samples + added
    }

    /// The networks' change of the levels, `[1, frames, marked bins]`.
    private func change(of band: Tensor) throws -> Tensor {
        try layers.reduce(band) { x, layer in
            let result = try Tensor.empty([1, x.size(1), layer.matrix.outputs])
            try layer(x, into: result)
            return result
        }
    }
}
