import CSoxr
import Foundation
import Torch

extension Audio {
    /// Resamples each channel with libsoxr's high quality (20 bits), as `librosa.resample` does with its default `soxr_hq`. The result has ⌈frames ×
    /// to ÷ from⌉ frames.
    ///
    /// `librosa.load` mixes to one channel first: `audio.mono().resampled(to: rate)`.
    /// - Throws: ``AudioError/processing(reason:)`` if libsoxr does not support the ratio.
    /// - Precondition: the rate is at least 1 Hz.
    public func resampled(to rate: Int) throws -> Audio {
        precondition(rate > 0, "a sample rate is at least 1 Hz")
        guard rate != sampleRate else { return self }
        let resampler = try StreamResampler(from: sampleRate, to: rate, channels: channels)
        let beginning = try resampler.process(samples)
        return Audio(samples: beginning + (try resampler.finish()), sampleRate: rate, channels: channels)
    }
}

extension Audio {
    /// Resamples one channel with a sinc filter and a Kaiser window (β 5, ten zero crossings on either side), as `librosa.resample` does with
    /// `res_type="polyphase"`, which is `scipy.signal.resample_poly`.
    ///
    /// The result has ⌈frames × to ÷ from⌉ frames. For listening, ``resampled(to:)`` is the better filter; PerTh's detector was trained with this
    /// one.
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
                    // The output's index among the samples at the common rate.
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

/// A low-pass filter of 2 × half + 1 taps with a gain of 1 for constant signals; `cutoff` is a fraction of the Nyquist frequency.
private func kaiserLowPass(half: Int, cutoff: Double, beta: Double = 5) -> [Double] {
    let taps = (-half...half).map { offset in
        let angle = Double.pi * cutoff * Double(offset)
        let position = Double(offset) / Double(half)
        return (angle == 0 ? 1 : sin(angle) / angle) * besselI0(beta * (1 - position * position).squareRoot())
    }
    let gain = taps.reduce(0, +)
    return taps.map { $0 / gain }
}

/// The modified Bessel function of the first kind and order zero, computed by its power series.
private func besselI0(_ x: Double) -> Double {
    var term = 1.0, sum = 1.0, k = 1.0
    while term > sum * 1e-17 {
        term *= (x / (2 * k)) * (x / (2 * k))
        sum += term
        k += 1
    }
    return sum
}

/// Resamples with a sinc filter and a Hann window, as `torchaudio.transforms.Resample` does with its defaults.
///
/// One convolution computes all phases of the output; its kernel is computed once.
public struct WindowedSincResampler: Sendable {
    private let from: Int
    private let to: Int
    private let margin: Int
    private let kernel: Tensor?

    /// - Parameters:
    ///   - from: the input's rate, in hertz.
    ///   - to: the output's rate.
    ///   - width: zero crossings of the sinc on either side.
    ///   - rolloff: the cut-off as a part of the lower Nyquist frequency.
    ///   - device: the device of the filter, and of the sound.
    /// - Throws: `TorchError` if the device has no memory left.
    public init(from: Int, to: Int, width: Int = 6, rolloff: Double = 0.99, device: Device = .cpu) throws {
        precondition(from > 0 && to > 0 && width > 0 && rolloff > 0 && rolloff <= 1, "positive rates and width, a rolloff in 0…1")
        let divisor = greatestCommonDivisor(from, to)
        let from = from / divisor, to = to / divisor
        self.from = from
        self.to = to
        guard from != to else {
            margin = 0
            kernel = nil
            return
        }
        let base = Double(min(from, to)) * rolloff
        let margin = Int((Double(width * from) / base).rounded(.up))
        var values: [Float] = []
        values.reserveCapacity(to * (2 * margin + from))
        for phase in 0..<to {
            // torchaudio divides integers in single precision here.
            let shift = Double(Float(-phase) / Float(to))
            for index in -margin..<margin + from {
                let time = max(-Double(width), min(Double(width), (shift + Double(index) / Double(from)) * base))
                let window = pow(cos(time * .pi / Double(width) / 2), 2)
                let angle = time * .pi
                values.append(Float((angle == 0 ? 1 : sin(angle) / angle) * window * base / Double(from)))
            }
        }
        self.margin = margin
        kernel = try Tensor(values, shape: [to, 1, 2 * margin + from], device: device)
    }

    /// `[batch, samples]` → `[batch, ⌈samples × to ÷ from⌉]`.
    ///
    /// - Throws: `TorchError` if the sound and the filter are on different devices.
    public func callAsFunction(_ x: Tensor) throws -> Tensor {
        guard let kernel else { return x }
        let samples = x.size(-1)
        let phases = try x.padded([margin, margin + from]).unsqueezed(1).conv1d(kernel, stride: from)
        let joined = try phases.transposed(1, 2).reshaped([x.size(0), -1])
        // torchaudio rounds up a value that was already rounded to single precision.
        let length = Int(Float(Double(to * samples) / Double(from)).rounded(.up))
        return try joined.narrow(axis: 1, from: 0, count: min(length, joined.size(1)))
    }
}

package func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : greatestCommonDivisor(b, a % b) }

/// Resamples sound that arrives piece by piece with libsoxr's high quality (20 bits). The concatenated results equal those of resampling everything
/// at once.
final class StreamResampler {
    private let ratio: Double
    private let channels: Int
    private let resampler: OpaquePointer
    private var (taken, made) = (0, 0)

    /// The number of frames that libsoxr gets at a time: its time is quadratic in it.
    private static let block = 32_768

    /// - Throws: ``AudioError/processing(reason:)`` if libsoxr does not support the ratio.
    init(from rate: Int, to newRate: Int, channels: Int) throws {
        var error: soxr_error_t?
        // Defaults: interleaved float32 in and out, high quality.
        guard let resampler = soxr_create(Double(rate), Double(newRate), UInt32(channels), &error, nil, nil, nil) else {
            throw AudioError.processing(reason: "resampling from \(rate) to \(newRate) Hz: \(error.map { String(cString: $0) } ?? "refused")")
        }
        self.resampler = resampler
        self.channels = channels
        ratio = Double(newRate) / Double(rate)
    }

    deinit { soxr_delete(resampler) }

    /// Resamples interleaved samples, and returns those that can already be computed.
    func process(_ samples: [Float]) throws -> [Float] {
        var result: [Float] = []
        let frames = samples.count / channels
        var used = 0
        while used < frames {
            let given = min(Self.block, frames - used)
            let range = used * channels..<(used + given) * channels
            used += try samples.withUnsafeBufferPointer { try step(UnsafeBufferPointer(rebasing: $0[range]), into: &result) }
        }
        taken += frames
        return result
    }

    /// Returns the remaining samples: ⌈frames × to ÷ from⌉ frames in all.
    func finish() throws -> [Float] {
        var result: [Float] = []
        let expected = Int((Double(taken) * ratio).rounded(.up))
        let before = made
        while made < expected {
            let known = made
            _ = try step(nil, into: &result)
            if made == known { break }
        }
        let missing = (expected - before) * channels
        return result.prefix(missing) + [Float](repeating: 0, count: max(0, missing - result.count))
    }

    /// - Parameter input: nil at the end.
    /// - Returns: the number of frames that were used.
    private func step(_ input: UnsafeBufferPointer<Float>?, into result: inout [Float]) throws -> Int {
        let given = (input?.count ?? 0) / channels
        let capacity = Int(Double(max(given, 4096)) * ratio) + 64
        var used = 0, produced = 0
        let piece = try [Float](unsafeUninitializedCapacity: capacity * channels) { output, count in
            if let message = soxr_process(resampler, input?.baseAddress, given, &used, output.baseAddress, capacity, &produced) {
                throw AudioError.processing(reason: "resampling: \(String(cString: message))")
            }
            count = produced * channels
        }
        made += produced
        result += piece
        return used
    }
}
