import FileSupport
import Foundation
import TestSupport
import Testing

@testable import SpeechAudio

@Suite("Chapter marks") struct ChapterMarkTests {
    private static let marks = [
        ChapterMark(title: "One; a = b # c\\d", start: 0, end: 1.25), ChapterMark(title: "Zwei\nÜber", start: 1.25, end: 2.5),
        ChapterMark(title: "三", start: 2.5, end: 4),
    ]
    private static let ffmpeg = FFmpeg.installed(in: "/usr/bin:/bin"), ffprobe = Executable.find("ffprobe", in: "/usr/bin:/bin")

    private var sound: Audio { Audio(samples: (0..<96_000).map { 0.3 * sin(Float($0) * 0.05) }, sampleRate: 24_000) }

    private func write(_ format: AudioFormat, to url: URL, chapters: [ChapterMark] = marks) throws {
        var sound = SoundFormat(format)
        (sound.title, sound.chapters) = ("The Book", chapters)
        let file = try AudioFileWriter(url, sound, sampleRate: 24_000)
        try file.append(self.sound)
        try file.finish()
    }

    @Test(
        "ffprobe reads the chapters of MP3, Opus and MPEG-4", .enabled(if: ffmpeg != nil && ffprobe != nil), arguments: ["mp3", "opus", "m4b"])
    func probed(ending: String) throws {
        let folder = try TemporaryFolder(), url = folder.url.appending(path: "a book.\(ending)")
        if let format = AudioFormat(rawValue: ending) {
            try write(format, to: url)
        } else {
            let aac = folder.url.appending(path: "sound.aac")
            try AudioFile.write(sound, to: aac)
            try Self.ffmpeg!.writeMPEG4(aac, chapters: Self.marks, title: "The Book", to: url)
        }
        let process = Process(), output = Pipe()
        process.executableURL = Self.ffprobe.map { URL(filePath: $0) }
        process.arguments = ["-v", "error", "-show_chapters", "-show_format", "-show_streams", "-of", "json", url.path]
        process.standardOutput = output
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        let found = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
        let chapters = try #require(found["chapters"] as? [[String: Any]])
        #expect(chapters.map { ($0["tags"] as? [String: String])?["title"] } == ["One; a = b # c\\d", "Zwei Über", "三"])
        let starts = chapters.compactMap { ($0["start_time"] as? String).flatMap(Double.init) }
        #expect(zip(starts, [0, 1.25, 2.5]).allSatisfy { abs($0 - $1) < 0.0015 } && starts.count == 3)
        let format = try #require(found["format"] as? [String: Any]), stream = try #require((found["streams"] as? [[String: Any]])?.first)
        let tags = (format["tags"] as? [String: String] ?? [:]).merging(stream["tags"] as? [String: String] ?? [:]) { $1 }
        #expect((tags["title"] ?? tags["TITLE"]) == "The Book")
        let seconds = try #require((format["duration"] as? String).flatMap(Double.init))
        #expect(abs(seconds - 4) < 0.2, "\(seconds)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).count == (ending == "m4b" ? 2 : 1))
    }

    @Test("a tag before an MP3 does not change its samples") func samples() throws {
        let folder = try TemporaryFolder(), (plain, marked) = (folder.url.appending(path: "a.mp3"), folder.url.appending(path: "b.mp3"))
        try AudioFile.write(sound, to: plain)
        try write(.mp3, to: marked)
        #expect(try AudioFile.read(plain).samples == AudioFile.read(marked).samples)
        #expect(try Data(contentsOf: marked).prefix(3) == Data("ID3".utf8) && Data(contentsOf: plain).prefix(3) != Data("ID3".utf8))
    }

    @Test("with more chapters than one table of contents can have there are several", arguments: [255, 256, 1000]) func many(count: Int) throws {
        let marks = (0..<count).map { ChapterMark(title: "\($0)", start: Double($0), end: Double($0 + 1)) }
        let bytes = try ID3Tag(title: nil, chapters: marks).bytes(), size = bytes[6..<10].reduce(0) { $0 << 7 | Int($1) }
        #expect(size == bytes.count - 10)
        var position = 10, chapters = 0, lists: [Int] = []
        while position < bytes.count {
            let name = String(decoding: bytes[position..<position + 4], as: UTF8.self),
                length = bytes[position + 4..<position + 8].reduce(0) { $0 << 8 | Int($1) }
            let body = bytes[(position + 10)..<(position + 10 + length)]
            if name == "CHAP" { chapters += 1 }
            if name == "CTOC" { lists.append(Int(body[body.firstIndex(of: 0)! + 2])) }
            position += 10 + length
        }
        #expect(position == bytes.count && chapters == count)
        #expect(lists == (count == 255 ? [255] : count == 256 ? [2, 255, 1] : [4, 255, 255, 255, 235]))
    }

    @Test("a format without chapters refuses them, and Opus refuses more than a thousand", arguments: [AudioFormat.wav, .flac, .aac, .pcm, .opus])
    func refused(format: AudioFormat) throws {
        let folder = try TemporaryFolder()
        let marks = (0..<1001).map { ChapterMark(title: "\($0)", start: Double($0), end: Double($0 + 1)) }
        #expect(throws: AudioError.self) { try write(format, to: folder.url.appending(path: "x"), chapters: marks) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
    }

    @Test("ffmpeg's failure is reported and leaves no file", .enabled(if: ffmpeg != nil)) func damaged() throws {
        let folder = try TemporaryFolder(), aac = folder.url.appending(path: "sound.aac"), target = folder.url.appending(path: "x.m4b")
        try Data("no sound".utf8).write(to: aac)
        let error = #expect(throws: AudioError.self) { try Self.ffmpeg!.writeMPEG4(aac, chapters: Self.marks, to: target) }
        #expect(error?.description.contains("ffmpeg has not written it (") == true, "\(error.map { "\($0)" } ?? "")")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["sound.aac"])
    }
}
