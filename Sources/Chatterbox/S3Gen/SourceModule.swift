import Torch

/// The excitation of the neural source filter: a sine for the fundamental and each overtone where speech is voiced,
/// noise where it is not, mixed into one signal.
///
/// Wang, Takaki and Yamagishi, "Neural source-filter-based waveform model for statistical parametric speech
/// synthesis", 2019. Upstream: `SineGen` and `SourceModuleHnNSF` in `models/s3gen/hifigan.py`.
public struct SourceModule: Sendable {
    let sineCount: Int
    let sampleRate: Double
    let sineAmplitude: Double
    let noiseDeviation: Double
    let voicedThreshold: Double
    let mix: Linear

    /// Reads the mixing layer from its scope (`mel2wav.m_source`).
    public init(_ weights: Weights, _ configuration: VocoderConfiguration) throws {
        sineCount = configuration.harmonics + 1
        sampleRate = Double(configuration.sampleRate)
        sineAmplitude = configuration.sineAmplitude
        noiseDeviation = configuration.noiseDeviation
        voicedThreshold = configuration.voicedThreshold
        mix = try Linear(weights["l_linear"], from: sineCount, to: 1)
    }

    /// F0 for each sample in Hz, `[batch, 1, samples]` → excitation within ±1, `[batch, 1, samples]`, float32.
    ///
    /// Draws from `generator`, in this order: phases `[batch, harmonics + 1, 1]`, noise `[batch, harmonics + 1, samples]`
    /// and noise `[batch, samples, 1]`, of which the last is upstream's unused noise branch and only moves the generator
    /// on. Gradients reach the mixing layer, not the F0.
    public func callAsFunction(_ pitch: Tensor, generator: Generator) throws -> Tensor {
        let sines = try sines(pitch.detached().to(.float32), generator: generator)
        let source = try mix(sines.transposed(1, 2).to(mix.weight.dtype)).tanh()
        _ = try noise([pitch.shape[0], pitch.shape[2], 1], generator: generator)
        return try source.transposed(1, 2).to(.float32)
    }

    /// F0 `[batch, 1, samples]`, float32 → noisy sines `[batch, harmonics + 1, samples]`, the fundamental first.
    func sines(_ pitch: Tensor, generator: Generator) throws -> Tensor {
        // After seconds a phase in float32 has few digits left, so the order of these operations is upstream's.
        let multiples = try Tensor.arange(from: 1, to: Double(sineCount + 1), device: pitch.device)
            .reshaped([1, sineCount, 1])
        let cycles = try (pitch * multiples / sampleRate).cumsum(axis: 2).remainder(1)
        let phases = try startPhases(batch: pitch.shape[0], generator: generator).to(pitch.device)
        let angles = try cycles * (2 * Double.pi) + phases
        let sines = try angles.sin() * sineAmplitude

        let voiced = try pitch.greater(than: voicedThreshold).to(.float32)
        let noiseAmplitude = try voiced * noiseDeviation + (1 - voiced) * sineAmplitude / 3
        let noise = try noise(sines.shape, generator: generator).to(pitch.device)
        return try sines * voiced + noiseAmplitude * noise
    }

    /// Phases between -π and π, `[batch, harmonics + 1, 1]`; the fundamental's is 0.
    func startPhases(batch: Int, generator: Generator) throws -> Tensor {
        let uniform = try Tensor.rand([batch, sineCount, 1], generator: generator, device: generator.device)
        let phases = try uniform * (2 * Double.pi) - Double.pi
        let fundamental = try Tensor.zeros([batch, 1, 1], device: generator.device)
        return try Tensor.cat([fundamental, phases.narrow(axis: 1, from: 1, count: sineCount - 1)], axis: 1)
    }

    func noise(_ shape: [Int], generator: Generator) throws -> Tensor {
        try Tensor.randn(shape, generator: generator, device: generator.device)
    }
}
