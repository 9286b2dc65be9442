import Foundation
import Kernels
import SpeechAudio
import Torch

/// PerTh, Resemble AI's inaudible watermark, by which synthetic speech can be recognised.
///
/// The watermark is a change of a few decibels in the band below 2 kHz, below the threshold of perception (hence the name, perceptual threshold).
/// It survives MP3 and cutting: a second of speech is enough to detect it. The networks' weights are part of the Python package resemble-perth. Its
/// `PerthImplicitWatermarker` detects the watermarks of this package, and this package detects its.
public struct Watermarker: Sendable {
    /// The networks' sizes.
    public let configuration: WatermarkConfiguration
    private let encoder: WatermarkEncoder
    private let decoder: WatermarkDecoder
    private let spectrum: WatermarkSpectrum
    private let device: Device
    /// A faster implementation for adding the watermark.
    private var packed: PackedWatermark?

    /// - Throws: ``WatermarkError/configuration(_:)``, `WeightsError` if a tensor is missing or has another shape.
    public init(_ weights: Weights, _ configuration: WatermarkConfiguration = .perth, device: Device = .cpu) throws {
        try configuration.validate()
        self.configuration = configuration
        self.device = device
        encoder = try WatermarkEncoder(weights["encoder"], configuration)
        decoder = try WatermarkDecoder(weights["decoder"], configuration)
        spectrum = try WatermarkSpectrum(configuration, device: device)
        // torchaudio's buffers, which are part of resemble-perth's checkpoint.
        weights["ap"].ignore("spectrogram.window", "inv_spectrogram.window", "stretch.phase_advance")
        try weights.requireAllUsed()
    }

    /// Loads the file that ``WatermarkFile`` describes.
    ///
    /// - Throws: as ``init(_:_:device:)``, and `SafetensorsError` if the file cannot be read.
    public static func load(_ url: URL, _ configuration: WatermarkConfiguration = .perth, device: Device = .cpu) throws -> Watermarker {
        try load(url, configuration, device: device, team: nil)
    }

    /// - Parameter team: the threads for packed weights; nil for the exact path.
    static func load(_ url: URL, _ configuration: WatermarkConfiguration = .perth, device: Device = .cpu, team: ThreadTeam?) throws -> Watermarker {
        let weights = try Weights.load(url, dtype: .float32, device: device)
        let exact = try Watermarker(weights, configuration, device: device)
        guard let team else { return exact }
        defer { weights.releasePages() }
        return try exact.packed(team: team)
    }

    /// The same networks, with the encoder's weights packed for the CPU.
    ///
    /// - Throws: as ``PackedWatermark/init(_:_:team:)``.
    func packed(team: ThreadTeam) throws -> Watermarker {
        var copy = self
        copy.packed = try PackedWatermark(encoder, configuration, team: team)
        return copy
    }

    /// The largest number of seconds of sound that are marked together, which limits memory. The exact path, which must give upstream's numbers, uses
    /// more, because its threshold for silence is relative to the loudest frame.
    var longestStretch: Int { packed == nil ? 20 : 6 }

    /// The number of frames of the spectrum per second.
    var framesPerSecond: Double { Double(configuration.sampleRate) / Double(configuration.transformHop) }

    /// Sound must be longer than this many seconds to contain a watermark.
    public var shortest: Double { Double(configuration.transformSize / 2) / Double(configuration.sampleRate) }

    // MARK: adding

    /// Returns the sound with the watermark, of the same length.
    ///
    /// Long sound is processed in overlapping pieces, so that memory does not grow with its length.
    /// - Throws: ``WatermarkError/tooShort(seconds:needed:)``, `TorchError`.
    /// - Precondition: one channel.
    public func marked(_ audio: Audio) throws -> Audio {
        guard hasRoom(audio) else { throw WatermarkError.tooShort(seconds: audio.duration, needed: shortest) }
        var stream = WatermarkStream(self, sampleRate: audio.sampleRate)
        let beginning = try stream.mark(audio.samples)
        return Audio(samples: beginning + (try stream.finish().samples), sampleRate: audio.sampleRate)
    }

    /// Whether the sound is long enough for a watermark.
    func hasRoom(_ audio: Audio) -> Bool {
        Double(audio.frames) * Double(configuration.sampleRate) / Double(audio.sampleRate) > Double(configuration.transformSize / 2)
    }

    /// Marks a sound as a whole, as upstream does.
    func markedAtOnce(_ audio: Audio) throws -> Audio {
        precondition(audio.channels == 1, "one channel")
        return try withoutGradients {
            if let packed, packed.suits(sampleRate: audio.sampleRate) {
                return try Audio(packed(audio.tensor(), sampleRate: audio.sampleRate), sampleRate: audio.sampleRate)
            }
            let input = try audio.resampled(to: configuration.sampleRate)
            let (levels, phases) = try spectrum.analyse(input.tensor(device: device))
            let marked = try spectrum.synthesise(levels: encoder(levels), phases: phases, count: input.frames)
            // Resampling to the networks' rate and back rounds the length up twice.
            return try Audio(marked, sampleRate: configuration.sampleRate).resampled(to: audio.sampleRate).prefix(frames: audio.frames)
        }
    }

    // MARK: detection

    /// Whether a confidence means that there is a watermark. As in upstream's rounding, 0.5 means that there is none.
    public static func isMarked(confidence: Double) -> Bool { confidence > 0.5 }

    /// The confidence that the sound contains a watermark, 0…1; see ``isMarked(confidence:)``. Silence contains none.
    ///
    /// Long sound is processed a few seconds at a time, with the same result. Memory grows by about 1.2 MB for each second of sound, mostly for
    /// copies of the sound.
    /// - Throws: ``WatermarkError/tooShort(seconds:needed:)``, `TorchError`.
    public func confidence(in audio: Audio) throws -> Double { try confidence(in: audio, window: 3000) }

    /// - Parameter window: the number of frames, 100 a second, that are processed at a time.
    func confidence(in audio: Audio, window: Int) throws -> Double {
        guard hasRoom(audio) else { throw WatermarkError.tooShort(seconds: audio.duration, needed: shortest) }
        let input = audio.mono().resampledByPolyphase(to: configuration.sampleRate)
        return try withoutGradients {
            let (band, totals) = try spectrum.band(of: input.tensor(device: device), bins: configuration.markedBins, window: window)
            return min(1, max(0, try decoder(band, carriers: WatermarkSpectrum.carriers(totals: totals), window: window) ?? 0))
        }
    }
}

/// The sizes of a PerTh watermarking network.
public struct WatermarkConfiguration: Sendable, Codable, Hashable {
    /// The network's sample rate, in hertz; other rates are converted.
    public var sampleRate: Int
    /// Length of the short-time Fourier transform and of its Hann window, in samples.
    public var transformSize: Int
    /// Step of the short-time Fourier transform, in samples.
    public var transformHop: Int
    /// Channels of the convolutions.
    public var hiddenSize: Int
    /// Upper end of the watermark's band, in hertz.
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

    /// The number of frequency bins of the transform.
    var bins: Int { transformSize / 2 + 1 }
    /// The number of frequency bins with the watermark, from the lowest.
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

/// The file with PerTh's weights: `perth.safetensors`, in a model's folder or in the user's cache.
///
/// The weights are part of the wheel resemble-perth (MIT) and not of a model's repository. Without the file, speech has no watermark.
public enum WatermarkFile {
    /// The file's name in either place.
    public static let name = "perth.safetensors"
    /// The release of resemble-perth with these weights.
    public static let release = "1.0.1"

    /// The path of the file in a cache folder such as `~/.cache`.
    public static func url(inCache folder: URL) -> URL { folder.appending(path: "chatterbox/watermark/\(name)") }

    /// Converts the wheel's checkpoint, a `torch.save` archive with a training step's number and the network's tensors, into a file that can be
    /// memory-mapped.
    ///
    /// - Throws: `ArchiveError`, `WeightsError` if the archive contains another network, `SafetensorsError` if the file cannot be written.
    public static func convert(checkpoint: URL, to url: URL, _ configuration: WatermarkConfiguration = .perth) throws {
        let prefix = "model."
        let tensors = try PickledArchive(checkpoint).tensors
            .filter { $0.key.hasPrefix(prefix) && !$0.key.hasPrefix(prefix + "ap.") }
            .reduce(into: [String: Tensor]()) { $0[String($1.key.dropFirst(prefix.count))] = $1.value }
        _ = try Watermarker(Weights(tensors: tensors, named: checkpoint.path), configuration)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try SafetensorsWriter.write(
            tensors, metadata: ["source": "resemble-perth \(release), MIT license, Resemble AI"], to: url)
    }
}

/// An error in adding or detecting a watermark.
public enum WatermarkError: Error, Equatable, CustomStringConvertible {
    /// The configuration contradicts itself.
    case configuration(String)
    /// The sound is shorter than one window of the network's transform.
    case tooShort(seconds: Double, needed: Double)

    public var description: String {
        switch self {
        case .configuration(let problem):
            "the watermark's configuration does not work: \(problem)"
        case .tooShort(let seconds, let needed):
            String(format: "%.3f s of sound, too short for a watermark; at least %.3f s is needed", seconds, needed)
        }
    }
}
