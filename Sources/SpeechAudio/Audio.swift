import Foundation
import Torch

/// Sampled sound: numbers around −1…1 with a sample rate and a number of channels.
///
/// Channels are interleaved: `samples[frame * channels + channel]`.
public struct Audio: Sendable, Hashable {
    /// `[frames × channels]`, interleaved; full scale is −1…1.
    public let samples: [Float]
    /// Frames a second, in hertz.
    public let sampleRate: Int
    /// Samples in a frame.
    public let channels: Int

    /// Whether it was read from a file whose header has no length, as in streams: it is then not known whether the sound is complete.
    public internal(set) var hasOpenLength = false
    /// Whether it was read from a truncated MP3 or Ogg file, or from a truncated file that ffmpeg read.
    public internal(set) var endsEarly = false

    /// - Precondition: the rate and the number of channels are at least 1; the samples are whole frames.
    public init(samples: [Float], sampleRate: Int, channels: Int = 1) {
        precondition(sampleRate > 0, "a sample rate is at least 1 Hz")
        precondition(channels > 0 && samples.count % channels == 0, "\(samples.count) samples are not whole frames of \(channels) channels")
        self.samples = samples
        self.sampleRate = sampleRate
        self.channels = channels
    }

    /// One channel from `[samples]` or `[1, samples]`, copied from any device.
    ///
    /// - Throws: `TorchError` if the tensor cannot be copied.
    /// - Precondition: every axis except the last has size 1.
    public init(_ tensor: Tensor, sampleRate: Int) throws {
        precondition(tensor.shape.dropLast().allSatisfy { $0 == 1 }, "one channel expected, found \(tensor.shape)")
        self.init(samples: try tensor.array(of: Float.self), sampleRate: sampleRate)
    }

    /// Number of samples of one channel.
    public var frames: Int { samples.count / channels }

    /// The duration in seconds.
    public var duration: Double { Double(frames) / Double(sampleRate) }

    /// The largest magnitude in decibels of full scale; −∞ for silence.
    public var peak: Double { 20 * log10(Double(samples.reduce(0) { max($0, abs($1)) })) }

    /// The root mean square in decibels of full scale; −∞ for silence or no samples.
    public var level: Double {
        let energy = samples.reduce(0.0) { $0 + Double($1) * Double($1) }
        return 10 * log10(energy / Double(max(1, samples.count)))
    }

    /// One channel: the mean of all, as in `librosa.to_mono`.
    public func mono() -> Audio {
        guard channels > 1 else { return self }
        let mixed = (0..<frames).map { frame in
            samples[frame * channels..<(frame + 1) * channels].reduce(0, +) / Float(channels)
        }
        return Audio(samples: mixed, sampleRate: sampleRate)
    }

    /// The first frames, or all if there are fewer.
    public func prefix(frames count: Int) -> Audio { cut(0..<min(max(0, count), frames)) }

    /// The first seconds, or everything if the sound is shorter.
    public func prefix(seconds: Double) -> Audio { prefix(frames: Int(min(Double(frames), max(0, seconds * Double(sampleRate))))) }

    /// float32 `[channels, frames]`, so `[1, samples]` for one channel.
    ///
    /// - Throws: `TorchError` if the device has no memory left.
    public func tensor(device: Device = .cpu) throws -> Tensor {
        try Tensor(samples, shape: [frames, channels]).transposed(0, 1).contiguous().to(device)
    }

    /// The frames of a range within ``frames``.
    public func cut(_ range: Range<Int>) -> Audio {
        if range == 0..<frames { return self }
        return Audio(samples: Array(samples[range.lowerBound * channels..<range.upperBound * channels]), sampleRate: sampleRate, channels: channels)
    }
}

extension Audio {
    /// The quietest peak that still counts as a recording, in decibels of full scale.
    public static let silenceFloor = -60.0
    /// The magnitude of ``silenceFloor``; a sample above it is audible.
    public static let audibleMagnitude = Float(pow(10, silenceFloor / 20))

    /// Checks that this sound can be a voice's reference, and returns it.
    ///
    /// - Parameters:
    ///   - name: the name in errors: a path, or any other name.
    ///   - minimumSeconds: a shorter sound is refused.
    /// - Throws: ``AudioError`` for no samples, NaN or infinities, less than `minimumSeconds`, a peak under ``silenceFloor``, or
    ///   channels that cancel each other.
    @discardableResult
    public func checkedAsReference(named name: String, minimumSeconds: Double = 0.5) throws -> Audio {
        try checkedFinite(named: name)
        guard duration >= minimumSeconds else { throw AudioError.tooShort(name: name, seconds: duration, needed: minimumSeconds) }
        let peak = self.peak
        guard peak >= Audio.silenceFloor else { throw AudioError.silent(name: name, peak: peak, floor: Audio.silenceFloor) }
        // A listener and the networks get the mean of several channels.
        if channels > 1, mono().level < level - Self.cancellation { throw AudioError.cancelling(name: name) }
        return self
    }

    /// How much quieter than its channels a mix must be, in decibels, to count as cancelled: mixing unrelated sounds lowers the level by 3 to 6.
    private static let cancellation = 30.0

    /// This sound, after checking that it has samples and that all are finite.
    @discardableResult
    func checkedFinite(named name: String) throws -> Audio {
        guard !samples.isEmpty else { throw AudioError.noSamples(name: name) }
        if let sample = samples.firstIndex(where: { !$0.isFinite }) { throw AudioError.notFinite(name: name, sample: sample) }
        return self
    }
}
