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
        let magnitude = try transform.abs().clamped(min: pow(10, Self.floorDecibels / 20))
        let levels = try (20 * magnitude.log10() - Self.floorDecibels) / (Self.headroom - Self.floorDecibels)
        return (levels, try transform.angle())
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
        let total = try levels.sum(axis: 1, keepAxis: true)
        return try total.greater(than: total.max(axis: 2, keepAxis: true) * 0.05).to(.float32)
    }
}
