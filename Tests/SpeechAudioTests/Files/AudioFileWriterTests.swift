import Foundation
import SpeechAudio
import TestSupport
import Testing

@Suite("Writing sound as it is made")
struct AudioFileWriterTests {
    let folder: TemporaryFolder
    let sound = SoundBytes.sines(rate: 24_000, channels: 1, seconds: 2)

    init() throws { folder = try TemporaryFolder() }

    private var names: [String] { get throws { try FileManager.default.contentsOfDirectory(atPath: folder.url.path).sorted() } }

    /// The sound in pieces of all lengths, empty ones among them.
    private func pieces(_ sound: Audio) -> [Audio] {
        var random = SeededRandom(seed: Search.seed)
        var pieces: [Audio] = [], start = 0
        while start < sound.frames {
            let end = min(sound.frames, start + [0, 1, random.below(700), 9_000][random.below(4)])
            pieces.append(Audio(
                samples: Array(sound.samples[start * sound.channels..<end * sound.channels]), sampleRate: sound.sampleRate, channels: sound.channels))
            start = end
        }
        return pieces
    }

    // MARK: files

    @Test("a file in pieces is the file of the whole", arguments: [
        (AudioFormat.wav, SampleEncoding.int16, 24_000, 1), (.wav, .float32, 44_100, 2), (.flac, .int16, 24_000, 1), (.mp3, .int16, 24_000, 1),
        (.mp3, .int16, 23_000, 2), (.pcm, .int16, 24_000, 1), (.pcm, .float32, 24_000, 1),
    ]) func pieces(format: AudioFormat, encoding: SampleEncoding, rate: Int, channels: Int) throws {
        let sound = SoundBytes.sines(rate: rate, channels: channels, seconds: 2)
        let url = folder.url.appending(path: "a.\(format.rawValue)")
        let file = try AudioFileWriter(url, sampleRate: rate, channels: channels, encoding: encoding)
        for piece in pieces(sound) { try file.append(piece) }
        try file.finish()
        // A float WAV tells when it was made.
        let (written, whole) = (try Data(contentsOf: url), try AudioFile.encode(sound, as: format, encoding: encoding))
        if encoding == .float32, format == .wav {
            #expect(try AudioFile.read(written, named: "pieces") == AudioFile.read(whole, named: "whole"))
        } else {
            #expect(written == whole)
        }
        #expect(try names == [url.lastPathComponent])
    }

    @Test("Opus in pieces sounds as the whole", arguments: [24_000, 22_050]) func opus(rate: Int) throws {
        // Its bytes hold a number drawn at random.
        let sound = SoundBytes.sines(rate: rate, channels: 1, seconds: 2)
        let url = folder.url.appending(path: "a.opus")
        let file = try AudioFileWriter(url, sampleRate: rate)
        for piece in pieces(sound) { try file.append(piece) }
        try file.finish()
        #expect(try AudioFile.read(url) == AudioFile.read(AudioFile.encode(sound, as: .opus), named: "whole"))
    }

    @Test("until it is finished the name is what it was") func replacement() throws {
        let url = folder.url.appending(path: "a.wav")
        try Data("old".utf8).write(to: url)
        let file = try AudioFileWriter(url, sampleRate: 24_000)
        try file.append(sound)
        #expect(try Data(contentsOf: url) == Data("old".utf8))
        try file.finish()
        #expect(try AudioFile.read(url).frames == sound.frames)
        #expect(try names == ["a.wav"])
    }

    @Test("a file that is given up leaves nothing", arguments: AudioFormat.allCases) func givenUp(format: AudioFormat) throws {
        do {
            let file = try AudioFileWriter(folder.url.appending(path: "a"), format: format, sampleRate: 24_000)
            try file.append(sound)
            #expect(try names.count == 1)
        }
        #expect(try names.isEmpty)
    }

    @Test("a sound without a sample is no file", arguments: AudioFormat.allCases) func empty(format: AudioFormat) throws {
        do {
            let file = try AudioFileWriter(folder.url.appending(path: "a"), format: format, sampleRate: 24_000)
            try file.append(Audio(samples: [], sampleRate: 24_000))
            #expect(throws: AudioError.noSamples(name: "the sound to be written")) { try file.finish() }
        }
        #expect(try names.isEmpty)
    }

    @Test("a sample that is no number is named by its place in the whole") func notANumber() throws {
        let file = try AudioFileWriter(folder.url.appending(path: "a.wav"), sampleRate: 24_000)
        try file.append(sound)
        #expect(throws: AudioError.notFinite(name: "the sound to be written", sample: sound.frames + 1)) {
            try file.append(Audio(samples: [0, .nan], sampleRate: 24_000))
        }
    }

    @Test("a place that takes nothing is refused at once") func unwritable() throws {
        #expect(throws: AudioError.self) { try AudioFileWriter(folder.url.appending(path: "none/a.wav"), sampleRate: 24_000) }
        #expect(throws: AudioError.self) { try AudioFileWriter(folder.url, format: .wav, sampleRate: 24_000) }
        let nameless = folder.url.appending(path: "a.xyz")
        #expect(throws: AudioError.unknownFormat(name: nameless.path)) { try AudioFileWriter(nameless, sampleRate: 24_000) }
        #expect(try names.isEmpty)
    }

    @Test("a full device is an error at the first samples, and where a format needs all of them, at the end") func full() throws {
        let device = URL(filePath: "/dev/full")
        let samples = try AudioFileWriter(device, format: .pcm, sampleRate: 24_000)
        #expect(throws: AudioError.diskFull(name: "/dev/full", bytes: 2 * sound.frames)) { try samples.append(sound) }
        let file = try AudioFileWriter(device, format: .wav, sampleRate: 24_000)
        #expect(throws: AudioError.diskFull(name: "/dev/full", bytes: 44)) { try file.append(sound) }
        let whole = try AudioFileWriter(device, format: .mp3, sampleRate: 24_000)
        try whole.append(sound)
        #expect(throws: AudioError.self) { try whole.finish() }
    }

    // MARK: streams

    @Test("samples go on as they come") func immediate() throws {
        var received = Data()
        let stream = try AudioStreamWriter(.pcm, sampleRate: 24_000) { received.append(contentsOf: $0) }
        var expected = Data()
        for piece in pieces(sound) {
            try stream.append(piece)
            if !piece.samples.isEmpty { expected += try AudioFile.encode(piece, as: .pcm) }
            #expect(received == expected)
        }
        try stream.finish()
        #expect(received == expected)
    }

    @Test("what states its length first goes on whole when it is known") func spooled() throws {
        var received = Data()
        let stream = try AudioStreamWriter(.mp3, sampleRate: 24_000) { received.append(contentsOf: $0) }
        for piece in pieces(sound) { try stream.append(piece) }
        #expect(received.isEmpty)
        try stream.finish()
        #expect(try received == AudioFile.encode(sound, as: .mp3))
    }

    @Test("a header goes on with the first sound, and sound as it comes, with open lengths", arguments: [AudioFormat.wav, .flac, .opus])
    func streamed(format: AudioFormat) throws {
        var received = Data()
        let stream = try AudioStreamWriter(format, sampleRate: 24_000) { received.append(contentsOf: $0) }
        try stream.append(Audio(samples: [], sampleRate: 24_000))
        #expect(received.isEmpty)
        let second = Audio(samples: (0..<24_000).map { 0.4 * sin(Float($0) / 20) }, sampleRate: 24_000)
        var sizes: [Int] = []
        for _ in 0..<4 {
            try stream.append(second)
            sizes.append(received.count)
        }
        #expect(sizes[0] > 0 && sizes[3] > sizes[1], "\(sizes)")
        let early = received
        try stream.finish()
        #expect(received.starts(with: early))
        let whole = Audio(samples: Array(repeating: second.samples, count: 4).flatMap(\.self), sampleRate: 24_000)
        #expect(try AudioFile.read(received, named: "stream") == AudioFile.read(AudioFile.encode(whole, as: format), named: "file"))
        if format == .wav { #expect(received[4..<8] == Data([255, 255, 255, 255]) && received[40..<44] == Data([255, 255, 255, 255])) }
    }

    @Test("without a sound nothing goes on", arguments: [AudioFormat.wav, .flac, .opus, .pcm]) func nothing(format: AudioFormat) throws {
        var received = Data()
        let stream = try AudioStreamWriter(format, sampleRate: 24_000) { received.append(contentsOf: $0) }
        #expect(throws: AudioError.self) { try stream.finish() }
        #expect(received.isEmpty)
    }

    @Test("nobody who takes the bytes is the error that was thrown", arguments: [AudioFormat.pcm, .wav]) func refused(format: AudioFormat) throws {
        struct Gone: Error {}
        let stream = try AudioStreamWriter(format, sampleRate: 24_000) { _ in throw Gone() }
        #expect(throws: Gone.self) {
            try stream.append(sound)
            try stream.finish()
        }
    }
}
