import Torch

/// Rotary position embedding with Llama 3's scaling of long wavelengths (Su et al. 2021; Llama 3.1).
public struct RotaryConfiguration: Sendable, Codable, Hashable {
    /// Base of the geometric series of wavelengths.
    public var base = 500_000.0
    /// How long wavelengths are stretched; `nil` leaves them.
    public var scaling: Scaling? = Scaling()

    public init(base: Double = 500_000, scaling: Scaling? = Scaling()) {
        self.base = base
        self.scaling = scaling
    }

    /// Wavelengths longer than `originalPositions / lowFrequency` grow by `factor`, those shorter than
    /// `originalPositions / highFrequency` stay, and between the two the change is gradual.
    public struct Scaling: Sendable, Codable, Hashable {
        public var factor = 8.0
        public var lowFrequency = 1.0
        public var highFrequency = 4.0
        public var originalPositions = 8192

        public init(
            factor: Double = 8, lowFrequency: Double = 1, highFrequency: Double = 4, originalPositions: Int = 8192
        ) {
            self.factor = factor
            self.lowFrequency = lowFrequency
            self.highFrequency = highFrequency
            self.originalPositions = originalPositions
        }

        func callAsFunction(_ frequency: Float) -> Float {
            let wavelength = 2 * Float.pi / frequency
            let original = Float(originalPositions)
            if wavelength < original / Float(highFrequency) { return frequency }
            if wavelength > original / Float(lowFrequency) { return frequency / Float(factor) }
            let share = (original / wavelength - Float(lowFrequency)) / Float(highFrequency - lowFrequency)
            return (1 - share) * frequency / Float(factor) + share * frequency
        }
    }
}

/// Turns queries and keys by an angle that grows with their position.
struct RotaryEmbedding: Sendable {
    /// Cosines and sines `[positions, head]`; the sines' first half is negated, because the value that a sine meets
    /// there comes from the head's other half with a minus sign.
    let cosine, signedSine: PositionTable

    init(_ configuration: RotaryConfiguration, headSize: Int, positions: Int, dtype: DType, device: Device) throws {
        let exponents = try Tensor.arange(from: 0, to: Double(headSize), by: 2) / Double(headSize)
        let unscaled = try Tensor.pow(configuration.base, exponents).reciprocal()
        let frequencies = try unscaled.array(of: Float.self).map { configuration.scaling?($0) ?? $0 }
        let angles = try Tensor.arange(from: 0, to: Double(positions)).unsqueezed(1) * Tensor(frequencies).unsqueezed(0)
        let (cosine, sine) = (try angles.cos(), try angles.sin())
        self.cosine = PositionTable(try Tensor.cat([cosine, cosine], axis: 1).to(dtype).to(device))
        self.signedSine = PositionTable(try Tensor.cat([-sine, sine], axis: 1).to(dtype).to(device))
    }

    /// The rotation of a batch's `count` new positions.
    func rotation(of memory: some AttentionMemory, count: Int) throws -> Rotation {
        Rotation(
            cosine: try cosine(of: memory, count: count).unsqueezed(1),
            signedSine: try signedSine(of: memory, count: count).unsqueezed(1))
    }

    /// Cosines and sines `[batch or 1, 1, time, head]` of a batch's positions.
    struct Rotation {
        let cosine, signedSine: Tensor

        /// Turns `[batch, heads, time, head]`.
        func callAsFunction(_ x: Tensor) throws -> Tensor {
            let half = x.size(3) / 2
            return try x * cosine + x.rolled(half, axis: 3) * signedSine
        }
    }
}
