import Foundation

extension Audio {
    /// With the gain that brings it to `target` LUFS by the meter that Turbo's references were levelled with;
    /// unchanged where that meter gives nothing.
    ///
    /// pyloudnorm's K-weighting is not BS.1770's to the letter and reads about 0.1 dB less than
    /// ``normalised(toLUFS:)``, which is enough to change tokens. One channel, at least 0.4 s.
    public func levelledAsReference(toLUFS target: Double) -> Audio {
        guard channels == 1, duration >= ReferenceMeter.block else { return self }
        let gain = pow(10, (target - ReferenceMeter.loudness(samples, rate: sampleRate)) / 20)
        guard gain.isFinite, gain > 0 else { return self }
        return Audio(samples: samples.map { $0 * Float(gain) }, sampleRate: sampleRate)
    }
}

/// Integrated loudness as pyloudnorm's `Meter` measures it.
private enum ReferenceMeter {
    /// Seconds of one measurement; the next begins a quarter of it later.
    static let block = 0.4

    static func loudness(_ samples: [Float], rate: Int) -> Double {
        let weighted = highPass(at: 38, rate: rate)(shelf(at: 1500, decibels: 4, rate: rate)(samples))
        let power = blocks(weighted, rate: rate)
        let audible = power.filter { level($0) >= -70 }
        let threshold = level(mean(audible)) - 10
        return level(mean(power.filter { level($0) > threshold && level($0) > -70 }))
    }

    private static func level(_ power: Double) -> Double { -0.691 + 10 * log10(power) }
    private static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

    private static func blocks(_ samples: [Float], rate: Int) -> [Double] {
        let seconds = Double(samples.count) / Double(rate)
        let count = Int(((seconds - block) / (block / 4)).rounded(.toNearestOrEven)) + 1
        return (0..<count).map { index in
            let start = Int(block * Double(index) * 0.25 * Double(rate))
            let end = min(samples.count, Int(block * (Double(index) * 0.25 + 1) * Double(rate)))
            return samples[min(start, end)..<end].reduce(0) { $0 + Double($1) * Double($1) } / (block * Double(rate))
        }
    }

    private struct Biquad {
        let b, a: (Double, Double, Double)

        func callAsFunction(_ samples: [Float]) -> [Float] {
            let b = (b.0 / a.0, b.1 / a.0, b.2 / a.0), a = (a.1 / a.0, a.2 / a.0)
            var (first, second) = (0.0, 0.0)
            return samples.map { sample in
                let x = Double(sample), y = b.0 * x + first
                (first, second) = (b.1 * x - a.0 * y + second, b.2 * x - a.1 * y)
                return Float(y)
            }
        }
    }

    // Filters of R. Bristow-Johnson's audio EQ cookbook.

    private static func shelf(at frequency: Double, decibels: Double, rate: Int) -> Biquad {
        let gain = pow(10, decibels / 40), angle = 2 * Double.pi * frequency / Double(rate)
        let slope = 2 * gain.squareRoot() * sin(angle) / 2.0.squareRoot()
        let (up, down, c) = (gain + 1, gain - 1, cos(angle))
        return Biquad(
            b: (gain * (up + down * c + slope), -2 * gain * (down + up * c), gain * (up + down * c - slope)),
            a: (up - down * c + slope, 2 * (down - up * c), up - down * c - slope))
    }

    private static func highPass(at frequency: Double, rate: Int) -> Biquad {
        let angle = 2 * Double.pi * frequency / Double(rate), alpha = sin(angle), c = cos(angle)
        return Biquad(b: ((1 + c) / 2, -(1 + c), (1 + c) / 2), a: (1 + alpha, -2 * c, 1 - alpha))
    }
}
