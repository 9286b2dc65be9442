/// The sizes of a HiFT vocoder: pitch predictor, harmonic source and inverse-transform network.
///
/// The stored names are also the keys of the vocoder's part of a model's `config.json`.
public struct VocoderConfiguration: Sendable, Codable, Hashable {
    /// Mel bins of the input.
    public var melBins: Int
    /// Channels after the first convolution; each upsampling halves them.
    public var baseChannels: Int
    /// Channels of the pitch predictor.
    public var pitchChannels: Int
    /// Overtones of the source above the fundamental.
    public var harmonics: Int
    /// Samples per second of the waveform.
    public var sampleRate: Int
    /// Amplitude of each sine of the source.
    public var sineAmplitude: Double
    /// Standard deviation of the noise added to voiced samples of the source.
    public var noiseDeviation: Double
    /// F0 in Hz above which a sample counts as voiced.
    public var voicedThreshold: Double
    /// Factors by which the transposed convolutions lengthen the signal, in order.
    public var upsampleRates: [Int]
    /// Kernel lengths of the transposed convolutions, one a rate.
    public var upsampleKernels: [Int]
    /// Length of the short-time Fourier transform, in samples.
    public var transformSize: Int
    /// Step of the short-time Fourier transform, in samples.
    public var transformHop: Int
    /// Kernel lengths of the parallel residual blocks after each upsampling.
    public var residualKernels: [Int]
    /// Dilations within each residual block, one list a kernel.
    public var residualDilations: [[Int]]
    /// Kernel lengths of the source's residual blocks, one an upsampling.
    public var sourceResidualKernels: [Int]
    /// Dilations within each of the source's residual blocks.
    public var sourceResidualDilations: [[Int]]
    /// Slope of the leaky rectifier before each upsampling.
    public var leakySlope: Double
    /// Largest absolute value of the waveform.
    public var amplitudeLimit: Double

    /// Makes a configuration; every size defaults to the released Chatterbox model's.
    public init(
        melBins: Int = 80,
        baseChannels: Int = 512,
        pitchChannels: Int = 512,
        harmonics: Int = 8,
        sampleRate: Int = 24_000,
        sineAmplitude: Double = 0.1,
        noiseDeviation: Double = 0.003,
        voicedThreshold: Double = 10,
        upsampleRates: [Int] = [8, 5, 3],
        upsampleKernels: [Int] = [16, 11, 7],
        transformSize: Int = 16,
        transformHop: Int = 4,
        residualKernels: [Int] = [3, 7, 11],
        residualDilations: [[Int]] = [[1, 3, 5], [1, 3, 5], [1, 3, 5]],
        sourceResidualKernels: [Int] = [7, 7, 11],
        sourceResidualDilations: [[Int]] = [[1, 3, 5], [1, 3, 5], [1, 3, 5]],
        leakySlope: Double = 0.1,
        amplitudeLimit: Double = 0.99
    ) {
        self.melBins = melBins
        self.baseChannels = baseChannels
        self.pitchChannels = pitchChannels
        self.harmonics = harmonics
        self.sampleRate = sampleRate
        self.sineAmplitude = sineAmplitude
        self.noiseDeviation = noiseDeviation
        self.voicedThreshold = voicedThreshold
        self.upsampleRates = upsampleRates
        self.upsampleKernels = upsampleKernels
        self.transformSize = transformSize
        self.transformHop = transformHop
        self.residualKernels = residualKernels
        self.residualDilations = residualDilations
        self.sourceResidualKernels = sourceResidualKernels
        self.sourceResidualDilations = sourceResidualDilations
        self.leakySlope = leakySlope
        self.amplitudeLimit = amplitudeLimit
    }

    /// The vocoder of every released Chatterbox model: 80 mel bins at 50 frames a second to 24 kHz.
    public static let chatterbox = VocoderConfiguration()

    /// Samples of waveform for one mel frame (480 at Chatterbox's sizes).
    public var samplesPerFrame: Int { upsampleRates.reduce(transformHop, *) }

    /// Frequency bins of the short-time Fourier transform.
    var transformBins: Int { transformSize / 2 + 1 }

    /// Channels after upsampling number `stage`, counted from 0.
    func channels(after stage: Int) -> Int { baseChannels >> (stage + 1) }

    /// Spectral frames of the source for one step of the network after upsampling number `stage`.
    func sourceStride(at stage: Int) -> Int { upsampleRates[(stage + 1)...].reduce(1, *) }

    /// Throws `VocoderError.configuration` when the sizes contradict each other.
    func validate() throws {
        let stages = upsampleRates.count
        func require(_ condition: Bool, _ problem: @autoclosure () -> String) throws {
            if !condition { throw VocoderError.configuration(problem()) }
        }
        try require(
            min(melBins, pitchChannels, sampleRate, transformHop) > 0 && harmonics >= 0,
            "melBins, pitchChannels, sampleRate and transformHop must be above 0 and harmonics not below 0")
        try require(
            transformSize >= 2 && transformSize.isMultiple(of: 2) && transformHop <= transformSize / 2,
            "transformSize (\(transformSize)) must be even and at least twice transformHop (\(transformHop))")
        try require(
            stages > 0 && upsampleKernels.count == stages,
            "upsampleKernels needs one kernel for each of the \(stages) upsampleRates, and has \(upsampleKernels.count)")
        for (rate, kernel) in zip(upsampleRates, upsampleKernels) {
            try require(
                rate > 0 && kernel >= rate && (kernel - rate).isMultiple(of: 2),
                "upsampling by \(rate) needs a kernel of \(rate) samples or an even number more, and has \(kernel)")
        }
        try require(
            baseChannels > 0 && baseChannels.isMultiple(of: 1 << stages),
            "baseChannels (\(baseChannels)) must divide by two \(stages) times")
        try require(
            !residualKernels.isEmpty && residualDilations.count == residualKernels.count,
            "residualDilations needs one list for each of the \(residualKernels.count) residualKernels")
        try require(
            sourceResidualKernels.count == stages && sourceResidualDilations.count == stages,
            "sourceResidualKernels and sourceResidualDilations need one entry for each of the \(stages) upsampleRates")
        try require(
            (residualKernels + sourceResidualKernels).allSatisfy { $0 > 0 && !$0.isMultiple(of: 2) },
            "residual kernels must be odd, so that a block keeps its length")
        try require(
            (residualDilations + sourceResidualDilations).allSatisfy { list in list.allSatisfy { $0 > 0 } },
            "dilations must be above 0")
    }
}

/// Why a vocoder could not be made or run.
public enum VocoderError: Error, Equatable, CustomStringConvertible {
    /// The configuration contradicts itself.
    case configuration(String)
    /// An argument does not have the shape the vocoder needs.
    case shape(argument: String, found: [Int], expected: String)

    public var description: String {
        switch self {
        case .configuration(let problem): "The vocoder's configuration does not work: \(problem)."
        case .shape(let argument, let found, let expected):
            "The vocoder's \(argument) has the shape \(found), but needs \(expected)."
        }
    }
}
