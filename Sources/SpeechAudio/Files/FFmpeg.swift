import FileSupport
import Foundation

/// The program ffmpeg, which decodes the recordings that libsndfile does not read: those of telephones and browsers.
///
/// A recording may come from an untrusted source. The program gets its bytes through a pipe and cannot open anything else, gets the container
/// format instead of guessing it, and has limits on time, memory, disk and output.
public struct FFmpeg: Sendable, Hashable {
    public let executable: URL
    /// The time limit for decoding a recording, in seconds.
    public var seconds = 60.0
    /// The limit of the program's address space, in bytes.
    public var memory = 2 << 30

    public init(_ executable: URL) { self.executable = executable }

    /// The first `ffmpeg` in the folders of a search path such as `$PATH`; nil if there is none.
    public static func installed(in searchPath: String) -> FFmpeg? {
        Executable.find("ffmpeg", in: searchPath).map { FFmpeg(URL(filePath: $0)) }
    }

    /// Decodes a recording, at its own sample rate and number of channels.
    ///
    /// - Parameter most: the largest number of samples.
    /// - Throws: ``AudioError``.
    func audio(_ recording: Data, in container: SoundContainer.Foreign, named name: String, most: Int) throws -> Audio {
        let (wav, isDamaged) = try wav(recording, in: container, named: name, most: most)
        var audio = try AudioFile.read(wav, named: name, most: most)
        // The header was written by ffmpeg into a pipe, where it cannot be corrected: its length says nothing about the recording.
        (audio.hasOpenLength, audio.endsEarly) = (false, isDamaged)
        return audio
    }

    /// - Returns: the bytes of a WAV file, and whether ffmpeg reported damage in the recording.
    private func wav(_ recording: Data, in container: SoundContainer.Foreign, named name: String, most: Int) throws -> (Data, isDamaged: Bool) {
        func refusal(_ reason: String) -> AudioError { .notAudio(name: name, bytes: recording.count, reason: reason) }
        let input = try FileStore()
        try input.writing { _ = recording.withUnsafeBytes { input.write($0, at: 0) } }
        // `cache` stores bytes that have been read in an unnamed file, because an MPEG-4 file may have its index at the end.
        let process = limited(
            """
            -nostdin -hide_banner -loglevel error -threads 1 -protocol_whitelist cache,pipe -read_ahead_limit -1
            -f \(container.demuxer) -i cache:pipe:0 -map 0:a:0 -vn -sn -dn -f wav -c:a pcm_f32le pipe:1
            """.split(whereSeparator: \.isWhitespace).map(String.init), seconds: seconds, blocks: (recording.count >> 9) + 64)
        let output = Pipe(), complaints = Pipe()
        process.standardInput = FileHandle(fileDescriptor: input.descriptor, closeOnDealloc: false)
        process.standardOutput = output
        process.standardError = complaints
        do { try process.run() } catch { throw refusal("\(executable.path) cannot be started: \(error.localizedDescription)") }
        for pipe in [output, complaints] { try? pipe.fileHandleForWriting.close() }
        defer { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

        let read = try read(
            output.fileHandleForReading.fileDescriptor, complaints: complaints.fileHandleForReading.fileDescriptor, most: most
        ) { throw refusal("ffmpeg has not decoded it within \(Int(seconds)) s") }
        guard let (sound, text) = read else { throw AudioError.tooLong(name: name, limitSamples: most) }
        process.waitUntilExit()
        guard process.terminationReason == .exit, process.terminationStatus == 0, !sound.isEmpty else {
            throw refusal("\(container.rawValue) in which ffmpeg finds no sound that it can decode")
        }
        return (sound, Self.isDamaged(text))
    }

    /// Whether ffmpeg's messages report damage; that it cannot seek to the end of a pipe is no damage.
    private static func isDamaged(_ complaints: Data) -> Bool {
        String(decoding: complaints, as: UTF8.self).split(whereSeparator: \.isNewline).contains { line in
            !line.hasPrefix("[cache ") && !line.drop(while: \.isWhitespace).hasPrefix("Last message repeated")
        }
    }

    /// A process of ffmpeg with limits on memory, time and output, not started yet: a shell sets the limits and then executes ffmpeg.
    ///
    /// - Parameters:
    ///   - arguments: ffmpeg's.
    ///   - seconds: limit of processor time.
    ///   - blocks: limit of the size of an output file, in blocks of 512 bytes.
    func limited(_ arguments: [String], seconds: Double, blocks: Int) -> Process {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        let script = #"ulimit -c 0; ulimit -v "$1"; ulimit -t "$2"; ulimit -f "$3"; shift 3; exec "$@""#
        process.arguments = ["-c", script, "sh", "\(memory >> 10)", "\(Int(seconds.rounded(.up)))", "\(blocks)", executable.path] + arguments
        process.environment = ["TMPDIR": FileManager.default.temporaryDirectory.path]
        return process
    }

    /// Everything until ffmpeg closes its output, and the beginning of its messages; nil if the output is larger than any recording may be.
    private func read(_ descriptor: Int32, complaints: Int32, most: Int, late: () throws -> Never) throws -> (sound: Data, complaints: Data)? {
        let deadline = ContinuousClock.now + .seconds(seconds)
        var texts = [Data(), Data()], block = [UInt8](repeating: 0, count: 1 << 16)
        var waiting = [descriptor, complaints].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        // The descriptor of a closed stream is negative.
        while waiting.contains(where: { $0.fd >= 0 }) {
            let left = (deadline - .now) / .milliseconds(1)
            guard left > 0 else { try late() }
            guard poll(&waiting, nfds_t(waiting.count), Int32(left.rounded(.up))) > 0 else { continue }
            for index in waiting.indices where waiting[index].fd >= 0 && waiting[index].revents != 0 {
                let count = Foundation.read(waiting[index].fd, &block, block.count)
                if count < 0, errno == EINTR { continue }
                if count <= 0 { waiting[index].fd = -1 } else if index == 0 || texts[1].count < 4096 { texts[index] += block[..<count] }
            }
            guard texts[0].count <= most * 4 + 4096 else { return nil }
        }
        return (texts[0], texts[1])
    }
}

extension SoundContainer.Foreign {
    /// ffmpeg's name of the demuxer.
    fileprivate var demuxer: String {
        switch self {
        case .mpeg4: "mov"
        case .matroska: "matroska"
        case .caf: "caf"
        case .adts: "aac"
        }
    }
}

extension FFmpeg {
    /// Puts AAC into an MPEG-4 file (.m4a, .m4b) with chapters, without encoding it again.
    ///
    /// The program can open only these files, and has limits on time, memory and output.
    /// - Parameters:
    ///   - sound: a file of AAC in ADTS frames, as ``AudioFormat/aac`` is written.
    ///   - chapters: the marks, in order; empty for no chapters.
    ///   - title: title of the whole; nil for none.
    ///   - target: the file to create; an existing file is replaced.
    /// - Throws: ``AudioError/unwritable(name:reason:)`` with the program's message; no file remains in that case.
    public func writeMPEG4(_ sound: URL, chapters: [ChapterMark], title: String? = nil, to target: URL) throws {
        func refusal(_ reason: String) -> AudioError { .unwritable(name: target.path, reason: reason) }
        let list = target.deletingLastPathComponent().appending(
            path: ".\(target.lastPathComponent.prefix(64)).\(UUID().uuidString.prefix(8)).chapters")
        try AtomicWriter.write(Data(Self.metadata(chapters, title).utf8), to: list)
        defer { unlink(list.path) }
        guard let bytes = try? sound.resourceValues(forKeys: [.fileSizeKey]).fileSize else { throw refusal("\(sound.path) cannot be read") }
        // A time limit that suffices for storage a hundred times slower than usual.
        let seconds = max(self.seconds, Double(bytes) / 100_000), complaints = Pipe()
        let input = ["-f", "aac", "-i", "file:\(sound.path)", "-f", "ffmetadata", "-i", "file:\(list.path)"]
        let options = "-nostdin -hide_banner -loglevel error -threads 1 -protocol_whitelist file".split(separator: " ").map(String.init)
        let output = "-map 0:a:0 -map_metadata 1 -map_chapters 1 -c:a copy -f ipod -movflags +faststart -y".split(separator: " ").map(String.init)
        let process = limited(options + input + output + ["file:\(target.path)"], seconds: seconds, blocks: (bytes >> 9) * 5 / 4 + 2048)
        (process.standardInput, process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice, complaints)
        do { try process.run() } catch { throw refusal("\(executable.path) cannot be started: \(error.localizedDescription)") }
        try? complaints.fileHandleForWriting.close()
        // The time limit ends ffmpeg, and this read with it.
        let said = String(decoding: (try? complaints.fileHandleForReading.readToEnd()) ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationReason == .exit, process.terminationStatus == 0 else {
            unlink(target.path)
            let line = said.split(whereSeparator: \.isNewline).last.map { String($0.prefix(200)) }
            throw refusal("ffmpeg has not written it" + (line.map { " (\($0))" } ?? ""))
        }
    }

    /// A title and chapters in ffmpeg's metadata format, in which some characters are escaped by a backslash.
    static func metadata(_ chapters: [ChapterMark], _ title: String?) -> String {
        func escaped(_ text: String) -> String { text.map { "=;#\\\n".contains($0) ? "\\\($0)" : "\($0)" }.joined() }
        var lines = [";FFMETADATA1"] + (title.map { ["title=\(escaped($0))"] } ?? [])
        for chapter in chapters {
            let (start, end) = chapter.milliseconds
            lines += ["[CHAPTER]", "TIMEBASE=1/1000", "START=\(start)", "END=\(end)", "title=\(escaped(chapter.title))"]
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
