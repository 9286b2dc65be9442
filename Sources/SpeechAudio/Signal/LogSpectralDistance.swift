import Torch

/// The log-spectral distance of two sounds, in decibels.
///
/// The root mean square, over the bins of a frame's power spectrum, of the difference of levels; its mean over frames (Gray and Markel
/// 1976). Levels more than ``range`` below the loudest bin of the first sound are raised to that limit.
public struct LogSpectralDistance: Sendable {
    /// Samples of a frame; the next begins a quarter of it later.
    public let size: Int
    /// The lowest bins of a spectrum, which are compared.
    public let bins: Int
    /// Decibels below the loudest bin.
    public let range: Double
    private let window: Tensor

    /// - Parameters:
    ///   - size: samples of a frame.
    ///   - bins: all when nil.
    ///   - range: decibels below the loudest bin of the first sound; lower levels are raised to that limit.
    public init(size: Int = 1024, bins: Int? = nil, range: Double = 60) throws {
        precondition(bins ?? 1 > 0 && bins ?? 1 <= size / 2 + 1, "some of the bins that a spectrum has")
        (self.size, self.bins, self.range) = (size, bins ?? size / 2 + 1, range)
        window = try .hannWindow(size)
    }

    /// The distance of `[1, samples]` from `[1, samples]`; only the beginning of the longer one is compared.
    public func callAsFunction(_ a: Tensor, _ b: Tensor) throws -> Double {
        let count = min(a.size(1), b.size(1))
        let (a, b) = (try decibels(a.narrow(axis: 1, from: 0, count: count)), try decibels(b.narrow(axis: 1, from: 0, count: count)))
        let floor = try a.max().item(Double.self) - range
        return try (a.clamped(min: floor) - b.clamped(min: floor)).square().mean(axis: 1).sqrt().mean().item()
    }

    private func decibels(_ x: Tensor) throws -> Tensor {
        let spectrum = try x.stft(size: size, hop: size / 4, window: window).viewAsReal()
        return try (spectrum.narrow(axis: 1, from: 0, count: bins).square().sum(axis: -1) + 1e-12).log10() * 10
    }
}
