import Foundation
import SpeechAudio

/// The last steps of a request's sound, whether a text or a recording became it: speed and loudness, the watermark, the counts
/// and times of its report, and when it is given out.
struct SpeechFinishing {
    var report = SpeechReport()
    private let tempo: TempoStream?
    private var loudness: SpeechLoudness?
    private var watermark: WatermarkStream?
    private let sampleRate: Int
    private let start: ContinuousClock.Instant
    private var given = 0
    /// The end of a silence, which waits for what follows.
    private var held: [Float] = []

    /// Seconds of a silence that wait, as long as a watermark lets sound wait: however a request ends, its last samples
    /// come with its last report.
    private static let hold = 0.25

    /// - Parameters:
    ///   - options: of which speed, loudness and watermark count; where the model cannot mark the sound, a warning says so.
    ///   - warnings: what else there is to say.
    ///   - start: when the request came.
    /// - Throws: `AudioError` where there is no memory.
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

    /// Takes the next samples and gives those that are certain by now: none, or some that end a while before.
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

    /// With the speed and the loudness that were asked for.
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

/// Keeps speech until all of it has come, since its loudness is that of the whole.
private struct SpeechLoudness {
    let target: Double
    let sampleRate: Int
    private var samples: [Float] = []

    init(target: Double, sampleRate: Int) { (self.target, self.sampleRate) = (target, sampleRate) }

    mutating func take(_ new: [Float]) { samples += new }

    /// All that has come, as loud as asked for, or as its peaks allow, which is then told.
    func adjusted() throws -> (samples: [Float], warning: SpeechWarning?) {
        let speech = Audio(samples: samples, sampleRate: sampleRate)
        guard let loudness = try speech.loudness(), let gain = try speech.gain(toLUFS: target, ceiling: SpeechOptions.loudnessCeiling) else {
            return (samples, nil)
        }
        let factor = Float(pow(10, gain / 20))
        return (samples.map { $0 * factor }, .loudnessLimited(loudness + gain, target: target))
    }
}

/// Seconds of one stage after the other.
struct StageClock {
    private var mark = ContinuousClock.now

    /// Seconds since the last call, or since this clock was made.
    mutating func lap() -> Double {
        let now = ContinuousClock.now
        defer { mark = now }
        return (now - mark) / .seconds(1)
    }
}
