import Foundation
import SpeechAudio
import TestSupport
import Testing

@testable import Chatterbox

@Suite("A voice's recording") struct VoiceRecordingTests {
    /// A tone in samples of the given number of bits.
    private func tone(bits: Int, rate: Int = 24_000, channels: Int = 1, seconds: Double = 0.5) -> Audio {
        let scale = Float(1 << (bits - 1))
        let samples = (0..<Int(seconds * Double(rate)) * channels).map { index in
            (Float(0.7 * sin(Double(index / channels) * 0.03 * Double(1 + index % channels))) * scale).rounded() / scale
        }
        return Audio(samples: samples, sampleRate: rate, channels: channels)
    }

    /// The recording after writing and reading a file.
    private func stored(_ audio: Audio) throws -> Audio {
        let recording = try VoiceRecording(audio)
        let (flac, gain) = try recording.encoded()
        return try VoiceRecording(flac: flac, gain: gain, seconds: recording.seconds).audio(named: "test")
    }

    @Test(
        "samples of 16 and 24 bits are the same after storing, at any rate and with all channels",
        arguments: [
            (16, 24_000, 1), (16, 44_100, 2), (24, 48_000, 1), (24, 96_000, 6), (24, 192_000, 2), (16, 655_350, 1),
        ])
    func lossless(bits: Int, rate: Int, channels: Int) throws {
        let audio = tone(bits: bits, rate: rate, channels: channels)
        #expect(try stored(audio) == audio)
    }

    @Test("samples of 16 bits are stored in 16 bits") func small() throws {
        let audio = tone(bits: 16)
        #expect(try VoiceRecording(audio).encoded().flac == AudioFile.encode(audio, as: .flac))
    }

    @Test(
        "samples at and beyond full scale are stored without clipping, rounded to 24 bits of the peak",
        arguments: [
            [Float(0.3), 1, -1, 0.1234567], [Float(0.3), -3.5, 2.9, 0.1234567], [Float(32767) / 32768, -1, 0.5, 0.25], [1e30, -2, 3, 4],
        ])
    func loud(samples: [Float]) throws {
        let back = try stored(Audio(samples: samples, sampleRate: 8000)).samples
        let peak = samples.map(abs).max()!
        #expect(zip(back, samples).allSatisfy { abs($0 - $1) <= peak / 4_000_000 }, "\(back)")
    }

    @Test("the first half minute of a long recording is stored") func long() throws {
        let audio = tone(bits: 16, rate: 8000, seconds: 40)
        let recording = try VoiceRecording(audio)
        #expect(recording.seconds == 30)
        #expect(try stored(audio) == audio.prefix(seconds: 30))
    }

    @Test("more channels than FLAC supports are mixed, and a higher rate is reduced") func limits() throws {
        #expect(try stored(tone(bits: 16, channels: 12)).channels == 1)
        let fast = try stored(tone(bits: 16, rate: 768_000))
        #expect(fast.sampleRate == 192_000 && abs(fast.duration - 0.5) < 0.001)
    }

    @Test("a damaged recording is refused with its name") func damaged() throws {
        let flac = try VoiceRecording(tone(bits: 16)).encoded().flac
        for bytes in [Data(), Data("text".utf8), flac.prefix(flac.count / 2)] {
            let error = #expect(throws: AudioError.self) {
                try VoiceRecording(flac: bytes, gain: 1, seconds: 0.5).audio(named: "the recording in me.safetensors")
            }
            #expect(error?.description.contains("the recording in me.safetensors") == true)
        }
    }
}
