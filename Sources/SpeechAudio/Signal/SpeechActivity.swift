import Foundation

/// Which parts of a recording are speech.
struct SpeechActivity {
    static let frameSeconds = 0.02
    /// The recording, mixed to one channel.
    let samples: [Float]
    /// The mean square of each frame, minus the local offset.
    let energies: [Double]
    /// Whether each frame is speech.
    let isSpeech: [Bool]
    /// Whether each frame is loud enough to be part of speech; this includes quiet sounds, short pauses and noise within it.
    let isSounding: [Bool]
    /// The share of each second's samples that is clipped.
    let clipping: [Double]
    /// Whether something is loud enough for speech, and all of it has a constant level.
    let isSteady: Bool

    init(of recording: Audio) {
        let mono = recording.mono().samples
        samples = mono
        // The offset may change over time, as with clipping.
        let means = stride(from: 0, to: mono.count, by: recording.sampleRate).map { start -> Double in
            let second = mono[start..<min(start + recording.sampleRate, mono.count)]
            return second.reduce(0.0) { $0 + Double($1) } / Double(second.count)
        }
        let size = max(1, Int(Double(recording.sampleRate) * Self.frameSeconds))
        let energies = stride(from: 0, to: mono.count, by: size).map { start -> Double in
            let frame = mono[start..<min(start + size, mono.count)], mean = means[start / recording.sampleRate]
            return frame.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(frame.count)
        }
        self.energies = energies
        let clipping = RecordingQuality.clippingBySecond(mono, recording.sampleRate)
        self.clipping = clipping
        guard let loudest = energies.max(), loudest > 1e-10 else {
            isSpeech = energies.map { _ in false }
            isSounding = isSpeech
            isSteady = false
            return
        }
        // Clipped parts may be much louder than the rest, from which a voice should be made.
        let isClean = energies.indices.map { clipping[min($0 * size / recording.sampleRate, clipping.count - 1)] <= RecordingQuality.mostClipping }
        let measured = isClean.count { $0 } >= Int(3 / Self.frameSeconds) ? isClean : isClean.map { _ in true }
        func sorted(where isTaken: (Int) -> Bool) -> [Double] {
            energies.indices.filter { measured[$0] && isTaken($0) }.map { energies[$0] }.sorted()
        }
        let floor = 1e-3 * Self.loud(sorted { _ in true }), loud = energies.map { $0 > floor }
        let levels = Self.changes(mono, recording.sampleRate, frameSize: size), core = Self.steadyFrames(levels, loud)
        let all = Self.extended(core, levels, loud)
        // In speech with noise of the same level, the speech may look like a continuation of the noise.
        let steady = zip(all, loud).contains { !$0 && $1 } ? all : core
        // Levels are measured in the rest, because steady noise may be louder.
        let sorted = sorted { !steady[$0] }
        let threshold = sorted.isEmpty ? 0 : max(floor, Self.threshold(sorted))
        let quietest = sorted.isEmpty ? 0 : 1e-3 * Self.loud(sorted)
        var isSounding = energies.map { $0 > quietest }
        Self.close(&isSounding, false, shorterThan: 15)
        self.isSounding = isSounding
        var isSpeech = zip(energies, steady).map { $0 > threshold && !$1 }
        // Gaps between syllables belong to speech; sounds shorter than a syllable do not.
        Self.close(&isSpeech, false, shorterThan: 15)
        Self.close(&isSpeech, true, shorterThan: 5)
        self.isSpeech = isSpeech
        isSteady = !isSpeech.contains(true) && steady.contains(true)
    }

    /// The levels in decibels that a tenth of the speech's frames are below and a tenth above, noise included; nil if there is little speech.
    func levels(in frames: Range<Int>) -> (quiet: Double, loud: Double)? {
        let sorted = frames.filter { isSounding[$0] }.map { energies[$0] }.sorted()
        guard sorted.count >= 25, isSpeech[frames].contains(true) else { return nil }
        func level(_ place: Int) -> Double { 10 * log10(max(sorted[place], 1e-12)) }
        return (level(sorted.count / 10), level(sorted.count * 9 / 10))
    }

    /// The loud end is a level that several frames exceed: a single click is not speech.
    private static func loud(_ sorted: [Double]) -> Double { sorted[Int(Double(sorted.count - 1) * 0.95)] }

    /// The energy above which a frame counts as speech.
    private static func threshold(_ sorted: [Double]) -> Double {
        let loudest = sorted.last!, loud = loud(sorted), quiet = sorted[sorted.count / 10]
        let isEven = loud < 8 * max(quiet, 1e-12)
        return isEven ? min(quiet, loud) / 4 : max(max(loud, loudest / 100) * 1e-3, min(quiet * 8, loud / 10))
    }

    /// The level of each frame's differences between samples at about 8 kHz, in decibels. It is constant in noises of many kinds; the power of rumble
    /// is in slow waves, of which a frame contains too few.
    private static func changes(_ samples: [Float], _ sampleRate: Int, frameSize: Int) -> [Double] {
        let step = max(1, Int((Double(sampleRate) / 8000).rounded()))
        func coarse(_ start: Int) -> Double {
            let part = samples[start..<min(start + step, samples.count)]
            return part.reduce(0.0) { $0 + Double($1) } / Double(part.count)
        }
        return stride(from: 0, to: samples.count, by: frameSize).map { frame in
            var power = 0.0, count = 0, last = coarse(max(0, frame - step))
            for start in stride(from: frame, to: min(frame + frameSize, samples.count), by: step) {
                let next = coarse(start)
                power += (next - last) * (next - last)
                count += 1
                last = next
            }
            return 10 * log10(power / Double(count) + 1e-14)
        }
    }

    private static let reach = Int(0.5 / frameSeconds)

    /// Loud frames around which the level does not change for a second.
    private static func steadyFrames(_ levels: [Double], _ loud: [Bool]) -> [Bool] {
        loud.indices.map { frame in
            guard loud[frame] else { return false }
            let around = (max(0, frame - reach)...min(loud.count - 1, frame + reach)).filter { loud[$0] }.map { levels[$0] }.sorted()
            return around[around.count * 4 / 5] - around[around.count / 5] < leastChange
        }
    }

    /// Extends steady sounds to their ends, as long as their level continues, if another sound is near.
    private static func extended(_ steady: [Bool], _ levels: [Double], _ loud: [Bool]) -> [Bool] {
        var steady = steady
        func extend(_ frames: some Sequence<Int>) {
            var level: Double?, left = 0
            for frame in frames {
                if steady[frame] {
                    level = level.map { 0.9 * $0 + 0.1 * levels[frame] } ?? levels[frame]
                    left = reach
                } else if let known = level, left > 0, loud[frame], abs(levels[frame] - known) < 3 {
                    steady[frame] = true
                    left -= 1
                } else {
                    level = nil
                }
            }
        }
        extend(steady.indices)
        extend(steady.indices.reversed())
        return steady
    }

    /// The smallest change of level within a second in speech, in decibels, ignoring the loudest and the quietest fifth. It is 1 in noise, 2 in
    /// speech with noise of its own level, and 10 or more in clean speech.
    private static let leastChange = 1.6

    /// Inverts runs of a value that are too short, except at the ends.
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
