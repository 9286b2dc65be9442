import Foundation

/// What a recording of a voice is like: where somebody speaks in it, how loud, how clean.
///
/// Speech is told by its level: frames of 20 ms that are well above the quietest tenth of them, and not far below the loudest. A sound of
/// even loudness is speech throughout.
public struct RecordingQuality: Sendable, Hashable, Codable {
    /// Seconds in all.
    public let seconds: Double
    /// Seconds in which somebody speaks.
    public let speechSeconds: Double
    /// The root mean square of the speech, in decibels of full scale.
    public let level: Double
    /// The largest magnitude, in decibels of full scale.
    public let peak: Double
    /// The share of samples that lie at the largest magnitude in runs: what an overloaded microphone leaves.
    public let clipping: Double
    /// The mean of all samples, as a share of full scale.
    public let offset: Double
    /// The level between the words in decibels of full scale; nil where there is no pause to hear it in.
    public let noise: Double?

    /// Decibels between speech and what is heard in its pauses.
    public var signalToNoise: Double? { noise.map { level - $0 } }

    /// Measures a recording; several channels are mixed to one.
    public init(of recording: Audio) {
        let activity = SpeechActivity(of: recording)
        let samples = activity.samples
        seconds = recording.duration
        speechSeconds = Double(activity.isSpeech.count { $0 }) * SpeechActivity.frameSeconds
        peak = recording.peak
        offset = samples.isEmpty ? 0 : samples.reduce(0.0) { $0 + Double($1) } / Double(samples.count)
        clipping = Self.clipping(recording.samples)
        func mean(_ isSpeech: Bool) -> Double? {
            let energies = zip(activity.energies, activity.isSpeech).filter { $0.1 == isSpeech }.map(\.0)
            return energies.isEmpty ? nil : 10 * log10(max(1e-12, energies.reduce(0, +) / Double(energies.count)))
        }
        level = mean(true) ?? -.infinity
        // A fifth of a second of pause tells the noise; digital silence is none.
        let pauses = activity.isSpeech.count { !$0 }
        noise = pauses >= 10 ? mean(false) : nil
    }

    /// Below these a person should know, above they may: what makes a voice worse.
    public static let mostClipping = 0.001, leastSignalToNoise = 15.0, leastLevel = -45.0, mostOffset = 0.01

    /// What is wrong with the recording, in words.
    public var problems: [String] {
        var problems: [String] = []
        if clipping > Self.mostClipping { problems.append(String(format: "%.1f %% of it is clipped, which is heard in the voice", 100 * clipping)) }
        if let ratio = signalToNoise, ratio < Self.leastSignalToNoise { problems.append(String(format: "it is noisy (%.0f dB between speech and noise)", ratio)) }
        if level < Self.leastLevel { problems.append(String(format: "it is very quiet (%.0f dB of full scale)", level)) }
        if abs(offset) > Self.mostOffset { problems.append(String(format: "it has an offset of %.2f", offset)) }
        return problems
    }

    /// Samples in runs of five and more at the largest magnitude: a pure low tone has three.
    private static func clipping(_ samples: [Float]) -> Double {
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
}

/// Where somebody speaks.
struct SpeechActivity {
    static let frameSeconds = 0.02
    /// One channel, without its mean.
    let samples: [Float]
    /// The mean square of each frame.
    let energies: [Double]
    /// Whether each frame is speech.
    let isSpeech: [Bool]

    init(of recording: Audio) {
        let mono = recording.mono().samples, mean = mono.isEmpty ? 0 : Float(mono.reduce(0.0) { $0 + Double($1) } / Double(mono.count))
        samples = mono
        let size = max(1, Int(Double(recording.sampleRate) * Self.frameSeconds))
        let energies = stride(from: 0, to: mono.count, by: size).map { start -> Double in
            let frame = mono[start..<min(start + size, mono.count)]
            return frame.reduce(0.0) { $0 + Double($1 - mean) * Double($1 - mean) } / Double(frame.count)
        }
        self.energies = energies
        let sorted = energies.sorted()
        guard let loudest = sorted.last, loudest > 1e-10 else {
            isSpeech = energies.map { _ in false }
            return
        }
        // The loud end is a frame that some others reach: one click is no speech.
        let loud = sorted[Int(Double(sorted.count - 1) * 0.95)], quiet = sorted[sorted.count / 10]
        let isEven = loud < 8 * max(quiet, 1e-12)
        let threshold = isEven ? min(quiet, loud) / 4 : max(max(loud, loudest / 100) * 1e-3, min(quiet * 8, loud / 10))
        var isSpeech = energies.map { $0 > threshold }
        // Gaps between syllables belong to the speech; sounds too short for one do not.
        Self.close(&isSpeech, false, shorterThan: 15)
        Self.close(&isSpeech, true, shorterThan: 5)
        self.isSpeech = isSpeech
    }

    /// Turns runs of a value over that are too short, but not at the ends.
    private static func close(_ frames: inout [Bool], _ value: Bool, shorterThan length: Int) {
        var start: Int?
        for index in 0...frames.count {
            if index < frames.count, frames[index] == value {
                start = start ?? index
            } else if let first = start {
                if index - first < length, first > 0 || value, index < frames.count || value { for frame in first..<index { frames[frame] = !value } }
                start = nil
            }
        }
    }
}
