import Foundation
import SpeechAudio
import TestSupport
import Testing

@Suite("Writing sound while it is computed")
struct AudioFileWriterTests {
    let folder: TemporaryFolder
    let sound = SoundBytes.sines(rate: 24_000, channels: 1, seconds: 2)

    init() throws { folder = try TemporaryFolder() }

    private var names: [String] { get throws { try FileManager.default.contentsOfDirectory(atPath: folder.url.path).sorted() } }

    @Test(
        "a file written in pieces equals the file of the whole",
        arguments: [
            (AudioFormat.wav, SampleEncoding.int16, 24_000, 1), (.wav, .float32, 44_100, 2), (.flac, .int16, 24_000, 1), (.mp3, .int16, 24_000, 1),
            (.mp3, .int16, 23_000, 2), (.aac, .int16, 24_000, 1), (.aac, .int16, 23_000, 2), (.pcm, .int16, 24_000, 1), (.pcm, .float32, 24_000, 1),
        ]) func pieces(format: AudioFormat, encoding: SampleEncoding, rate: Int, channels: Int) throws
    {
        let sound = SoundBytes.sines(rate: rate, channels: channels, seconds: 2)
        let url = folder.url.appending(path: "a.\(format.rawValue)")
        let file = try AudioFileWriter(url, sampleRate: rate, channels: channels, encoding: encoding)
        for piece in sound.inPieces() { try file.append(piece) }
        try file.finish()
        // A float WAV contains its time of creation.
        let (written, whole) = (try Data(contentsOf: url), try AudioFile.encode(sound, as: format, encoding: encoding))
        if encoding == .float32, format == .wav {
            #expect(try AudioFile.read(written, named: "pieces") == AudioFile.read(whole, named: "whole"))
        } else {
            #expect(written == whole)
        }
        #expect(try names == [url.lastPathComponent])
    }

    @Test("an MP3 file states its length and where its sound begins, as players expect") func mp3() throws {
        let bytes = try AudioFile.encode(sound, as: .mp3)
        #expect(bytes.prefix(200).firstRange(of: Data("Info".utf8)) != nil)
        #expect(try AudioFile.read(bytes, named: "file").frames == sound.frames)
    }

    @Test("Opus written in pieces sounds like the whole", arguments: [24_000, 22_050]) func opus(rate: Int) throws {
        // Its bytes contain a random number.
        let sound = SoundBytes.sines(rate: rate, channels: 1, seconds: 2)
        let url = folder.url.appending(path: "a.opus")
        let file = try AudioFileWriter(url, sampleRate: rate)
        for piece in sound.inPieces() { try file.append(piece) }
        try file.finish()
        #expect(try AudioFile.read(url) == AudioFile.read(AudioFile.encode(sound, as: .opus), named: "whole"))
    }

    @Test("until it is complete the existing file is unchanged") func replacement() throws {
        let url = folder.url.appending(path: "a.wav")
        try Data("old".utf8).write(to: url)
        let file = try AudioFileWriter(url, sampleRate: 24_000)
        try file.append(sound)
        #expect(try Data(contentsOf: url) == Data("old".utf8))
        try file.finish()
        #expect(try AudioFile.read(url).frames == sound.frames)
        #expect(try names == ["a.wav"])
    }

    @Test("a file that is not completed leaves nothing", arguments: AudioFormat.allCases) func givenUp(format: AudioFormat) throws {
        do {
            let file = try AudioFileWriter(folder.url.appending(path: "a"), format: format, sampleRate: 24_000)
            try file.append(sound)
            #expect(try names.count == 1)
        }
        #expect(try names.isEmpty)
    }

    @Test("a sound without samples is not written", arguments: AudioFormat.allCases) func empty(format: AudioFormat) throws {
        do {
            let file = try AudioFileWriter(folder.url.appending(path: "a"), format: format, sampleRate: 24_000)
            try file.append(Audio(samples: [], sampleRate: 24_000))
            #expect(throws: AudioError.noSamples(name: "the sound to be written")) { try file.finish() }
        }
        #expect(try names.isEmpty)
    }

    @Test("an error names the index of a NaN in the complete sound") func notANumber() throws {
        let file = try AudioFileWriter(folder.url.appending(path: "a.wav"), sampleRate: 24_000)
        try file.append(sound)
        #expect(throws: AudioError.notFinite(name: "the sound to be written", sample: sound.frames + 1)) {
            try file.append(Audio(samples: [0, .nan], sampleRate: 24_000))
        }
    }

    @Test("a destination that cannot be written is refused at once") func unwritable() throws {
        #expect(throws: AudioError.self) { try AudioFileWriter(folder.url.appending(path: "none/a.wav"), sampleRate: 24_000) }
        #expect(throws: AudioError.self) { try AudioFileWriter(folder.url, format: .wav, sampleRate: 24_000) }
        let nameless = folder.url.appending(path: "a.xyz")
        #expect(throws: AudioError.unknownFormat(name: nameless.path)) { try AudioFileWriter(nameless, sampleRate: 24_000) }
        #expect(try names.isEmpty)
    }

    @Test("a full device causes an error at the first bytes") func full() throws {
        let device = URL(filePath: "/dev/full")
        let samples = try AudioFileWriter(device, format: .pcm, sampleRate: 24_000)
        #expect(throws: AudioError.diskFull(name: "/dev/full", bytes: 2 * sound.frames)) { try samples.append(sound) }
        for format in [AudioFormat.wav, .mp3, .aac] {
            let file = try AudioFileWriter(device, format: format, sampleRate: 24_000)
            #expect(throws: AudioError.self) { try file.append(sound) }
        }
    }
}
