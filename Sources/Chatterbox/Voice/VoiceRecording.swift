import Foundation
import SpeechAudio

/// The recording from which a voice was made, stored so that another model can make its own voice from it.
///
/// Sample rate and channels are those of the original file, so that a model makes the same voice from it, bit for bit if the file has samples of 16
/// or 24 bits. Other samples (MP3, Opus, floating point) are rounded to 24 bits. Of a longer recording the first ``longest`` seconds are stored.
/// They contain everything that tokens and prompts are made from; only the voice encoder and the rule for loudness use the whole recording.
public struct VoiceRecording: Sendable {
    /// The largest stored duration, in seconds: twice what any of upstream's rules use.
    public static let longest = 30.0

    /// Stored seconds.
    public let seconds: Double
    private let content: Content

    private enum Content {
        case sound(Audio)
        /// A FLAC file, and the gain of its samples: FLAC stores no samples beyond full scale.
        case flac(Data, gain: Double)
    }

    /// Stores the first seconds of a recording.
    ///
    /// - Throws: `AudioError` if it cannot be resampled to a rate that FLAC supports.
    init(_ recording: Audio) throws {
        let start = recording.prefix(seconds: Self.longest)
        let mixed = start.channels > Flac.channels ? start.mono() : start
        let sound = mixed.sampleRate > Flac.sampleRate ? try mixed.resampled(to: Flac.resampledRate) : mixed
        content = .sound(sound)
        seconds = sound.duration
    }

    init(flac: Data, gain: Double, seconds: Double) {
        content = .flac(flac, gain: gain)
        self.seconds = seconds
    }

    /// The sound.
    ///
    /// - Parameter name: the recording's name in errors.
    /// - Throws: `AudioError` if the stored file is damaged.
    public func audio(named name: String) throws -> Audio {
        switch content {
        case .sound(let audio): return audio
        case .flac(let data, let gain):
            let audio = try AudioFile.read(data, named: name)
            guard gain != 1 else { return audio }
            return Audio(samples: audio.samples.map { Float(Double($0) * gain) }, sampleRate: audio.sampleRate, channels: audio.channels)
        }
    }

    /// The recording as stored in a voice's file.
    ///
    /// - Throws: `AudioError` if the sound cannot be encoded.
    func encoded() throws -> (flac: Data, gain: Double) {
        switch content {
        case .flac(let data, let gain): return (data, gain)
        case .sound(let audio):
            // A power of two does not change the digits of a sample.
            let peak = Double(audio.samples.reduce(0) { max($0, $1 < 0 ? -$1 : $1.nextUp) })
            var gain = 1.0
            while peak > gain { gain *= 2 }
            let scaled =
                gain == 1
                ? audio
                : Audio(
                    samples: audio.samples.map { Float(Double($0) / gain) }, sampleRate: audio.sampleRate, channels: audio.channels)
            let isShort = scaled.samples.allSatisfy { ($0 * 32_768).rounded() == $0 * 32_768 }
            return (try AudioFile.encode(scaled, as: .flac, encoding: isShort ? .int16 : .int24), gain)
        }
    }

    /// The limits of FLAC.
    private enum Flac {
        static let channels = 8
        static let sampleRate = 655_350
        static let resampledRate = 192_000
    }
}
