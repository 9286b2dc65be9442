import Foundation
import Kernels
import SpeechAudio
import Torch

/// PerTh, Resemble AI's inaudible mark: says of a recording that a machine spoke it.
///
/// The mark is a change of a few decibels in the band below 2 kHz, hidden under what is heard there (hence the name,
/// perceptual threshold). It outlives MP3 and cutting: a second of speech is enough to find it. The networks' weights
/// come with the Python package resemble-perth; its `PerthImplicitWatermarker` finds our marks and we find its.
public struct Watermarker: Sendable {
    /// The sizes the networks were made with.
    public let configuration: WatermarkConfiguration
    private let encoder: WatermarkEncoder
    private let decoder: WatermarkDecoder
    private let spectrum: WatermarkSpectrum
    private let device: Device
    /// A faster way to mark.
    private var packed: PackedWatermark?

    /// - Throws: ``WatermarkError/configuration(_:)``, `WeightsError` where a tensor is missing or has another shape.
    public init(_ weights: Weights, _ configuration: WatermarkConfiguration = .perth, device: Device = .cpu) throws {
        try configuration.validate()
        self.configuration = configuration
        self.device = device
        encoder = try WatermarkEncoder(weights["encoder"], configuration)
        decoder = try WatermarkDecoder(weights["decoder"], configuration)
        spectrum = try WatermarkSpectrum(configuration, device: device)
        // torchaudio's buffers, which resemble-perth's checkpoint carries.
        weights["ap"].ignore("spectrogram.window", "inv_spectrogram.window", "stretch.phase_advance")
        try weights.requireAllUsed()
    }

    /// Loads the file that ``WatermarkFile`` describes.
    ///
    /// - Throws: as ``init(_:_:device:)``, and `SafetensorsError` where the file cannot be read.
    public static func load(_ url: URL, _ configuration: WatermarkConfiguration = .perth, device: Device = .cpu) throws -> Watermarker {
        try load(url, configuration, device: device, team: nil)
    }

    /// - Parameter team: computes the mark with packed weights; nil for the exact way.
    static func load(_ url: URL, _ configuration: WatermarkConfiguration = .perth, device: Device = .cpu, team: ThreadTeam?) throws -> Watermarker {
        let weights = try Weights.load(url, dtype: .float32, device: device)
        let exact = try Watermarker(weights, configuration, device: device)
        guard let team else { return exact }
        defer { weights.releasePages() }
        return try exact.packed(team: team)
    }

    /// The same networks, with the weights of those that mark packed for the CPU.
    ///
    /// - Throws: as ``PackedWatermark/init(_:_:team:)``.
    func packed(team: ThreadTeam) throws -> Watermarker {
        var copy = self
        copy.packed = try PackedWatermark(encoder, configuration, team: team)
        return copy
    }

    /// Most seconds of sound that are marked at once: a bound on memory. The exact way, which upstream's numbers are asked of,
    /// takes more, since its threshold for silence is a share of the loudest frame.
    var longestStretch: Int { packed == nil ? 20 : 6 }

    /// Frames of the spectrum in a second.
    var framesPerSecond: Double { Double(configuration.sampleRate) / Double(configuration.transformHop) }

    /// Sound must be longer than this many seconds to carry a mark.
    public var shortest: Double { Double(configuration.transformSize / 2) / Double(configuration.sampleRate) }

    // MARK: marking

    /// The same sound with the mark, of the same length.
    ///
    /// Long sound is marked in pieces that know their neighbours, so that memory does not grow with it.
    /// - Throws: ``WatermarkError/tooShort(seconds:needed:)``, `TorchError`.
    /// - Precondition: one channel.
    public func marked(_ audio: Audio) throws -> Audio {
        guard hasRoom(audio) else { throw WatermarkError.tooShort(seconds: audio.duration, needed: shortest) }
        var stream = WatermarkStream(self, sampleRate: audio.sampleRate)
        let beginning = try stream.mark(audio.samples)
        return Audio(samples: beginning + (try stream.finish().samples), sampleRate: audio.sampleRate)
    }

    /// Whether the sound is long enough for a mark.
    func hasRoom(_ audio: Audio) -> Bool {
        Double(audio.frames) * Double(configuration.sampleRate) / Double(audio.sampleRate) > Double(configuration.transformSize / 2)
    }

    /// Marks all of a sound at once, as upstream does.
    func markedAtOnce(_ audio: Audio) throws -> Audio {
        precondition(audio.channels == 1, "one channel")
        return try withoutGradients {
            if let packed, packed.suits(sampleRate: audio.sampleRate) {
                return try Audio(packed(audio.tensor(), sampleRate: audio.sampleRate), sampleRate: audio.sampleRate)
            }
            let heard = try audio.resampled(to: configuration.sampleRate)
            let (levels, phases) = try spectrum.analyse(heard.tensor(device: device))
            let marked = try spectrum.synthesise(levels: encoder(levels), phases: phases, count: heard.frames)
            // There and back rounds the length up twice.
            return try Audio(marked, sampleRate: configuration.sampleRate).resampled(to: audio.sampleRate).prefix(frames: audio.frames)
        }
    }

    // MARK: detection

    /// Whether a confidence means that there is a mark: upstream's rounding, by which one half is none.
    public static func isMarked(confidence: Double) -> Bool { confidence > 0.5 }

    /// How sure it is that the sound carries a mark, 0…1; see ``isMarked(confidence:)``. Silence carries none.
    ///
    /// Long sound is heard some seconds at a time, with the same result: memory grows by about 1.2 MB for each second of it,
    /// most of which are copies of the sound.
    /// - Throws: ``WatermarkError/tooShort(seconds:needed:)``, `TorchError`.
    public func confidence(in audio: Audio) throws -> Double { try confidence(in: audio, window: 3000) }

    /// - Parameter window: frames, 100 a second, that are heard at a time.
    func confidence(in audio: Audio, window: Int) throws -> Double {
        guard hasRoom(audio) else { throw WatermarkError.tooShort(seconds: audio.duration, needed: shortest) }
        let heard = audio.mono().resampledByPolyphase(to: configuration.sampleRate)
        return try withoutGradients {
            let (band, totals) = try spectrum.band(of: heard.tensor(device: device), bins: configuration.markedBins, window: window)
            return min(1, max(0, try decoder(band, carriers: WatermarkSpectrum.carriers(totals: totals), window: window) ?? 0))
        }
    }
}
