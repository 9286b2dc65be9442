import Foundation
import SpeechAudio

/// The last steps of a request's sound, whether a text or a recording became it: the watermark, the counts and times of
/// its report, and when it is given out.
struct SpeechFinishing {
    var report = SpeechReport()
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
    ///   - watermark: whether the sound is to be marked; where the model cannot, a warning says so.
    ///   - warnings: what else there is to say.
    ///   - start: when the request came.
    init(_ model: Model, sampleRate: Int, watermark: Bool, warnings: [SpeechWarning] = [], since start: ContinuousClock.Instant) {
        (self.sampleRate, self.start) = (sampleRate, start)
        self.watermark = watermark ? model.watermarker.map { WatermarkStream($0, sampleRate: sampleRate) } : nil
        report.warnings = warnings
        if watermark, model.watermarker == nil { report.warnings.append(.noWatermark) }
    }

    /// Takes the next samples and gives those that are certain by now: none, or some that end a while before.
    ///
    /// - Parameter isLast: whether the sound ends with them.
    /// - Throws: `TorchError`.
    mutating func callAsFunction(_ samples: [Float], isLast: Bool) throws -> [Float] {
        var sound = samples
        report.stages.watermark += try ContinuousClock().measure {
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
