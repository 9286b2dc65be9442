import Foundation

/// The quality of a recording of a voice: how much speech it contains, its level and its noise.
///
/// Speech is detected by its level and by changes of the level. Frames of 20 ms count as speech if they are well above the quietest tenth of the
/// frames and not far below the loudest, and if the level changes within a second: a steady tone, hum or noise is not speech.
public struct RecordingQuality: Sendable, Hashable, Codable {
    /// Seconds in all.
    public let seconds: Double
    /// The number of seconds with speech.
    public let speechSeconds: Double
    /// The root mean square of the speech, in decibels of full scale.
    public let level: Double
    /// The largest magnitude, in decibels of full scale.
    public let peak: Double
    /// The share of samples in runs at the largest magnitude, as from an overloaded microphone.
    public let clipping: Double
    /// The mean of all samples, as a share of full scale.
    public let offset: Double
    /// The level between the words in decibels of full scale; nil if there is no pause.
    public let noise: Double?

    /// Signal-to-noise ratio: decibels between speech and its pauses.
    public var signalToNoise: Double? { noise.map { level - $0 } }

    /// Measures a recording; several channels are mixed to one.
    public init(of recording: Audio) {
        let activity = SpeechActivity(of: recording)
        let samples = activity.samples
        seconds = recording.duration
        speechSeconds = Double(activity.isSpeech.count { $0 }) * SpeechActivity.frameSeconds
        peak = recording.peak
        offset = samples.isEmpty ? 0 : samples.reduce(0.0) { $0 + Double($1) } / Double(samples.count)
        clipping = Self.clipping(recording.samples[...])
        func mean(_ isSpeech: Bool) -> Double? {
            let energies = zip(activity.energies, activity.isSpeech).filter { $0.1 == isSpeech }.map(\.0)
            return energies.isEmpty ? nil : 10 * log10(max(1e-12, energies.reduce(0, +) / Double(energies.count)))
        }
        let level = mean(true) ?? -.infinity
        self.level = level
        // Noise is measured in pauses of at least a fifth of a second in all; digital silence is not counted.
        let pauses = activity.isSpeech.count { !$0 }, pause = pauses >= 10 ? mean(false) : nil
        // The quietest tenth of the speech also shows the noise, if it is not far below the rest.
        let floor = activity.levels(in: activity.isSpeech.indices).map { $0.quiet }
        noise = if let floor, level - floor < Self.leastSignalToNoise { max(floor, pause ?? floor) } else { pause }
    }

    /// Limits beyond which a recording makes a worse voice, and a note says so.
    public static let mostClipping = 0.001, leastSignalToNoise = 15.0, leastLevel = -45.0, mostOffset = 0.01

    /// The recording's problems, in words.
    public var problems: [String] {
        var problems: [String] = []
        if clipping > Self.mostClipping { problems.append(String(format: "%.1f %% of it is clipped, which is audible in the voice", 100 * clipping)) }
        if let ratio = signalToNoise, ratio < Self.leastSignalToNoise {
            problems.append(String(format: "it is noisy (%.0f dB between speech and noise)", ratio))
        }
        if level < Self.leastLevel { problems.append(String(format: "it is very quiet (%.0f dB of full scale)", level)) }
        if abs(offset) > Self.mostOffset { problems.append(String(format: "it has an offset of %.2f", offset)) }
        return problems
    }

    /// Samples in runs of five or more at the largest magnitude: an unclipped low tone has three.
    private static func clipping(_ samples: ArraySlice<Float>) -> Double {
        let limit = samples.reduce(0) { max($0, abs($1)) } * 0.9999
        guard limit > 0.2 else { return 0 }
        var clipped = 0, run = 0
        for sample in samples {
            if abs(sample) >= limit {
                run += 1
            } else {
                if run >= 5 { clipped += run }
                run = 0
            }
        }
        return Double(clipped + (run >= 5 ? run : 0)) / Double(samples.count)
    }

    /// The same for each second of one channel.
    static func clippingBySecond(_ samples: [Float], _ sampleRate: Int) -> [Double] {
        stride(from: 0, to: samples.count, by: sampleRate).map { clipping(samples[$0..<min($0 + sampleRate, samples.count)]) }
    }
}
