import Foundation

extension Audio {
    /// Integrated loudness in LUFS (ITU-R BS.1770-4); nil if it is not defined: under 0.4 s, or nothing above −70 LUFS.
    ///
    /// It is measured over blocks of 0.4 s every 0.1 s, without blocks below −70 LUFS or more than 10 LU below the mean of the others. The weighting
    /// is that of `pyloudnorm`, which upstream uses for Turbo's voices: textbook filters that differ by up to 0.1 LU from the standard's filters,
    /// which libebur128 uses.
    /// - Throws: ``AudioError/processing(reason:)`` for more than five channels: left, right, centre, left and right surround.
    public func loudness() throws -> Double? {
        guard channels <= 5 else { throw AudioError.processing(reason: "loudness is defined for one to five channels, this sound has \(channels)") }
        guard duration >= LoudnessBlock.seconds else { return nil }
        let gains = [1, 1, 1, 1.41, 1.41]
        let signals = (0..<channels).map { weighted(channel: $0) }
        let blocks = (0..<LoudnessBlock.count(in: duration)).map { block -> Double in
            let range = LoudnessBlock.frames(of: block, rate: sampleRate).clamped(to: 0..<frames)
            var energy = 0.0
            for (gain, signal) in zip(gains, signals) {
                energy += gain * signal[range].reduce(0.0) { $0 + Double($1) * Double($1) }
            }
            return energy / (LoudnessBlock.seconds * Double(sampleRate))
        }
        return LoudnessBlock.loudness(ofPowers: blocks)
    }

    /// The gain in decibels with which ``loudness()`` becomes `target` LUFS, or as near as peaks allow; nil if loudness is not defined.
    ///
    /// - Parameters:
    ///   - target: the requested loudness, in LUFS.
    ///   - ceiling: the limit for peaks, in decibels of full scale.
    /// - Throws: as ``loudness()``.
    public func gain(toLUFS target: Double, ceiling: Double) throws -> Double? {
        try loudness().map { min(target - $0, ceiling - peak) }
    }

    /// The sound with the gain that brings ``loudness()`` to `target` LUFS; unchanged if loudness is not defined.
    ///
    /// Peaks may then exceed full scale; nothing is clipped.
    /// - Throws: as ``loudness()``.
    public func normalised(toLUFS target: Double) throws -> Audio {
        guard let loudness = try loudness() else { return self }
        let gain = Float(pow(10, (target - loudness) / 20))
        return Audio(samples: samples.map { $0 * gain }, sampleRate: sampleRate, channels: channels)
    }

    /// One channel with K-weighting: high frequencies raised by 4 dB, the lowest removed.
    private func weighted(channel: Int) -> [Float] {
        let signal = stride(from: channel, to: samples.count, by: channels).map { samples[$0] }
        var filters = Biquad.weighting(rate: Double(sampleRate))
        return filters.indices.reduce(signal) { filters[$1].process($0) }
    }
}

/// The blocks over which loudness is measured.
enum LoudnessBlock {
    static let seconds = 0.4

    /// The last block may extend beyond the end by half a step.
    static func count(in duration: Double) -> Int { Int(((duration - seconds) / (seconds * 0.25)).rounded(.toNearestOrEven)) + 1 }

    static func frames(of block: Int, rate: Int) -> Range<Int> { start(of: block, rate: rate)..<start(of: block + 4, rate: rate) }

    /// The first frame of a block; it ends where the block four steps later begins.
    static func start(of block: Int, rate: Int) -> Int { Int(seconds * (Double(block) * 0.25) * Double(rate)) }

    /// The loudness of blocks with these mean squares; nil if all are too quiet.
    static func loudness(ofPowers blocks: [Double]) -> Double? {
        func mean(_ powers: [Double]) -> Double { powers.reduce(0, +) / Double(powers.count) }
        func lufs(_ power: Double) -> Double { 10 * log10(power) - 0.691 }
        let audible = blocks.filter { lufs($0) >= -70 }
        guard !audible.isEmpty else { return nil }
        let threshold = lufs(mean(audible)) - 10
        let loud = audible.filter { lufs($0) > threshold && lufs($0) > -70 }
        return loud.isEmpty ? nil : lufs(mean(loud))
    }
}

/// A recursive second-order filter, from Bristow-Johnson's "Cookbook formulae for audio EQ biquad filter coefficients".
struct Biquad: Sendable {
    private let b: (Double, Double, Double), a: (Double, Double)
    private var (first, second) = (0.0, 0.0)

    private init(_ b0: Double, _ b1: Double, _ b2: Double, _ a0: Double, _ a1: Double, _ a2: Double) {
        b = (b0 / a0, b1 / a0, b2 / a0)
        a = (a1 / a0, a2 / a0)
    }

    /// The two filters of K-weighting: one raises high frequencies by 4 dB, the other removes the lowest.
    static func weighting(rate: Double) -> [Biquad] {
        [highShelf(decibels: 4, frequency: 1500, quality: 1 / 2.0.squareRoot(), rate: rate), highPass(frequency: 38, quality: 0.5, rate: rate)]
    }

    private static func highPass(frequency: Double, quality: Double, rate: Double) -> Biquad {
        let angle = 2 * Double.pi * frequency / rate, alpha = sin(angle) / (2 * quality), c = cos(angle)
        return Biquad((1 + c) / 2, -(1 + c), (1 + c) / 2, 1 + alpha, -2 * c, 1 - alpha)
    }

    private static func highShelf(decibels: Double, frequency: Double, quality: Double, rate: Double) -> Biquad {
        let angle = 2 * Double.pi * frequency / rate, alpha = sin(angle) / (2 * quality), c = cos(angle)
        let gain = pow(10, decibels / 40), slope = 2 * gain.squareRoot() * alpha
        let up = gain + 1, down = gain - 1
        let above = up + down * c, below = up - down * c
        return Biquad(
            gain * (above + slope), -2 * gain * (down + up * c), gain * (above - slope), below + slope, 2 * (down - up * c), below - slope)
    }

    /// Filters samples that follow the earlier ones, in double precision; the initial state is zero.
    mutating func process(_ signal: [Float]) -> [Float] {
        signal.map { sample in
            let x = Double(sample), y = b.0 * x + first
            first = b.1 * x - a.0 * y + second
            second = b.2 * x - a.1 * y
            return Float(y)
        }
    }
}

/// Measures the loudness of mono sound piece by piece, as ``Audio/loudness()`` does for a complete sound. It stores one number for each tenth of a
/// second.
public struct LoudnessMeter: Sendable {
    private let sampleRate: Int
    private var filters: [Biquad]
    /// Sums of squares over tenths of a second; the last one is incomplete.
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

    /// The gain in decibels with which the sound has `target` LUFS, or as near as peaks allow; nil if loudness is not defined.
    ///
    /// - Parameters:
    ///   - target: the requested loudness, in LUFS (ITU-R BS.1770-4).
    ///   - ceiling: the limit for peaks, in decibels of full scale.
    public func gain(toLUFS target: Double, ceiling: Double) -> Double? { loudness.map { min(target - $0, ceiling - peak) } }
}
