import CSndfile
import Foundation
import SpeechAudio
import TestSupport
import Testing

@Suite("Reading sound files")
struct AudioReadingTests {
    let folder: TemporaryFolder
    var url: URL { folder.url.appending(path: "me.wav") }

    init() throws { folder = try TemporaryFolder() }

    @Test("every format is read with its rate, its channels and its samples", arguments: SoundBytes.Kind.all)
    func formats(kind: SoundBytes.Kind) throws {
        let sound = SoundBytes.sines(rate: kind.rate, channels: kind.channels)
        let back = try AudioFile.read(SoundBytes.encoded(sound, kind), named: "sound")
        #expect(back.sampleRate == kind.rate)
        #expect(back.channels == kind.channels)
        if let step = kind.step {
            #expect(back.frames == sound.frames)
            #expect(zip(back.samples, sound.samples).allSatisfy { abs($0 - $1) <= step * 1.01 }, "within \(step)")
        } else {
            // Codecs shift and pad; the level of each channel and its frequency stay.
            #expect(abs(back.duration - sound.duration) < 0.1)
            #expect(abs(back.level - sound.level) < 1)
            for channel in 0..<kind.channels {
                let middle = (back.frames / 4..<back.frames * 3 / 4).map { back.samples[$0 * kind.channels + channel] }
                let crossings = zip(middle, middle.dropFirst()).count { $0 < 0 && $1 >= 0 }
                #expect(abs(Double(crossings) / (Double(middle.count) / Double(kind.rate)) - Double(300 + 200 * channel)) < 12)
            }
        }
    }

    @Test("several channels are mixed to their mean") func mono() {
        #expect(Audio(samples: [1, 0, 0.5, 0.25, -1, 1], sampleRate: 8000, channels: 2).mono().samples == [0.5, 0.375, 0])
        #expect(Audio(samples: [6, 0, 0, 0, 0, 0], sampleRate: 8000, channels: 6).mono().samples == [1])
    }

    @Test("a file is recognised by its contents, whatever its name") func names() throws {
        let kind = SoundBytes.Kind.all.first { $0.testDescription == "FLAC, 16 bit" }!
        try SoundBytes.encoded(kind).write(to: url)
        #expect(try AudioFile.read(url).channels == 2)
    }

    @Test("a tag before an MP3 is skipped") func tagged() throws {
        let kind = SoundBytes.Kind.all.first { $0.testDescription == "MP3" }!
        let tag = Data("ID3".utf8) + Data([3, 0, 0, 0, 0, 1, 0]) + Data(count: 128)
        #expect(try abs(AudioFile.read(tag + SoundBytes.encoded(kind), named: "x").duration - 0.5) < 0.1)
    }

    // MARK: errors

    private func refusal(_ bytes: Data) throws -> AudioError? {
        try bytes.write(to: url)
        let error = #expect(throws: AudioError.self) { try AudioFile.read(url) }
        #expect(error?.description.contains("me.wav") == true)
        return error
    }

    @Test("a missing file, an empty file and a folder cause different errors") func missing() throws {
        let error = #expect(throws: AudioError.self) { try AudioFile.read(url) }
        #expect(error == .missing(name: url.path))
        #expect(try refusal(Data()) == .empty(name: url.path))
        for place in [folder.url, URL(filePath: "/dev/zero")] {
            let error = #expect(throws: AudioError.self) { try AudioFile.read(place) }
            #expect(error?.description.contains("cannot be read") == true)
        }
    }

    /// Bytes given by their characters, followed by zeros.
    private static func head(_ text: String, zeros: Int) -> Data { Data(text.unicodeScalars.map { UInt8($0.value) }) + Data(count: zeros) }
    private static let others: [(Data, String)] = [
        (head("hello, this is a text and no sound\n", zeros: 0), "looks like text"),
        (head("\u{0}\u{0}\u{0}\u{20}ftypM4A ", zeros: 200), "MPEG-4"),
        (head("\u{1A}\u{45}\u{DF}\u{A3}", zeros: 200), "WebM"),
        (head("RIFF\u{24}\u{0}\u{0}\u{0}AVI LIST", zeros: 100), "another kind than WAVE"),
        (head("\u{89}PNG\r\n", zeros: 200), "its first bytes match none of these formats"),
        (head(".snd", zeros: 200), "its first bytes match none of these formats"),
        (head("RIFF", zeros: 0), "another kind than WAVE"),
        (head("fLaC", zeros: 0), "not a readable audio file"),
        (head("OggS", zeros: 100), "not a readable audio file"),
        (head("\u{FF}\u{FB}\u{90}\u{64}", zeros: 10), "me.wav"),
    ]

    @Test("a file that is not sound is refused with a description", arguments: others) func notSound(bytes: Data, message: String) throws {
        #expect(try refusal(bytes)?.description.contains(message) == true)
    }

    @Test("an incomplete download is refused, if the format states its length", arguments: SoundBytes.Kind.all.filter { $0.step != nil })
    func truncated(kind: SoundBytes.Kind) throws {
        let bytes = try SoundBytes.encoded(kind)
        // RF64 states its length in a chunk that libsndfile itself reads.
        for part in [0.999, 0.5, 0.1] { _ = try refusal(bytes.prefix(Int(Double(bytes.count) * part))) }
    }

    /// The length in a WAV's header whose writer did not know it.
    @Test(
        "a WAV whose header states no plausible length is read, and reported",
        arguments: [0, 2_000_000_000, 0x7FFF_FFFF, 0xFFFF_FFFF] as [UInt32], [44, 0] as [UInt32])
    func openLength(declared: UInt32, whole: UInt32) throws {
        let sound = Audio(samples: (0..<24_000).map { 0.3 * sin(Float($0) / 20) * sin(Float($0 % 6000) / 6000 * .pi) }, sampleRate: 24_000)
        var bytes = try SoundBytes.encoded(sound, SoundBytes.Kind("WAV", SF_FORMAT_WAV | SF_FORMAT_PCM_16))
        let chunk = try #require(bytes.firstRange(of: Data("data".utf8)))
        bytes.replaceSubrange(chunk.upperBound..<chunk.upperBound + 4, with: withUnsafeBytes(of: declared.littleEndian) { Data($0) })
        if declared == 0 { bytes.replaceSubrange(4..<8, with: withUnsafeBytes(of: whole.littleEndian) { Data($0) }) }
        let audio = try AudioFile.read(bytes, named: "stream.wav")
        #expect(audio.frames == 24_000 && audio.hasOpenLength)
        #expect(try audio.asReference(named: "stream.wav").notes.first == "its header does not give its length; all data received is used, 1.0 s")
    }

    @Test("a WAV without sound before other chunks is empty") func emptySound() throws {
        var bytes = try SoundBytes.encoded(Audio(samples: [0.5], sampleRate: 24_000), SoundBytes.Kind("WAV", SF_FORMAT_WAV | SF_FORMAT_PCM_16))
        let chunk = try #require(bytes.firstRange(of: Data("data".utf8)))
        bytes.replaceSubrange(chunk.upperBound..., with: Data(count: 4) + Data("LIST".utf8) + Data([4, 0, 0, 0]) + Data("INFO".utf8))
        #expect(throws: AudioError.noSamples(name: "none.wav")) { try AudioFile.read(bytes, named: "none.wav") }
    }

    @Test("a truncated MP3 or Ogg file is read, and reported as truncated", arguments: [AudioFormat.mp3, .opus], [0.5, 0.98])
    func cutShort(format: AudioFormat, share: Double) throws {
        let sound = Audio(samples: (0..<72_000).map { 0.3 * sin(Float($0) / 20) * sin(Float($0 % 6000) / 6000 * .pi) }, sampleRate: 24_000)
        let bytes = try AudioFile.encode(sound, as: format)
        #expect(try !AudioFile.read(bytes, named: "whole").endsEarly)
        let part = try AudioFile.read(bytes.prefix(Int(share * Double(bytes.count))), named: "part")
        #expect(part.endsEarly && part.duration < 3)
        #expect(
            try part.asReference(named: "part").notes.first
                == String(format: "it is damaged or cut short; what could be read of it is used, %.1f s", part.duration))
    }

    @Test("a plausible length is believed") func statedLength() throws {
        let sound = Audio(samples: Array(repeating: 0.1, count: 24_000), sampleRate: 24_000)
        let bytes = try SoundBytes.encoded(sound, SoundBytes.Kind("WAV", SF_FORMAT_WAV | SF_FORMAT_PCM_16))
        #expect(try !AudioFile.read(bytes, named: "whole.wav").hasOpenLength)
        #expect(throws: AudioError.self) { try AudioFile.read(bytes.dropLast(1000), named: "half.wav") }
    }

    @Test("a valid file without samples is refused") func noSamples() throws {
        let nothing = Audio(samples: [], sampleRate: 8000)
        let error = try refusal(SoundBytes.encoded(nothing, SoundBytes.Kind("WAV", SF_FORMAT_WAV | SF_FORMAT_PCM_16)))
        #expect(error == .noSamples(name: url.path))
    }

    @Test("NaN and infinity are refused with their index", arguments: [Float.nan, .infinity, -.infinity]) func notFinite(value: Float) throws {
        var samples = [Float](repeating: 0.1, count: 1000)
        samples[333] = value
        let error = try refusal(
            SoundBytes.encoded(Audio(samples: samples, sampleRate: 8000), SoundBytes.Kind("WAV", SF_FORMAT_WAV | SF_FORMAT_FLOAT)))
        #expect(error == .notFinite(name: url.path, sample: 333))
    }

    @Test("more samples than the limit are refused, whatever the file's size") func limited() throws {
        let bytes = try SoundBytes.encoded(SoundBytes.Kind.all[0], seconds: 1)
        #expect(try AudioFile.read(bytes, named: "x", most: 8000).frames == 8000)
        #expect(throws: AudioError.tooLong(name: "x", limitSamples: 7999)) { try AudioFile.read(bytes, named: "x", most: 7999) }
    }

    @Test("silence and a fifth of a second are refused as references for a voice") func reference() throws {
        let silent = Audio(samples: [Float](repeating: 0, count: 24_000), sampleRate: 24_000)
        #expect(throws: AudioError.silent(name: "me.wav", peak: -.infinity, floor: Audio.silenceFloor)) {
            try silent.checkedAsReference(named: "me.wav")
        }
        let faint = Audio(samples: SoundBytes.sines(rate: 24_000, channels: 1, seconds: 1).samples.map { $0 * 0.001 }, sampleRate: 24_000)
        let error = #expect(throws: AudioError.self) { try faint.checkedAsReference(named: "me.wav") }
        #expect(error?.description.contains("a peak of -66 dB") == true)
        let short = SoundBytes.sines(rate: 24_000, channels: 1, seconds: 0.2)
        #expect(throws: AudioError.tooShort(name: "me.wav", seconds: 0.2, needed: 0.5)) { try short.checkedAsReference(named: "me.wav") }
        #expect(throws: AudioError.noSamples(name: "me.wav")) { try Audio(samples: [], sampleRate: 8000).checkedAsReference(named: "me.wav") }
        #expect(throws: AudioError.notFinite(name: "me.wav", sample: 0)) {
            try Audio(samples: [.nan], sampleRate: 8000).checkedAsReference(named: "me.wav")
        }
        try SoundBytes.sines(rate: 8000, channels: 2, seconds: 0.5).checkedAsReference(named: "me.wav")
    }

    // MARK: searches

    @Test("changes to a valid file are harmless or refused", arguments: SoundBytes.Kind.all) func damaged(kind: SoundBytes.Kind) throws {
        let bytes = try SoundBytes.encoded(kind, seconds: 0.05)
        search(rounds: 15) { random in
            // Half of the changes are in the header, where they have the most effect.
            var hurt = bytes.damaged(using: &random)
            if random.below(2) == 0 {
                let header = min(bytes.count, 120)
                hurt = bytes.prefix(header).damaged(using: &random) + bytes.dropFirst(header)
            }
            try expectReadOrRefused(hurt, at: url, [AudioError.self]) { url in
                let sound = try AudioFile.read(url)
                guard sound.samples.allSatisfy(\.isFinite), sound.frames > 0, sound.frames < 10_000_000 else {
                    throw PoorMessage(description: "\(sound.frames) frames")
                }
            }
        }
    }

    @Test("any bytes after a format's first bytes are harmless or refused") func noise() {
        let heads = [
            "RIFF\u{10}\u{0}\u{0}\u{0}WAVEfmt ", "FORM\u{0}\u{0}\u{1}\u{0}AIFFCOMM", "FORM\u{0}\u{0}\u{1}\u{0}AIFC", "fLaC\u{0}\u{0}\u{0}\u{22}",
            "OggS\u{0}\u{2}", "ID3\u{3}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}", "RF64", "",
        ]
        search(rounds: 80) { random in
            let head = Data(heads[random.below(heads.count)].unicodeScalars.map { UInt8($0.value) })
            try expectReadOrRefused(head + random.bytes(random.below(400)), at: url, [AudioError.self]) { _ = try AudioFile.read($0) }
        }
    }
}
