import Foundation
import SpeechAudio

/// The last steps of a request's sound, from a text or a recording: speed and loudness, the watermark, the counts and times of its report, and
/// delivery.
struct SpeechFinishing {
    var report = SpeechReport()
    private let tempo: TempoStream?
    private var loudness: SpeechLoudness?
    private var watermark: WatermarkStream?
    private let sampleRate: Int
    private let start: ContinuousClock.Instant
    private var given = 0
    /// The end of a silence, which is held back until more follows.
    private var held: [Float] = []

    /// The largest duration of silence that is held back, as long as the watermark's delay: the last samples of a request therefore come with its
    /// last report, however it ends.
    private static let hold = 0.25

    /// - Parameters:
    ///   - options: speed, loudness and watermark are used; a warning is added if the model cannot add the watermark.
    ///   - warnings: further warnings.
    ///   - start: when the request arrived.
    /// - Throws: `AudioError` if there is no memory.
    init(
        _ model: Model, sampleRate: Int, options: SpeechOptions, warnings: [SpeechWarning] = [], since start: ContinuousClock.Instant
    ) throws {
        let watermark = options.watermark
        (self.sampleRate, self.start) = (sampleRate, start)
        tempo = options.speed == 1 ? nil : try TempoStream(speed: options.speed, sampleRate: sampleRate)
        loudness = options.loudness.map { SpeechLoudness(target: $0, sampleRate: sampleRate) }
        self.watermark = watermark ? model.watermarker.map { WatermarkStream($0, sampleRate: sampleRate) } : nil
        report.warnings = warnings
        if watermark, model.watermarker == nil { report.warnings.append(.noWatermark) }
    }

    /// Processes the next samples and returns those that are final, which may be none.
    ///
    /// - Parameter isLast: whether the sound ends with them.
    /// - Throws: `AudioError`, `TorchError`.
    mutating func callAsFunction(_ samples: [Float], isLast: Bool) throws -> [Float] {
        let samples = try shaped(samples, isLast: isLast)
        var sound = samples
        report.stages.watermark +=
            try ContinuousClock().measure {
                sound = try watermark?.mark(samples) ?? samples
                report.isWatermarked = watermark != nil
                if isLast, let ending = try watermark?.finish() {
                    sound += ending.samples
                    report.isWatermarked = ending.isMarked
                }
            } / .seconds(1)
        sound = held + sound
        let silence = isLast ? 0 : sound.suffix(Int(Self.hold * Double(sampleRate))).reversed().prefix { $0 == 0 }.count
        held = Array(sound.suffix(silence))
        sound.removeLast(silence)

        given += sound.count
        report.audioSeconds = Double(given) / Double(sampleRate)
        report.wallSeconds = (ContinuousClock.now - start) / .seconds(1)
        if report.firstAudioSeconds == 0, sound.contains(where: { abs($0) > Audio.audibleMagnitude }) {
            report.firstAudioSeconds = report.wallSeconds
        }
        return sound
    }

    /// Applies the requested speed and loudness.
    private mutating func shaped(_ samples: [Float], isLast: Bool) throws -> [Float] {
        var sound = samples
        if let tempo { sound = try tempo.process(samples) + (isLast ? tempo.finish() : []) }
        guard loudness != nil else { return sound }
        loudness!.take(sound)
        guard isLast else { return [] }
        let (whole, warning) = try loudness!.adjusted()
        if let warning { report.warnings.append(warning) }
        return whole
    }
}

/// Stores speech until all of it has arrived, because loudness is that of the whole.
private struct SpeechLoudness {
    let target: Double
    let sampleRate: Int
    private var samples: [Float] = []

    init(target: Double, sampleRate: Int) { (self.target, self.sampleRate) = (target, sampleRate) }

    mutating func take(_ new: [Float]) { samples += new }

    /// All samples, at the requested loudness or as loud as their peaks allow, with a warning in that case.
    func adjusted() throws -> (samples: [Float], warning: SpeechWarning?) {
        let speech = Audio(samples: samples, sampleRate: sampleRate)
        guard let loudness = try speech.loudness(), let gain = try speech.gain(toLUFS: target, ceiling: SpeechOptions.loudnessCeiling) else {
            return (samples, nil)
        }
        let factor = Float(pow(10, gain / 20))
        return (samples.map { $0 * factor }, .loudnessLimited(loudness + gain, target: target))
    }
}

/// Measures the seconds of one stage after the other.
struct StageClock {
    private var mark = ContinuousClock.now

    /// Seconds since the last call, or since this clock was created.
    mutating func lap() -> Double {
        let now = ContinuousClock.now
        defer { mark = now }
        return (now - mark) / .seconds(1)
    }
}
