import Foundation
import SpeechAudio
import TestSupport
import Testing

@Suite("Writing sound files")
struct AudioWritingTests {
    let folder: TemporaryFolder
    let sound = SoundBytes.sines(rate: 24_000, channels: 1)

    init() throws { folder = try TemporaryFolder() }

    private var names: [String] { get throws { try FileManager.default.contentsOfDirectory(atPath: folder.url.path).sorted() } }

    @Test(
        "WAV and FLAC are read as they were written, to within a step of their samples",
        arguments: [
            ("a.wav", SampleEncoding.int16), ("a.wav", .float32), ("a.flac", .int16), ("a.wav", .int24), ("a.flac", .int24),
        ]) func exact(name: String, encoding: SampleEncoding) throws
    {
        let step: Float = encoding == .int16 ? 1 / 32_767 : encoding == .int24 ? 1 / 16_777_216 : 0
        let url = folder.url.appending(path: name)
        try AudioFile.write(sound, to: url, encoding: encoding)
        let back = try AudioFile.read(url)
        #expect(back.sampleRate == 24_000)
        #expect(back.frames == sound.frames)
        #expect(zip(back.samples, sound.samples).allSatisfy { abs($0 - $1) <= step })
        #expect(try names == [name])
    }

    @Test("MP3 and Opus sound like the input", arguments: ["a.mp3", "a.opus"]) func lossy(name: String) throws {
        let url = folder.url.appending(path: name)
        try AudioFile.write(sound, to: url)
        let back = try AudioFile.read(url)
        #expect(abs(back.duration - sound.duration) < 0.12)
        #expect(abs(back.level - sound.level) < 1.5)
    }

    @Test(
        "a format without the sample rate uses its next higher one",
        arguments: [
            (AudioFormat.opus, 22_050, 24_000), (.opus, 44_100, 48_000), (.opus, 96_000, 48_000), (.mp3, 23_000, 24_000), (.mp3, 24_000, 24_000),
        ]) func rates(format: AudioFormat, rate: Int, expected: Int) throws
    {
        let back = try AudioFile.read(AudioFile.encode(SoundBytes.sines(rate: rate, channels: 1), as: format), named: "x")
        #expect(back.sampleRate == expected)
        #expect(abs(back.duration - 0.5) < 0.12)
    }

    @Test("samples beyond full scale are clipped, not wrapped") func clipping() throws {
        let loud = Audio(samples: [2, -2, 1, -1, 0.5], sampleRate: 8000)
        for format in [AudioFormat.wav, .flac] {
            let back = try AudioFile.read(AudioFile.encode(loud, as: format), named: "x").samples
            #expect(back[0] > 0.999 && back[1] < -0.999 && abs(back[4] - 0.5) < 0.001)
        }
        let raw = try AudioFile.encode(loud, as: .pcm)
        #expect(Array(raw.prefix(4)) == [0xFF, 0x7F, 0x00, 0x80])
    }

    @Test("raw samples are little-endian, without a header") func raw() throws {
        let two = Audio(samples: [0.5, -1], sampleRate: 8000)
        #expect(try Array(AudioFile.encode(two, as: .pcm, encoding: .float32)) == [0, 0, 0, 0x3F, 0, 0, 0x80, 0xBF])
        #expect(try Array(AudioFile.encode(two, as: .pcm)) == [0x00, 0x40, 0x00, 0x80])
        #expect(try Array(AudioFile.encode(two, as: .pcm, encoding: .int24)) == [0x00, 0x00, 0x40, 0x00, 0x00, 0x80])
    }

    @Test("a sound that a format cannot store is refused") func refused() throws {
        let url = folder.url.appending(path: "a")
        #expect(throws: AudioError.unknownFormat(name: url.path)) { try AudioFile.write(sound, to: url) }
        #expect(throws: AudioError.self) { try AudioFile.encode(sound, as: .flac, encoding: .float32) }
        #expect(throws: AudioError.self) { try AudioFile.encode(SoundBytes.sines(rate: 8000, channels: 20), as: .mp3) }
        #expect(throws: AudioError.self) { try AudioFile.encode(SoundBytes.sines(rate: 8000, channels: 3), as: .aac) }
        #expect(throws: AudioError.self) { try AudioFile.encode(SoundBytes.sines(rate: 8000, channels: 9), as: .opus) }
        #expect(throws: AudioError.self) { try AudioFile.encode(sound, as: .aac, encoding: .int24) }
        #expect(throws: AudioError.self) { try AudioFile.encode(Audio(samples: [], sampleRate: 8000), as: .wav) }
        #expect(throws: AudioError.self) { try AudioFile.encode(Audio(samples: [.nan], sampleRate: 8000), as: .wav) }
        #expect(try names.isEmpty)
    }

    // MARK: complete or not at all

    @Test("a full disk causes an error, and a device stays a device") func fullDisk() throws {
        let error = #expect(throws: AudioError.self) { try AudioFile.write(sound, to: URL(filePath: "/dev/full"), format: .wav) }
        guard case .diskFull("/dev/full", let bytes)? = error else { return #expect(Bool(false), "\(error as Any)") }
        #expect(bytes == 44 + 2 * sound.frames)
        var status = stat()
        #expect(stat("/dev/full", &status) == 0 && status.st_mode & S_IFMT == S_IFCHR)
        try AudioFile.write(sound, to: URL(filePath: "/dev/null"), format: .wav)
    }

    @Test("after a failure the existing file is unchanged, and there are no other files") func nothingLeft() throws {
        let url = folder.url.appending(path: "a.wav")
        try AudioFile.write(sound, to: url)
        let before = try Data(contentsOf: url)
        #expect(throws: AudioError.self) { try AudioFile.write(Audio(samples: [.nan], sampleRate: 8000), to: url) }
        #expect(try Data(contentsOf: url) == before)
        #expect(throws: AudioError.self) { try AudioFile.write(sound, to: folder.url.appending(path: "none/a.wav")) }
        #expect(throws: AudioError.self) { try AudioFile.write(sound, to: folder.url, format: .wav) }
        #expect(throws: AudioError.self) { try AudioFile.write(sound, to: folder.url.appending(path: "a.wav/b.wav")) }
        // A name that the file system does not accept.
        #expect(throws: AudioError.self) { try AudioFile.write(sound, to: folder.url.appending(path: String(repeating: "a", count: 300) + ".wav")) }
        #expect(try names == ["a.wav"])
    }

    @Test("a file is replaced, a link keeps its target, and permissions follow the user's mask") func replacement() throws {
        let target = folder.url.appending(path: "target.wav"), link = folder.url.appending(path: "link.wav")
        try Data("old".utf8).write(to: target)
        try FileManager.default.createSymbolicLink(at: link, withDestinationURL: target)
        try AudioFile.write(sound, to: link)
        #expect(try AudioFile.read(target).frames == sound.frames)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link.path).hasSuffix("target.wav"))
        #expect(try names == ["link.wav", "target.wav"])
    }

    @Test("bytes are written into a pipe") func pipe() throws {
        let path = folder.url.appending(path: "pipe").path
        #expect(mkfifo(path, 0o600) == 0)
        // Opened for both, so that neither end waits for the other; the sound fits into the pipe.
        let reader = open(path, O_RDWR)
        defer { close(reader) }
        let short = SoundBytes.sines(rate: 8000, channels: 1, seconds: 0.5)
        try AudioFile.write(short, to: URL(filePath: path), format: .wav)
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = read(reader, &bytes, bytes.count)
        #expect(try AudioFile.read(Data(bytes.prefix(count)), named: "pipe").frames == short.frames)
    }
}
