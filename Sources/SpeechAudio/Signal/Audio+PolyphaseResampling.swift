import Foundation

extension Audio {
    /// At another rate, one channel, by a sinc under a Kaiser window (β 5, ten zero crossings on either side): what
    /// `librosa.resample` does with `res_type="polyphase"`, which is `scipy.signal.resample_poly`.
    ///
    /// The result has ⌈frames × to ÷ from⌉ frames. For speech that is heard, ``resampled(to:)`` is the better filter;
    /// this one is what PerTh's detector was made with.
    /// - Precondition: one channel, and a rate of at least 1 Hz.
    public func resampledByPolyphase(to rate: Int) -> Audio {
        precondition(rate > 0 && channels == 1, "one channel and a rate of at least 1 Hz")
        guard rate != sampleRate else { return self }
        let divisor = greatestCommonDivisor(rate, sampleRate)
        let up = rate / divisor, down = sampleRate / divisor
        let half = 10 * max(up, down)
        let filter = kaiserLowPass(half: half, cutoff: 1 / Double(max(up, down))).map { Float($0) * Float(up) }

        let count = (frames * up + down - 1) / down
        let frames = frames
        var result = [Float](repeating: 0, count: count)
        samples.withUnsafeBufferPointer { input in
            filter.withUnsafeBufferPointer { filter in
                for index in 0..<count {
                    // The output's place among the samples that would be there at the rate of both.
                    let place = index * down
                    let first = max(0, (place - half + up - 1) / up), last = min(frames - 1, (place + half) / up)
                    var sum: Float = 0
                    var tap = half + place - first * up
                    for sample in stride(from: first, through: last, by: 1) {
                        sum += input[sample] * filter[tap]
                        tap -= up
                    }
                    result[index] = sum
                }
            }
        }
        return Audio(samples: result, sampleRate: rate)
    }
}

/// A low-pass filter of 2 × half + 1 taps that lets constant signals through unchanged; `cutoff` is a part of the
/// Nyquist frequency.
private func kaiserLowPass(half: Int, cutoff: Double, beta: Double = 5) -> [Double] {
    let taps = (-half...half).map { offset in
        let angle = Double.pi * cutoff * Double(offset)
        let position = Double(offset) / Double(half)
        return (angle == 0 ? 1 : sin(angle) / angle) * besselI0(beta * (1 - position * position).squareRoot())
    }
    let gain = taps.reduce(0, +)
    return taps.map { $0 / gain }
}

/// The modified Bessel function of the first kind and order zero, by its power series.
private func besselI0(_ x: Double) -> Double {
    var term = 1.0, sum = 1.0, k = 1.0
    while term > sum * 1e-17 {
        term *= (x / (2 * k)) * (x / (2 * k))
        sum += term
        k += 1
    }
    return sum
}
