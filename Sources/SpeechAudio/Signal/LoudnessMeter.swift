import Foundation

/// Measures the loudness of mono sound while it comes, as ``Audio/loudness()`` does of sound that is all there: in memory of a number for
/// each tenth of a second.
public struct LoudnessMeter: Sendable {
    private let sampleRate: Int
    private var filters: [Biquad]
    /// Sums of squares over tenths of a second, the last of those that have come so far.
    private var steps = [0.0]
    private var frames = 0
    private var highest: Float = 0

    /// - Parameter sampleRate: in hertz.
    public init(sampleRate: Int) {
        self.sampleRate = sampleRate
        filters = Biquad.weighting(rate: Double(sampleRate))
    }

    public mutating func take(_ samples: [Float]) {
        highest = samples.reduce(highest) { max($0, abs($1)) }
        for sample in filters.indices.reduce(samples, { filters[$1].process($0) }) {
            if frames == LoudnessBlock.start(of: steps.count, rate: sampleRate) { steps.append(0) }
            steps[steps.count - 1] += Double(sample) * Double(sample)
            frames += 1
        }
    }

    /// Integrated loudness so far in LUFS; nil under 0.4 s, and where nothing is above −70 LUFS.
    public var loudness: Double? {
        let duration = Double(frames) / Double(sampleRate)
        guard duration >= LoudnessBlock.seconds else { return nil }
        return LoudnessBlock.loudness(
            ofPowers: (0..<LoudnessBlock.count(in: duration)).map { block in
                steps[min(block, steps.count)..<min(block + 4, steps.count)].reduce(0, +) / (LoudnessBlock.seconds * Double(sampleRate))
            })
    }

    /// The highest peak so far in decibels of full scale; −∞ of silence.
    public var peak: Double { 20 * log10(Double(highest)) }

    /// The gain that brings the sound to `target` LUFS, or as near as peaks allow, in decibels; nil where loudness is not defined.
    ///
    /// - Parameters:
    ///   - target: in LUFS (ITU-R BS.1770-4).
    ///   - ceiling: what no peak may exceed then, in decibels of full scale.
    public func gain(toLUFS target: Double, ceiling: Double) -> Double? { loudness.map { min(target - $0, ceiling - peak) } }
}
