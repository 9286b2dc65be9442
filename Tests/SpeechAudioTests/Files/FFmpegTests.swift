import Foundation
import SpeechAudio
import TestSupport
import Testing

extension FFmpeg {
    /// This machine's ffmpeg, if there is one.
    static let here = FFmpeg.installed(in: ProcessInfo.processInfo.environment["PATH"] ?? "")
}

@Suite("Reading with ffmpeg")
struct FFmpegTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// A container as written by a telephone or a browser, with a sine of 300 Hz.
    private func recording(_ name: String, seconds: Double = 3) throws -> URL {
        let wav = folder.url.appending(path: "source.wav"), url = folder.url.appending(path: name)
        try AudioFile.write(SoundBytes.sines(rate: 48_000, channels: 1, seconds: seconds), to: wav)
        let process = Process()
        process.executableURL = try #require(FFmpeg.here).executable
        process.arguments = ["-nostdin", "-loglevel", "fatal", "-i", wav.path, url.path]
        try process.run()
        process.waitUntilExit()
        return url
    }

    /// A program in place of ffmpeg.
    private func stand(in script: String) throws -> FFmpeg {
        let url = folder.url.appending(path: "ffmpeg")
        try Data("#!/bin/sh\n\(script)\n".utf8).write(to: url)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: url.path)
        return FFmpeg(url)
    }

    private static let mpeg4 = Data([0, 0, 0, 24]) + Data("ftypM4A ".utf8) + Data(count: 500)

    @Test(
        "recordings of telephones and browsers are read", .enabled(if: FFmpeg.here != nil),
        arguments: ["a.m4a", "a.webm", "a.caf", "a.mp4", "a.mkv", "a.aac"])
    func containers(name: String) throws {
        let sound = try AudioFile.read(recording(name), ffmpeg: .here)
        #expect(sound.sampleRate == 48_000 && abs(sound.duration - 3) < 0.1 && abs(sound.pitch - 300) < 2)
        // ffmpeg's own header without a length does not count as the recording's.
        #expect(!sound.hasOpenLength && !sound.endsEarly)
    }

    @Test("a truncated recording is read, and reported as truncated", .enabled(if: FFmpeg.here != nil), arguments: ["a.webm", "a.aac", "a.mkv"])
    func cutShort(name: String) throws {
        let whole = try Data(contentsOf: recording(name))
        let sound = try AudioFile.read(whole.prefix(whole.count * 2 / 3 + 1), named: name, ffmpeg: .here)
        #expect(sound.endsEarly && (1...2.5).contains(sound.duration), "\(sound.duration)")
    }

    @Test("a long MPEG-4 recording, whose index is at its end, is read", .enabled(if: FFmpeg.here != nil)) func long() throws {
        #expect(try abs(AudioFile.read(recording("a.m4a", seconds: 60), ffmpeg: .here).duration - 60) < 0.1)
    }

    @Test("a damaged recording is refused with an error that names it", .enabled(if: FFmpeg.here != nil)) func damaged() throws {
        let error = #expect(throws: AudioError.self) { try AudioFile.read(Self.mpeg4, named: "me.m4a", ffmpeg: .here) }
        guard case .notAudio("me.m4a", _, let reason)? = error else { return #expect(Bool(false), "\(error as Any)") }
        #expect(reason.contains("MPEG-4"))
    }

    @Test("without ffmpeg the error says what is missing") func missing() throws {
        #expect(throws: AudioError.needsFFmpeg(name: "me.m4a", container: "MPEG-4 (m4a, mp4)")) { try AudioFile.read(Self.mpeg4, named: "me.m4a") }
        #expect(FFmpeg.installed(in: folder.url.path) == nil)
        #expect(try stand(in: "exit").executable == FFmpeg.installed(in: "/nowhere:\(folder.url.path)")?.executable)
    }

    @Test("ffmpeg can open only a pipe, and is told the container format") func confined() throws {
        let ffmpeg = try stand(in: #"echo "$@" > "$(dirname "$0")/arguments"; env > "$(dirname "$0")/environment"; exit 1"#)
        #expect(throws: AudioError.self) { try AudioFile.read(Self.mpeg4, named: "me.m4a", ffmpeg: ffmpeg) }
        let arguments = try String(contentsOf: folder.url.appending(path: "arguments"), encoding: .utf8)
        #expect(arguments.contains("-protocol_whitelist cache,pipe ") && arguments.contains("-f mov -i cache:pipe:0 "))
        let environment = try String(contentsOf: folder.url.appending(path: "environment"), encoding: .utf8)
        #expect(!environment.contains("HOME="))
    }

    @Test("a process that does not end is terminated") func endless() throws {
        var ffmpeg = try stand(in: "exec sleep 1000")
        ffmpeg.seconds = 0.2
        let error = #expect(throws: AudioError.self) { try AudioFile.read(Self.mpeg4, named: "me.m4a", ffmpeg: ffmpeg) }
        #expect(error?.description.contains("has not decoded it within") == true)
    }

    @Test("a process that uses too much memory, time or disk is ended by its limits") func greedy() throws {
        var ffmpeg = try stand(in: "ulimit -v; ulimit -t; ulimit -f > \"$(dirname \"$0\")/disk\"; exit 1")
        (ffmpeg.memory, ffmpeg.seconds) = (1 << 30, 7)
        #expect(throws: AudioError.self) { try AudioFile.read(Self.mpeg4, named: "me.m4a", ffmpeg: ffmpeg) }
        #expect(try String(contentsOf: folder.url.appending(path: "disk"), encoding: .utf8) == "65\n")
    }
}
