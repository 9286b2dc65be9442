import Foundation
import TestSupport
import Testing

@testable import SpeechAudio

@Suite("Samples of G.711") struct CompandingTests {
    /// The standard's values: a segment's first decision value, its step, and their number, in the standard's units.
    struct Segment {
        let first, step, count: Int
    }

    /// Table 2a of G.711, in units of a quarter of a 14-bit step less: 8159 is the last decision value.
    static let muLaw = [Segment(first: 1, step: 2, count: 15)] + (1..<8).map { Segment(first: (32 << $0) - 33, step: 2 << $0, count: 16) }
    /// Table 1a, of which 4096 is the last decision value.
    static let aLaw = [Segment(first: 0, step: 2, count: 32)] + (2..<8).map { Segment(first: 32 << ($0 - 1), step: 2 << ($0 - 1), count: 16) }

    @Test("µ-law codes change at the standard's decision values, and nowhere else") func muLawDecisions() {
        let decisions = Self.muLaw.flatMap { segment in (0..<segment.count).map { segment.first + $0 * segment.step } }
        #expect(decisions.count == 127 && decisions[15] == 31 && decisions[31] == 95 && decisions[111] == 4063 && decisions[126] == 7903)
        for sample in 0...32_767 {
            // In units of 14 bits; code 0 is written 11111111, and larger codes are smaller bytes.
            let value = Double(sample) / 4, number = decisions.count { Double($0) <= value }
            #expect(Companding.muLaw(Int16(sample)) == 0xFF - UInt8(number), "\(sample)")
        }
        for sample in 1...32_767 { #expect(Companding.muLaw(Int16(-sample)) == Companding.muLaw(Int16(sample)) & 0x7F) }
        #expect(Companding.muLaw(-32_768) == 0)
    }

    @Test("A-law codes change at the standard's decision values, and nowhere else") func aLawDecisions() {
        let decisions = Self.aLaw.flatMap { segment in (0..<segment.count).map { segment.first + $0 * segment.step } }
        #expect(decisions.count == 128 && decisions[32] == 64 && decisions[48] == 128 && decisions[127] == 3968)
        for sample in 0...32_767 {
            let value = Double(sample) / 8, number = decisions.count { Double($0) <= value } - 1
            #expect(Companding.aLaw(Int16(sample)) == UInt8(0x80 | number) ^ 0x55, "\(sample)")
            #expect(Companding.aLaw(~Int16(sample)) == UInt8(number) ^ 0x55, "\(sample)")
        }
    }

    @Test("known codes") func known() {
        #expect([0, 4, 124, 32_767, -32_767, 1000, -1000].map(Companding.muLaw) == [0xFF, 0xFE, 0xEF, 0x80, 0x00, 0xCE, 0x4E])
        #expect([0, -1, 16, 32_767, -32_768, 1000, -1000].map(Companding.aLaw) == [0xD5, 0x55, 0xD4, 0xAA, 0x2A, 0xFA, 0x7A])
    }

    @Test("the codes are libsndfile's, which reads the file that was written", arguments: [SampleEncoding.muLaw, .aLaw]) func asLibsndfile(
        encoding: SampleEncoding
    ) throws {
        let sound = SoundBytes.sines(rate: 24_000, channels: 1, seconds: 1)
        let raw = try SoundEncoder(SoundFormat(.pcm, sampleRate: 8000, encoding: encoding), sampleRate: 24_000)
        let bytes = try raw.encode(sound) + raw.finish()
        #expect(bytes.count == 8000)
        let wav = try SoundEncoder(SoundFormat(.wav, sampleRate: 8000, encoding: encoding), sampleRate: 24_000)
        let file = try Data(wav.encode(sound) + wav.finish()), data = try #require(file.range(of: Data("data".utf8)))
        let theirs = Array(file[(data.upperBound + 4)...].prefix(8000))
        // libsndfile rounds to 14 or 13 bits before it looks up a code; the difference is at most one code.
        let differences = zip(bytes, theirs).map { abs(Int($0 ^ 0x55) - Int($1 ^ 0x55)) }
        #expect(differences.filter { $0 > 0 }.count < 4000)
        let back = try AudioFile.read(file, named: "telephone.wav")
        let exact = try SoundEncoder(SoundFormat(.wav, sampleRate: 8000), sampleRate: 24_000)
        let whole = try AudioFile.read(Data(exact.encode(sound) + exact.finish()), named: "exact.wav")
        #expect(back.sampleRate == 8000 && back.frames == whole.frames)
        // G.711's noise is about 38 dB below speech.
        let noise = zip(back.samples, whole.samples).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        let power = whole.samples.reduce(0) { $0 + $1 * $1 }
        #expect(10 * log10(power / noise) > 33)
    }
}

@Suite("Formats with a given sample rate") struct SoundFormatTests {
    @Test(
        "sound is stored with the given sample rate and bit rate",
        arguments: [
            (SoundFormat(.mp3, sampleRate: 44_100, bitRate: 192_000), 24_000.0), (SoundFormat(.mp3, sampleRate: 22_050, bitRate: 32_000), 4000),
            (SoundFormat(.opus, sampleRate: 48_000, bitRate: 32_000), 4000), (SoundFormat(.pcm, sampleRate: 16_000), 32_000),
            (SoundFormat(.wav, sampleRate: 48_000), 96_000), (SoundFormat(.pcm, sampleRate: 44_100), 88_200),
        ] as [(SoundFormat, Double)]) func stored(format: SoundFormat, bytesASecond: Double) throws
    {
        let sound = SoundBytes.sines(rate: 24_000, channels: 1, seconds: 2)
        let encoder = try SoundEncoder(format, sampleRate: 24_000)
        let bytes = try encoder.encode(sound) + encoder.finish()
        // Opus' bit rate is a mean over many sounds.
        #expect(abs(Double(bytes.count) / 2 / bytesASecond - 1) < (format.format == .opus ? 0.5 : 0.08), "\(bytes.count)")
        guard format.format != .pcm else { return }
        let back = try AudioFile.read(Data(bytes), named: "sound")
        #expect(back.sampleRate == format.sampleRate && abs(back.pitch - 300) < 2 && abs(back.level - sound.level) < 1)
    }

    @Test(
        "what a format cannot store is refused",
        arguments: [
            SoundFormat(.mp3, sampleRate: 44_000), SoundFormat(.mp3, sampleRate: 24_000, bitRate: 192_000),
            SoundFormat(.mp3, sampleRate: 44_100, bitRate: 100_000),
            SoundFormat(.flac, encoding: .muLaw), SoundFormat(.mp3, encoding: .aLaw), SoundFormat(.aac, bitRate: 64_000),
            SoundFormat(.pcm, sampleRate: 0),
        ]) func refused(format: SoundFormat)
    {
        #expect(throws: AudioError.self) { try SoundEncoder(format, sampleRate: 24_000) }
    }
}
