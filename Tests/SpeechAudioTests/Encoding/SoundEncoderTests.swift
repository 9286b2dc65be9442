import Foundation
import SpeechAudio
import TestSupport
import Testing

@Suite("Encoding sound while it is computed")
struct SoundEncoderTests {
    let sound = SoundBytes.sines(rate: 24_000, channels: 1, seconds: 2)

    /// All bytes of a sound that is encoded in pieces.
    private func encoded(_ sound: Audio, as format: AudioFormat) throws -> Data {
        let encoder = try SoundEncoder(format, sampleRate: sound.sampleRate, channels: sound.channels)
        return try Data(sound.inPieces().flatMap(encoder.encode) + encoder.finish())
    }

    @Test("decoding gives the input", arguments: [AudioFormat.wav, .flac, .mp3, .opus]) func decoded(format: AudioFormat) throws {
        let back = try AudioFile.read(encoded(sound, as: format), named: "stream")
        #expect(back.sampleRate == 24_000)
        // Without a header that states the length, an MP3 has up to two more frames at either end.
        #expect(back.frames >= sound.frames && back.duration < sound.duration + (format == .mp3 ? 0.1 : 0.001), "\(back.frames)")
        #expect(abs(back.level - sound.level) < 1)
        #expect(abs(back.pitch - 300) < 2)
    }

    @Test("samples are returned as they arrive") func immediate() throws {
        let encoder = try SoundEncoder(.pcm, sampleRate: 24_000)
        for piece in sound.inPieces() {
            #expect(try encoder.encode(piece) == (piece.samples.isEmpty ? [] : [UInt8](AudioFile.encode(piece, as: .pcm))))
        }
        #expect(try encoder.finish() == [])
    }

    /// The seconds that an encoder may hold back, from its documentation, and the bytes for a second of sound.
    static let held: [(AudioFormat, Double, Double)] = [(.mp3, 0.1, 16_000), (.aac, 0.05, 8000)]

    @Test("with a constant bit rate, no more is held back than documented", arguments: held)
    func heldBack(format: AudioFormat, seconds: Double, rate: Double) throws {
        let encoder = try SoundEncoder(format, sampleRate: 24_000)
        var count = 0
        for part in 1...20 {
            count += try encoder.encode(Audio(samples: Array(sound.samples[(part - 1) * 2400..<part * 2400]), sampleRate: 24_000)).count
            #expect(Double(count) >= rate * (Double(part) / 10 - seconds) * (format == .aac && part < 8 ? 0.5 : 0.9), "\(part): \(count)")
        }
    }

    @Test("Opus delays sound by 0.12 s") func opus() throws {
        let encoder = try SoundEncoder(.opus, sampleRate: 24_000)
        var positions: [Int] = []
        for part in 0..<20 {
            let bytes = try encoder.encode(Audio(samples: Array(sound.samples[part * 2400..<(part + 1) * 2400]), sampleRate: 24_000))
            positions.append(OggPages.position(after: bytes) ?? positions.last ?? 0)
        }
        // At 48 kHz, in which Opus counts.
        for (part, position) in positions.enumerated() { #expect(position >= (part + 1) * 4800 - 5760, "\(positions)") }
    }

    @Test("returned bytes are final: the header comes with the first sound, and lengths stay open", arguments: AudioFormat.allCases)
    func final(format: AudioFormat) throws {
        let encoder = try SoundEncoder(format, sampleRate: 24_000)
        #expect(try encoder.encode(Audio(samples: [], sampleRate: 24_000)).isEmpty)
        let first = try encoder.encode(sound)
        #expect(first.count > 1000)
        let whole = try Data(first + encoder.encode(sound) + encoder.finish())
        if format == .wav {
            #expect(whole.starts(with: Data("RIFF".utf8) + [255, 255, 255, 255]) && whole[40..<44] == Data([255, 255, 255, 255]))
            #expect(whole.count == 44 + 2 * 96_000)
        }
        if format == .flac { #expect(whole[8..<42].suffix(21).prefix(5).last == 0, "\([UInt8](whole.prefix(42)))") }
    }

    @Test("streamed MP3 consists only of frames of MPEG-2 layer III at 128 kbit/s, from its first byte") func mp3Frames() throws {
        let bytes = try [UInt8](encoded(sound, as: .mp3))
        // 128 kbit/s × 576 samples ÷ 24 kHz.
        #expect(bytes.count % 384 == 0)
        for start in stride(from: 0, to: bytes.count, by: 384) {
            #expect(bytes[start] == 0xFF && bytes[start + 1] & 0xFE == 0xF2 && bytes[start + 2] == 0xC4 && bytes[start + 3] >> 6 == 3, "at \(start)")
        }
        #expect(Data(bytes).firstRange(of: Data("Info".utf8)) == nil && Data(bytes).firstRange(of: Data("Xing".utf8)) == nil)
    }

    @Test("AAC consists of consecutive ADTS frames to the last byte", arguments: [(24_000, 1), (48_000, 2), (8000, 1), (22_050, 1)])
    func aacFrames(rate: Int, channels: Int) throws {
        let sound = SoundBytes.sines(rate: rate, channels: channels, seconds: 2)
        let frames = try ADTS.frames([UInt8](encoded(sound, as: .aac)))
        #expect(frames.allSatisfy { $0.sampleRate == rate && $0.channels == channels && $0.isLowComplexity })
        #expect(frames.count * 1024 >= sound.frames + 1024 && frames.count * 1024 <= sound.frames + 4096)
    }

    @Test("AAC sounds like the input, to its end", .enabled(if: FFmpeg.here != nil)) func aacDecoded() throws {
        let back = try AudioFile.read(encoded(sound, as: .aac), named: "stream", ffmpeg: .here)
        #expect(abs(back.level - sound.level) < 1 && abs(back.pitch - 300) < 2)
        // Silence that the encoder inserts first, and nothing of the end is lost.
        let last = try #require(back.samples.lastIndex { abs($0) > 0.1 })
        #expect(last >= sound.frames)
    }

    @Test("without sound there are no bytes", arguments: AudioFormat.allCases) func nothing(format: AudioFormat) throws {
        let encoder = try SoundEncoder(format, sampleRate: 24_000)
        #expect(throws: AudioError.noSamples(name: "the sound to be written")) { try encoder.finish() }
    }
}

/// Pages of an Ogg stream.
private enum OggPages {
    /// The position stated by the last complete page; nil if there is none.
    static func position(after bytes: [UInt8]) -> Int? {
        var result: Int?, start = 0
        while start + 27 <= bytes.count, bytes[start..<start + 4].elementsEqual("OggS".utf8) {
            result = bytes[start + 6..<start + 14].reversed().reduce(0) { $0 << 8 | Int($1) }
            let segments = Int(bytes[start + 26])
            start += 27 + segments + bytes[start + 27..<start + 27 + segments].reduce(0) { $0 + Int($1) }
        }
        return result
    }
}

/// Frames of AAC, by ISO/IEC 13818-7.
private struct ADTS {
    let sampleRate, channels: Int
    let isLowComplexity: Bool

    static func frames(_ bytes: [UInt8]) throws -> [ADTS] {
        let rates = [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000]
        var frames: [ADTS] = [], start = 0
        while start < bytes.count {
            guard start + 7 <= bytes.count, bytes[start] == 0xFF, bytes[start + 1] & 0xF6 == 0xF0 else {
                throw PoorMessage(description: "no frame at \(start)")
            }
            let length = Int(bytes[start + 3] & 3) << 11 | Int(bytes[start + 4]) << 3 | Int(bytes[start + 5]) >> 5
            guard length > 7, start + length <= bytes.count else { throw PoorMessage(description: "\(length) bytes at \(start) of \(bytes.count)") }
            frames.append(
                ADTS(
                    sampleRate: rates[Int(bytes[start + 2] >> 2 & 15)], channels: Int(bytes[start + 2] & 1) << 2 | Int(bytes[start + 3] >> 6),
                    isLowComplexity: bytes[start + 2] >> 6 == 1))
            start += length
        }
        return frames
    }
}
