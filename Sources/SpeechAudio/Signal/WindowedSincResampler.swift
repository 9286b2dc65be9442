import Foundation
import Torch

/// Resampling by a sinc under a Hann window, as `torchaudio.transforms.Resample` does it with its defaults.
///
/// One convolution gives every phase of the output; the kernel is made once.
public struct WindowedSincResampler: Sendable {
    private let from: Int
    private let to: Int
    private let margin: Int
    private let kernel: Tensor?

    /// - Parameters:
    ///   - from: the rate of what goes in, in hertz.
    ///   - to: the rate of what comes out.
    ///   - width: zero crossings of the sinc on either side.
    ///   - rolloff: the cut-off as a part of the lower Nyquist frequency.
    ///   - device: where the filter lies, and the sound must lie.
    /// - Throws: `TorchError` where the device has no room.
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
            // torchaudio divides whole numbers in single precision here.
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
    /// - Throws: `TorchError` where it is on another device than the kernel.
    public func callAsFunction(_ x: Tensor) throws -> Tensor {
        guard let kernel else { return x }
        let samples = x.size(-1)
        let phases = try x.padded([margin, margin + from]).unsqueezed(1).conv1d(kernel, stride: from)
        let joined = try phases.transposed(1, 2).reshaped([x.size(0), -1])
        // torchaudio rounds up what it has rounded to single precision.
        let length = Int(Float(Double(to * samples) / Double(from)).rounded(.up))
        return try joined.narrow(axis: 1, from: 0, count: min(length, joined.size(1)))
    }
}

package func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : greatestCommonDivisor(b, a % b) }
