import Torch

/// Predicts the fundamental frequency of each mel frame: five convolutions of width 3 and a linear layer.
///
/// Upstream: `ConvRNNF0Predictor` in `models/s3gen/f0_predictor.py`.
package struct PitchPredictor: Sendable {
    static let depth = 5

    let convolutions: [Conv1d]
    let classifier: Linear

    /// Reads the predictor's tensors from its scope (`mel2wav.f0_predictor`).
    ///
    /// Throws when a tensor is missing or has another shape.
    package init(_ weights: Weights, melBins: Int, channels: Int) throws {
        // The scope's odd indices are activations, which have no tensors.
        convolutions = try (0..<Self.depth).map { layer in
            try Conv1d(
                weights["condnet"][2 * layer], from: layer == 0 ? melBins : channels, to: channels,
                kernel: 3, padding: 1, weightNorm: true)
        }
        classifier = try Linear(weights["classifier"], from: channels, to: 1)
    }

    /// Mel `[batch, bins, frames]` → F0 in Hz, never negative, `[batch, frames]`.
    package func callAsFunction(_ mel: Tensor) throws -> Tensor {
        var x = mel
        for convolution in convolutions {
            x = try convolution(x).elu()
        }
        return try classifier(x.transposed(1, 2)).squeezed(-1).abs()
    }
}

/// The excitation of the neural source filter: a sine for the fundamental and each overtone where speech is voiced,
/// noise where it is not, mixed into one signal.
///
/// Wang, Takaki and Yamagishi, "Neural source-filter-based waveform model for statistical parametric speech
/// synthesis", 2019. Upstream: `SineGen` and `SourceModuleHnNSF` in `models/s3gen/hifigan.py`.
package struct SourceModule: Sendable {
    let sineCount: Int
    let sampleRate: Double
    let sineAmplitude: Double
    let noiseDeviation: Double
    let voicedThreshold: Double
    let mix: Linear

    /// Reads the mixing layer from its scope (`mel2wav.m_source`).
    package init(_ weights: Weights, _ configuration: VocoderConfiguration) throws {
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
    package func callAsFunction(_ pitch: Tensor, generator: Generator) throws -> Tensor {
        let sines = try sines(pitch.detached().to(.float32), generator: generator)
        let source = try mix(sines.transposed(1, 2).to(mix.weight.dtype)).tanh()
        _ = try noise([pitch.shape[0], pitch.shape[2], 1], generator: generator)
        return try source.transposed(1, 2).to(.float32)
    }

    /// F0 `[batch, 1, samples]`, float32 → noisy sines `[batch, harmonics + 1, samples]`, the fundamental first.
    func sines(_ pitch: Tensor, generator: Generator) throws -> Tensor {
        // After some seconds a phase in float32 has few digits left, so these operations follow upstream's order.
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

extension SourceModule {
    /// The excitation of one utterance on the CPU, computed sine by sine, so that only one is in memory:
    /// ``callAsFunction(_:generator:)`` with the same draws, up to the rounding of the mix.
    ///
    /// - Parameters:
    ///   - pitch: F0 of each frame in Hz, `[1, frames]`.
    ///   - samplesPerFrame: the length of a frame.
    /// - Returns: `[1, 1, samples]`.
    func sineBySine(_ pitch: Tensor, samplesPerFrame: Int, generator: Generator) throws -> Tensor {
        let samples = pitch.size(1) * samplesPerFrame
        let phases = try startPhases(batch: 1, generator: generator).array(of: Float.self)
        // Libtorch draws normal numbers 16 at a time; if their number is not a multiple of 16, the numbers differ.
        let all = samples.isMultiple(of: 16) ? nil : try noise([sineCount, samples], generator: generator)
        var turns = [Double](repeating: 0, count: sineCount)
        let source = try sineBySine(pitch, samplesPerFrame: samplesPerFrame, from: phases, turns: &turns) {
            try all?[$0] ?? noise([samples], generator: generator)
        }
        _ = try noise([1, samples, 1], generator: generator)
        return source
    }

    /// The same for frames that may follow others.
    ///
    /// - Parameters:
    ///   - phases: the initial phases of the sines.
    ///   - turns: the number of turns of each sine since then; the turns of these frames are added.
    ///   - noise: the noise that is added to a sine, `[samples]`; called once for each sine, in order.
    func sineBySine(
        _ pitch: Tensor, samplesPerFrame: Int, from phases: [Float], turns: inout [Double], noise: (Int) throws -> Tensor
    ) throws -> Tensor {
        let pitch = try pitch.detached().to(.float32), samples = pitch.size(1) * samplesPerFrame
        func everySample(_ x: Tensor) throws -> Tensor { try x.repeatInterleaved(samplesPerFrame, axis: 1).reshaped([samples]) }
        let weights = try mix.weight.array(of: Float.self)
        let voiced = try pitch.greater(than: voicedThreshold).to(.float32)
        let loudness = try everySample(voiced * sineAmplitude)
        let noiseLoudness = try everySample(voiced * noiseDeviation + (1 - voiced) * sineAmplitude / 3)

        let sum = try Tensor.zeros([samples]), angles = try Tensor.empty([samples])
        for index in 0..<sineCount {
            let increments = try (pitch * Double(index + 1) / sampleRate).array(of: Float.self)
            try angles.withElements(of: Float.self) { advance($0, by: increments, samplesPerFrame, from: phases[index], &turns[index]) }
            try sum.add(inPlaceProductOf: angles.sin(), loudness, scale: Double(weights[index]))
            try sum.add(inPlaceProductOf: noise(index), noiseLoudness, scale: Double(weights[index]))
        }
        return try (mix.bias.map { try sum + $0.to(.cpu) } ?? sum).tanh().reshaped([1, 1, samples])
    }

    /// The angles of a sine from its turns per sample, one number a frame, rounded as upstream's are: turns are
    /// summed in double precision, and their fractional part is float32.
    private func advance(
        _ angles: UnsafeMutableBufferPointer<Float>, by increments: [Float], _ samplesPerFrame: Int, from phase: Float, _ turns: inout Double
    ) {
        guard var next = angles.baseAddress else { return }
        let turn = Float(2 * Double.pi)
        var all = turns
        defer { turns = all }
        // Damaged weights may give any pitch.
        let isPlausible = increments.reduce(all) { $0 + Double($1) * Double(samplesPerFrame) } < Double(Int.max)
        for increment in increments {
            let step = Double(increment)
            for _ in 0..<samplesPerFrame {
                all += step
                let rounded = Float(all)
                let rest = isPlausible ? rounded - Float(Int(rounded)) : rounded - rounded.rounded(.down)
                next.pointee = rest * turn + phase
                next += 1
            }
        }
    }
}

/// The excitation of an utterance whose pitch arrives some frames at a time.
struct SourceStream {
    private let module: SourceModule
    private let samplesPerFrame: Int
    private let noise: FrameNoise
    private let phases: [Float]
    /// The phase of each sine, in turns.
    private var turns: [Double]
    private var frame = 0

    init(_ module: SourceModule, samplesPerFrame: Int, noise: FrameNoise) throws {
        (self.module, self.samplesPerFrame, self.noise) = (module, samplesPerFrame, noise)
        phases = try module.startPhases(batch: 1, generator: noise.generator(.phases)).array(of: Float.self)
        turns = Array(repeating: 0, count: module.sineCount)
    }

    /// F0 of the next frames in Hz, `[1, frames]` → their excitation, `[1, 1, samples]`, on the pitch's device.
    mutating func callAsFunction(_ pitch: Tensor) throws -> Tensor {
        let frames = frame..<frame + pitch.size(1)
        let noise = try noise.source(frames, sines: module.sineCount, samplesPerFrame: samplesPerFrame)
        frame = frames.upperBound
        let excitation = try module.sineBySine(pitch.to(.cpu), samplesPerFrame: samplesPerFrame, from: phases, turns: &turns) { try noise[$0] }
        // Whole turns do not matter, and a large number of turns would be rounded more.
        turns = turns.map { $0 - $0.rounded(.down) }
        return try excitation.to(pitch.device)
    }
}
