import Foundation
import SpeechAudio

/// The recording that a voice was made from, kept so that another model can make its own voice of it.
///
/// At its own rate and with its own channels, so that a model makes the same voice of it as of the file it came from, to
/// the last bit where that has samples of 16 or 24 bits. Samples of other kinds (MP3, Opus, floating point) are rounded
/// to 24 bits. Of a longer recording the first ``longest`` seconds are kept: all that tokens and prompts are made of, while
/// the voice encoder, and a rule for loudness, hear the whole.
public struct VoiceRecording: Sendable {
    /// The most that is kept, in seconds: twice what any rules of upstream's cut.
    public static let longest = 30.0

    /// Seconds that are kept.
    public let seconds: Double
    private let content: Content

    private enum Content {
        case sound(Audio)
        /// A FLAC file, and what its samples are multiplied by: it holds none beyond full scale.
        case flac(Data, gain: Double)
    }

    /// Keeps the first seconds of a recording.
    ///
    /// - Throws: `AudioError` where it cannot be brought to a rate that FLAC has.
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
    /// - Parameter name: what errors call it.
    /// - Throws: `AudioError` where the kept file is damaged.
    public func audio(named name: String) throws -> Audio {
        switch content {
        case .sound(let audio): return audio
        case .flac(let data, let gain):
            let audio = try AudioFile.read(data, named: name)
            guard gain != 1 else { return audio }
            return Audio(samples: audio.samples.map { Float(Double($0) * gain) }, sampleRate: audio.sampleRate, channels: audio.channels)
        }
    }

    /// As it stands in a voice's file.
    ///
    /// - Throws: `AudioError` where the sound cannot be encoded.
    func encoded() throws -> (flac: Data, gain: Double) {
        switch content {
        case .flac(let data, let gain): return (data, gain)
        case .sound(let audio):
            // A power of two changes no digit of a sample.
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

    /// What FLAC can hold.
    private enum Flac {
        static let channels = 8
        static let sampleRate = 655_350
        static let resampledRate = 192_000
    }
}
