import Foundation

/// The part of a recording that is used for a voice: mostly speech, without noise or clipping.
struct ReferenceStretch {
    /// In seconds of the recording; `end` may be the recording's end.
    let start, end: Double
    /// Whether the part was chosen because the rest is noisy or clipped; otherwise because there is no speech before it.
    private let isCleaner: Bool

    /// The longest beginning without speech that is kept, in seconds.
    static let longestLead = 1.0

    /// nil if the whole recording is suitable.
    ///
    /// - Parameters:
    ///   - wanted: the seconds from the start that the networks use.
    ///   - needed: the seconds that must remain.
    init?(of recording: Audio, _ activity: SpeechActivity, wanted: Double, needed: Double) {
        let seconds = SpeechActivity.frameSeconds, speech = activity.isSpeech
        guard let first = speech.firstIndex(of: true) else { return nil }
        let length = max(1, Int(wanted / seconds)), margin = Int(0.2 / seconds)
        let parts = Parts(activity: activity)
        let whole = parts.part(0, length)
        let isEarly = Double(first) * seconds <= Self.longestLead, isDense = whole.share >= 0.5 || speech.count <= length
        var begin = 0, chosen = whole
        if !isEarly || !isDense || whole.isPoor {
            // Where speech begins; the first of these that is nearly as good as the best is chosen.
            let onsets = speech.indices.filter { speech[$0] && ($0 == 0 || !speech[$0 - 1]) }.map { max(0, $0 - margin) }
            // If noise hides the pauses, a word may be cut.
            let seconds = whole.isPoor ? Array(stride(from: 0, to: speech.count, by: Int(1 / seconds))) : []
            let candidates = (onsets + seconds).map { ($0, parts.part($0, length)) }, best = candidates.map(\.1.score).max() ?? 0
            // The part must be clearly better than the whole.
            if let found = candidates.first(where: { $0.1.score >= 0.9 * best }), !isEarly || best >= whole.score + 0.2,
                recording.duration - Double(found.0) * SpeechActivity.frameSeconds >= needed
            {
                (begin, chosen) = found
            }
        }
        // The voice encoder also uses what follows. Less than one step is too short for an estimate.
        var stop = speech.count
        if !chosen.isPoor {
            let step = Int(5 / seconds)
            for later in stride(from: begin + length, to: speech.count, by: step)
            where later + step <= speech.count && parts.part(later, step).isMuchWorse {
                stop = later
                break
            }
        }
        guard begin > 0 || stop < speech.count else { return nil }
        start = Double(begin) * seconds
        end = stop < speech.count ? Double(stop) * seconds : recording.duration
        isCleaner = stop < speech.count || whole.isPoor && !chosen.isPoor
    }

    /// A description for a note, as the end of a sentence.
    func note(of duration: Double) -> String {
        let place =
            end < duration
            ? String(format: "from %.1f to %.1f s of %.1f s", start, end, duration) : String(format: "from %.1f s on", start)
        return "it is used \(place), where the speech is" + (isCleaner ? " clean; elsewhere it is noisy or clipped" : "")
    }

    /// Parts of a recording, and how suitable they are.
    private struct Parts {
        let activity: SpeechActivity

        func part(_ start: Int, _ length: Int) -> Part {
            let frames = start..<min(activity.isSpeech.count, start + length)
            let perSecond = Int(1 / SpeechActivity.frameSeconds), step = 5 * perSecond / 2
            let ranges = stride(from: frames.lowerBound, to: frames.upperBound, by: step).compactMap { start in
                activity.levels(in: start..<min(start + step, frames.upperBound)).map { min(Part.cleanRange, $0.loud - $0.quiet) }
            }
            let seconds = activity.clipping[frames.lowerBound / perSecond...min(activity.clipping.count - 1, (frames.upperBound - 1) / perSecond)]
            return Part(
                share: Double(frames.count { activity.isSpeech[$0] }) / Double(min(length, activity.isSpeech.count)),
                range: ranges.isEmpty ? nil : ranges.reduce(0, +) / Double(ranges.count),
                clipping: seconds.reduce(0, +) / Double(seconds.count))
        }
    }

    private struct Part {
        /// The share of speech.
        let share: Double
        /// Decibels between the loud and the quiet parts of the speech, noise included: means over a few seconds. nil if there is little speech. The
        /// value is 20 or more for clean speech; for noisy speech it is about 4 more than the signal-to-noise ratio.
        let range: Double?
        let clipping: Double

        /// A larger range does not count as better.
        static let cleanRange = 22.0
        private static let rangeAboveNoise = 4.0

        var isClipped: Bool { clipping > RecordingQuality.mostClipping }
        var isPoor: Bool { isClipped || range.map { $0 < RecordingQuality.leastSignalToNoise + Self.rangeAboveNoise } ?? false }
        /// A difference that is certain even from a few seconds.
        var isMuchWorse: Bool { clipping > 3 * RecordingQuality.mostClipping || range.map { $0 < RecordingQuality.leastSignalToNoise } ?? false }
        var score: Double { share * (isClipped ? 0.5 : 1) * max(0, (range ?? Self.cleanRange) / Self.cleanRange) }
    }
}
