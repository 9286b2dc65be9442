import Foundation

extension Audio {
    /// The best part of a recording for making a voice, and notes about it.
    public struct Reference: Sendable {
        public let audio: Audio
        /// The part of the recording that is used, in seconds; nil if all of it is.
        public let used: ClosedRange<Double>?
        /// The quality of the used part before corrections.
        public let quality: RecordingQuality
        /// Notes for a person, each the end of a sentence.
        public let notes: [String]
    }

    /// Selects the part of a recording with the most and the cleanest speech, and corrects sound that is too quiet, too loud or has a DC offset to
    /// levels as in the networks' training. An ordinary recording is not changed at all.
    ///
    /// - Parameters:
    ///   - wanted: seconds from the start that the networks use.
    ///   - needed: seconds that must remain.
    ///   - name: the name in errors.
    /// - Throws: ``AudioError/silent(name:peak:floor:)`` if the recording is silent, ``AudioError/noSpeech(name:)`` if its level does not change as
    ///   in speech.
    public func asReference(wanted: Double = 10, needed: Double = 0.5, named name: String) throws -> Reference {
        let activity = SpeechActivity(of: self)
        guard activity.isSpeech.contains(true) else {
            throw activity.isSteady ? AudioError.noSpeech(name: name) : AudioError.silent(name: name, peak: peak, floor: Audio.silenceFloor)
        }
        var notes: [String] = [], sound = self, used: ClosedRange<Double>?
        if hasOpenLength { notes.append(String(format: "its header does not give its length; all data received is used, %.1f s", duration)) }
        if endsEarly { notes.append(String(format: "it is damaged or cut short; what could be read of it is used, %.1f s", duration)) }
        if let choice = ReferenceStretch(of: self, activity, wanted: wanted, needed: needed) {
            let end = min(choice.end, duration)
            sound = cut(Int(choice.start * Double(sampleRate))..<min(frames, Int(end * Double(sampleRate))))
            used = choice.start...end
            notes.append(choice.note(of: duration))
        }
        let quality = RecordingQuality(of: sound)
        notes += quality.problems
        if abs(quality.offset) > RecordingQuality.mostOffset { sound = sound.withoutOffset() }
        let gain = sound.samples.reduce(0) { max($0, abs($1)) }
        if gain > 1 {
            notes.append(String(format: "its peaks are %.1f dB beyond full scale, and it was made quieter", 20 * log10(gain)))
            sound = sound.amplified(0.98 / gain)
        } else if quality.level < RecordingQuality.leastLevel, quality.level.isFinite, gain > 0 {
            // The usual loudness of speech, without clipping a peak.
            let louder = min(0.89 / gain, Float(pow(10, (-27 - quality.level) / 20)))
            notes.append(String(format: "it was made %.0f dB louder", 20 * log10(louder)))
            sound = sound.amplified(louder)
        }
        return Reference(audio: sound, used: used, quality: quality, notes: notes)
    }

    private func amplified(_ gain: Float) -> Audio { Audio(samples: samples.map { $0 * gain }, sampleRate: sampleRate, channels: channels) }

    /// Each channel minus its mean.
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

extension Audio {
    /// Removes the quiet beginning and end, as `librosa.effects.trim` does.
    ///
    /// Frames of 2048 samples every 512, centred and padded with zeros; a frame is kept if its root mean square is less than `topDecibels` below the
    /// loudest frame's, in any channel. A sound of constant loudness is not changed.
    public func trimmed(topDecibels: Double = 20) -> Audio { cut(soundingFrames(topDecibels: topDecibels)) }

    /// The frames that ``trimmed(topDecibels:)`` keeps.
    public func soundingFrames(topDecibels: Double = 20, frame size: Int = 2048, hop: Int = 512) -> Range<Int> {
        guard frames > 0 else { return 0..<0 }
        let loudness = (0..<channels).map { decibels(channel: $0, size: size, hop: hop) }
        let loudest = loudness.joined().max() ?? 0
        let sounding = (0..<loudness[0].count).filter { frame in loudness.contains { $0[frame] - loudest > -topDecibels } }
        guard let first = sounding.first, let last = sounding.last else { return 0..<0 }
        return min(frames, first * hop)..<min(frames, (last + 1) * hop)
    }

    /// Each frame's mean square in decibels, at least −100 dB, which is librosa's floor of 10⁻⁵.
    private func decibels(channel: Int, size: Int, hop: Int) -> [Double] {
        let count = 1 + frames / hop
        return (0..<count).map { index in
            let start = max(0, index * hop - size / 2), end = min(frames, index * hop - size / 2 + size)
            var energy: Double = 0
            for frame in start..<max(start, end) {
                let sample = Double(samples[frame * channels + channel])
                energy += sample * sample
            }
            return 10 * log10(max(1e-10, energy / Double(size)))
        }
    }
}
