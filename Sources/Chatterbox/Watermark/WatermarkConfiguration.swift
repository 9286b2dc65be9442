/// The sizes of a PerTh watermarking network.
public struct WatermarkConfiguration: Sendable, Codable, Hashable {
    /// Samples per second at which the network hears; other rates are converted.
    public var sampleRate: Int
    /// Length of the short-time Fourier transform and of its Hann window, in samples.
    public var transformSize: Int
    /// Step of the short-time Fourier transform, in samples.
    public var transformHop: Int
    /// Channels of the convolutions.
    public var hiddenSize: Int
    /// Upper end, in Hz, of the band that carries the mark.
    public var highestFrequency: Double

    /// Makes a configuration; every size defaults to the released network's.
    public init(
        sampleRate: Int = 32_000, transformSize: Int = 2048, transformHop: Int = 320, hiddenSize: Int = 256,
        highestFrequency: Double = 2000
    ) {
        self.sampleRate = sampleRate
        self.transformSize = transformSize
        self.transformHop = transformHop
        self.hiddenSize = hiddenSize
        self.highestFrequency = highestFrequency
    }

    /// The network in the wheel `resemble-perth`.
    public static let perth = WatermarkConfiguration()

    /// Frequency bins of the transform.
    var bins: Int { transformSize / 2 + 1 }
    /// Frequency bins that carry the mark, from the lowest.
    var markedBins: Int { Int((Double(bins) * highestFrequency / (Double(sampleRate) / 2)).rounded(.toNearestOrEven)) }

    /// - Throws: ``WatermarkError/configuration(_:)``.
    func validate() throws {
        guard sampleRate > 0, transformSize >= 2, transformSize.isMultiple(of: 2), hiddenSize > 0 else {
            throw WatermarkError.configuration("sampleRate and hiddenSize must be above 0, transformSize even")
        }
        guard transformHop > 0, transformHop <= transformSize / 2 else {
            throw WatermarkError.configuration("transformHop (\(transformHop)) must be at most half of transformSize (\(transformSize))")
        }
        guard (1...bins).contains(markedBins) else {
            throw WatermarkError.configuration("highestFrequency (\(highestFrequency) Hz) must lie below half of sampleRate (\(sampleRate) Hz)")
        }
    }
}
