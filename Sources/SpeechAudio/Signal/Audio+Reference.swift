import Foundation

extension Audio {
    /// A recording as a voice is best made of it, and what was done.
    public struct Reference: Sendable {
        public let audio: Audio
        /// The seconds of the recording that are used; nil where all of it is.
        public let used: ClosedRange<Double>?
        /// What a person should know, each the end of a sentence.
        public let notes: [String]
    }

    /// The longest beginning without speech that is left as it is, in seconds.
    static let longestLead = 1.0

    /// The part of a recording with the most speech, from which quiet, over-loud or offset sound is brought to what networks heard in
    /// training. An ordinary recording stays as it is, to the last bit.
    ///
    /// - Parameters:
    ///   - heard: seconds from the start that the networks hear.
    ///   - needed: seconds that must be left.
    ///   - name: what errors call it.
    /// - Throws: ``AudioError/silent(name:peak:floor:)`` where nobody speaks.
    public func asReference(heard: Double = 10, needed: Double = 0.5, named name: String) throws -> Reference {
        let activity = SpeechActivity(of: self)
        guard activity.isSpeech.contains(true) else { throw AudioError.silent(name: name, peak: peak, floor: Audio.silenceFloor) }
        var notes: [String] = [], sound = self, used: ClosedRange<Double>?
        if hasOpenLength { notes.append(String(format: "its header leaves its length open; all that came is used, %.1f s", duration)) }
        if let start = Self.bestStart(activity, heard: heard), duration - start >= needed {
            let first = Int(start * Double(sampleRate))
            sound = cut(first..<frames)
            used = start...duration
            notes.append(String(format: "it is used from %.1f s on, where the speech is", start))
        }
        let quality = RecordingQuality(of: sound)
        notes += quality.problems
        if abs(quality.offset) > RecordingQuality.mostOffset { sound = sound.withoutOffset() }
        let gain = sound.samples.reduce(0) { max($0, abs($1)) }
        if gain > 1 {
            notes.append(String(format: "its peaks are %.1f dB beyond full scale, and it was made quieter", 20 * log10(gain)))
            sound = sound.amplified(0.98 / gain)
        } else if quality.level < RecordingQuality.leastLevel, quality.level.isFinite, gain > 0 {
            // As loud as speech usually is, and no peak clipped.
            sound = sound.amplified(min(0.89 / gain, Float(pow(10, (-27 - quality.level) / 20))))
        }
        return Reference(audio: sound, used: used, notes: notes)
    }

    /// Where the speech begins that a voice should be made of; nil where the beginning does.
    private static func bestStart(_ activity: SpeechActivity, heard: Double) -> Double? {
        let window = max(1, Int(heard / SpeechActivity.frameSeconds)), frames = activity.isSpeech
        func share(_ start: Int) -> Double {
            let part = frames[start..<min(frames.count, start + window)]
            return Double(part.count { $0 }) / Double(min(window, frames.count))
        }
        guard let first = frames.firstIndex(of: true) else { return nil }
        let lead = Double(first) * SpeechActivity.frameSeconds, margin = Int(0.2 / SpeechActivity.frameSeconds)
        let isEarly = lead <= longestLead, isDense = share(0) >= 0.5 || frames.count <= window
        if isEarly, isDense { return nil }
        // Beginnings of speech, of which the first is taken that is nearly as good as the best.
        let onsets = frames.indices.filter { frames[$0] && ($0 == 0 || !frames[$0 - 1]) }.map { max(0, $0 - margin) }
        let shares = onsets.map(share), best = shares.max() ?? 0
        guard let chosen = zip(onsets, shares).first(where: { $1 >= 0.9 * best })?.0, chosen > 0 else { return nil }
        // What is gained must be worth it.
        return isEarly && best < share(0) + 0.2 ? nil : Double(chosen) * SpeechActivity.frameSeconds
    }

    private func amplified(_ gain: Float) -> Audio { Audio(samples: samples.map { $0 * gain }, sampleRate: sampleRate, channels: channels) }

    /// Each channel less its mean.
    private func withoutOffset() -> Audio {
        var samples = samples
        for channel in 0..<channels {
            var sum = 0.0
            for index in stride(from: channel, to: samples.count, by: channels) { sum += Double(samples[index]) }
            let mean = Float(sum / Double(max(1, frames)))
            for index in stride(from: channel, to: samples.count, by: channels) { samples[index] -= mean }
        }
        return Audio(samples: samples, sampleRate: sampleRate, channels: channels)
    }
}
