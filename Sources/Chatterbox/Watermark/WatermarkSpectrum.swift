import Foundation
import Torch

/// The signal as PerTh's networks see it: levels in decibels, brought to about 0…1, and phases.
///
/// Upstream: `audio_processor.py` and `utils.py` in resemble-perth.
struct WatermarkSpectrum: Sendable {
    let configuration: WatermarkConfiguration
    private let window: Tensor

    /// The quietest magnitude in decibels; it has level 0.
    private static let floorDecibels = -180.0
    /// Decibels above full scale that have level 1.
    private static let headroom = 15.0
    /// No bin becomes louder than this.
    private static let ceilingDecibels = 200.0

    init(_ configuration: WatermarkConfiguration, device: Device) throws {
        self.configuration = configuration
        window = try .hannWindow(configuration.transformSize, device: device)
    }

    /// Samples `[1, samples]`, more than half a window of them → levels and phases in radians, `[1, bins, frames]` with
    /// frames = 1 + ⌊samples ÷ hop⌋.
    func analyse(_ samples: Tensor) throws -> (levels: Tensor, phases: Tensor) {
        let transform = try samples.stft(size: configuration.transformSize, hop: configuration.transformHop, window: window)
        return (try Self.levels(transform.abs()), try transform.angle())
    }

    /// Levels of magnitudes.
    static func levels(_ magnitude: Tensor) throws -> Tensor {
        let decibels = try 20 * magnitude.clamped(min: pow(10, floorDecibels / 20)).log10()
        return try (decibels - floorDecibels) / (headroom - floorDecibels)
    }

    /// What magnitudes are multiplied by where levels change.
    static func gain(from levels: Tensor, by change: Tensor) throws -> Tensor {
        let range = headroom - floorDecibels, highest = (ceilingDecibels - floorDecibels) / range
        return try Tensor.pow(10, change.minimum(highest - levels) * (range / 20))
    }

    /// The lowest bins of the levels `[1, bins, frames]`, and the sums of all bins `[1, 1, frames]`: what the mark is looked for
    /// in. Computed some frames at a time, so that the whole spectrum is never there.
    ///
    /// - Parameter window: most frames at a time.
    func band(of samples: Tensor, bins: Int, window: Int) throws -> (band: Tensor, totals: Tensor) {
        let (hop, count) = (configuration.transformHop, samples.size(1))
        let frames = 1 + count / hop
        // Whole steps that a transform reaches to either side.
        let reach = (configuration.transformSize / 2 + hop - 1) / hop
        var bands: [Tensor] = [], totals: [Tensor] = []
        for first in stride(from: 0, to: frames, by: window) {
            // The last stretch is the longer one: alone it might be too short to transform.
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

    /// Which frames are loud enough to carry the mark: 1 where they are, 0 elsewhere. `[1, bins, frames]` → `[1, 1, frames]`.
    static func carriers(_ levels: Tensor) throws -> Tensor {
        try carriers(totals: levels.sum(axis: 1, keepAxis: true))
    }

    /// The same from the sums of all bins, `[1, 1, frames]`.
    static func carriers(totals: Tensor) throws -> Tensor {
        try totals.greater(than: totals.max(axis: 2, keepAxis: true) * 0.05).to(.float32)
    }
}
