import CSndfile
import Foundation
import SpeechAudio
import TestSupport
import Testing

/// Sound computed by the tests, in every format that can be read.
enum SoundBytes {
    /// A kind of file, by libsndfile's names, and the precision of its samples.
    struct Kind: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let code: Int
        let rate: Int
        let channels: Int
        /// The largest error of a sample; nil for lossy formats.
        let step: Float?

        init(_ name: String, _ code: Int, rate: Int = 24_000, channels: Int = 1, step: Float? = nil) {
            (testDescription, self.code, self.rate, self.channels, self.step) = (name, code, rate, channels, step)
        }

        static let all: [Kind] = [
            Kind("WAV, 8 bit", SF_FORMAT_WAV | SF_FORMAT_PCM_U8, rate: 8000, step: 1 / 127),
            Kind("WAV, 16 bit", SF_FORMAT_WAV | SF_FORMAT_PCM_16, rate: 44_100, step: 1 / 32_767),
            Kind("WAV, 16 bit, stereo", SF_FORMAT_WAV | SF_FORMAT_PCM_16, rate: 48_000, channels: 2, step: 1 / 32_767),
            Kind("WAV, 24 bit, 5.1", SF_FORMAT_WAVEX | SF_FORMAT_PCM_24, rate: 48_000, channels: 6, step: 1 / 8_000_000),
            Kind("WAV, 32 bit", SF_FORMAT_WAV | SF_FORMAT_PCM_32, rate: 96_000, channels: 2, step: 1e-7),
            Kind("WAV, float", SF_FORMAT_WAV | SF_FORMAT_FLOAT, rate: 11_025, step: 0),
            Kind("WAV, double", SF_FORMAT_WAV | SF_FORMAT_DOUBLE, rate: 16_000, channels: 2, step: 0),
            Kind("WAV, µ-law", SF_FORMAT_WAV | SF_FORMAT_ULAW, rate: 8000, step: 0.03),
            Kind("RF64, 16 bit", SF_FORMAT_RF64 | SF_FORMAT_PCM_16, rate: 22_050, step: 1 / 32_767),
            Kind("AIFF, 16 bit", SF_FORMAT_AIFF | SF_FORMAT_PCM_16, rate: 44_100, channels: 2, step: 1 / 32_767),
            Kind("FLAC, 16 bit", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, rate: 48_000, channels: 2, step: 1 / 32_767),
            Kind("FLAC, 24 bit, 5.1", SF_FORMAT_FLAC | SF_FORMAT_PCM_24, rate: 96_000, channels: 6, step: 1 / 8_000_000),
            Kind("Ogg Vorbis", SF_FORMAT_OGG | SF_FORMAT_VORBIS, rate: 44_100, channels: 2),
            Kind("Opus", SF_FORMAT_OGG | SF_FORMAT_OPUS, rate: 48_000),
            Kind("MP3", SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, rate: 44_100, channels: 2),
            Kind("MP3, low rate", SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, rate: 16_000),
        ]
    }

    /// A sine of another frequency in each channel, at half of full scale.
    static func sines(rate: Int, channels: Int, seconds: Double = 0.5) -> Audio {
        let frames = Int(seconds * Double(rate))
        let samples = (0..<frames * channels).map { i in
            Float(0.5 * sin(2 * .pi * (300 + 200 * Double(i % channels)) * Double(i / channels) / Double(rate)))
        }
        return Audio(samples: samples, sampleRate: rate, channels: channels)
    }

    /// The bytes of a sound as a file of this kind.
    static func encoded(_ audio: Audio, _ kind: Kind) throws -> Data {
        let folder = try TemporaryFolder()
        let path = folder.url.appending(path: "sound").path
        var info = SF_INFO()
        (info.samplerate, info.channels, info.format) = (Int32(audio.sampleRate), Int32(audio.channels), Int32(kind.code))
        guard let file = sf_open(path, Int32(SFM_WRITE), &info) else {
            throw PoorMessage(description: "\(kind): \(String(cString: sf_strerror(nil)))")
        }
        sf_command(file, Int32(SFC_SET_CLIPPING), nil, Int32(SF_TRUE))
        sf_writef_float(file, audio.samples, sf_count_t(audio.frames))
        sf_close(file)
        return try Data(contentsOf: URL(filePath: path))
    }

    static func encoded(_ kind: Kind, seconds: Double = 0.5) throws -> Data {
        try encoded(sines(rate: kind.rate, channels: kind.channels, seconds: seconds), kind)
    }
}

extension Audio {
    /// The sound in pieces of many lengths, some of them empty.
    func inPieces() -> [Audio] {
        var random = SeededRandom(seed: Search.seed)
        var pieces: [Audio] = [], start = 0
        while start < frames {
            let end = min(frames, start + [0, 1, random.below(700), 9_000][random.below(4)])
            pieces.append(Audio(samples: Array(samples[start * channels..<end * channels]), sampleRate: sampleRate, channels: channels))
            start = end
        }
        return pieces
    }

    /// The frequency of its first channel's middle half, by its zero crossings, in hertz.
    var pitch: Double {
        let middle = (frames / 4..<frames * 3 / 4).map { samples[$0 * channels] }
        return Double(zip(middle, middle.dropFirst()).count { $0 < 0 && $1 >= 0 }) / (Double(middle.count) / Double(sampleRate))
    }
}
