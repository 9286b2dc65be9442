import CSonic

/// Makes speech faster or slower at the same pitch, piece by piece, with the library sonic: whole pitch periods are removed or repeated.
///
/// The result does not depend on how the sound is divided. The delay is up to 0.05 s.
public final class TempoStream {
    /// The speeds that ``init(speed:sampleRate:channels:)`` accepts.
    public static let speeds = 0.25...4.0

    private static let noMemory = AudioError.processing(reason: "no memory to change the speed")

    private let speed: Double
    private let channels: Int
    private let stream: sonicStream
    private var (taken, given) = (0, 0)

    /// - Parameters:
    ///   - speed: speed factor, within ``speeds``.
    ///   - sampleRate: the sample rate of the sound, in hertz.
    ///   - channels: the number of channels of the sound, whose samples are interleaved.
    /// - Throws: ``AudioError/processing(reason:)`` if there is not enough memory.
    /// - Precondition: the speed is within ``speeds``.
    public init(speed: Double, sampleRate: Int, channels: Int = 1) throws {
        precondition(Self.speeds.contains(speed), "a speed of \(Self.speeds)")
        (self.speed, self.channels) = (speed, channels)
        guard let stream = sonicCreateStream(Int32(sampleRate), Int32(channels)) else { throw Self.noMemory }
        self.stream = stream
        sonicSetSpeed(stream, Float(speed))
    }

    deinit { sonicDestroyStream(stream) }

    /// Takes interleaved samples and returns those that are complete. Samples beyond full scale are clipped, since sonic uses 16 bits.
    ///
    /// - Throws: ``AudioError/processing(reason:)`` if there is not enough memory.
    public func process(_ samples: [Float]) throws -> [Float] {
        guard !samples.isEmpty else { return [] }
        var clipped = samples.map { max(-1, min(1, $0)) }
        let frames = samples.count / channels
        taken += frames
        guard sonicWriteFloatToStream(stream, &clipped, Int32(frames)) != 0 else { throw Self.noMemory }
        return waiting()
    }

    /// Returns the remaining samples: the total output has the duration of the total input, divided by the speed.
    public func finish() -> [Float] {
        sonicFlushStream(stream)
        let expected = Int((Double(taken) / speed).rounded()) * channels
        let before = given
        let rest = waiting()
        let missing = max(0, expected - before)
        return rest.prefix(missing) + [Float](repeating: 0, count: max(0, missing - rest.count))
    }

    private func waiting() -> [Float] {
        let frames = Int(sonicSamplesAvailable(stream))
        guard frames > 0 else { return [] }
        let samples = [Float](unsafeUninitializedCapacity: frames * channels) { buffer, count in
            count = Int(sonicReadFloatFromStream(stream, buffer.baseAddress, Int32(frames))) * channels
        }
        given += samples.count
        return samples
    }
}
