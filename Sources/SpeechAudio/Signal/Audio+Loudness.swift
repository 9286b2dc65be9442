import CEbur128
import Foundation

extension Audio {
    /// Integrated loudness in LUFS (ITU-R BS.1770, EBU R 128); nil where it is not defined: under 0.4 s, or nothing above −70 LUFS.
    ///
    /// - Throws: ``AudioError/processing(reason:)`` for a rate or a channel count that the meter does not take.
    public func loudness() throws -> Double? {
        let mode = Int32(EBUR128_MODE_I.rawValue)
        var state = ebur128_init(UInt32(channels), UInt(sampleRate), mode)
        guard state != nil else {
            throw AudioError.processing(reason: "no loudness of \(channels) channels at \(sampleRate) Hz")
        }
        defer { ebur128_destroy(&state) }
        guard ebur128_add_frames_float(state, samples, frames) == Int32(EBUR128_SUCCESS.rawValue) else {
            throw AudioError.processing(reason: "the loudness meter has no memory left")
        }
        var loudness = 0.0
        guard ebur128_loudness_global(state, &loudness) == Int32(EBUR128_SUCCESS.rawValue), loudness.isFinite else { return nil }
        return loudness
    }

    /// With the gain that brings ``loudness()`` to `target` LUFS; unchanged where loudness is not defined.
    ///
    /// Peaks may then lie beyond full scale; nothing is clipped.
    /// - Throws: as ``loudness()``.
    public func normalised(toLUFS target: Double) throws -> Audio {
        guard let loudness = try loudness() else { return self }
        let gain = Float(pow(10, (target - loudness) / 20))
        return Audio(samples: samples.map { $0 * gain }, sampleRate: sampleRate, channels: channels)
    }
}
