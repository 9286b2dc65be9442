import Foundation

extension Audio {
    /// Without the quiet beginning and end: `librosa.effects.trim`.
    ///
    /// Frames of 2048 samples every 512, centred and padded with zeros; a frame is kept where its root mean square is
    /// less than `topDecibels` under the loudest frame's, in any channel. A sound of equal loudness is not changed.
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

    /// Each frame's mean square in decibels, at least −100 dB as librosa's floor of 10⁻⁵ has it.
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
