import Foundation

/// The program ffmpeg, which decodes the recordings that libsndfile does not read: those of telephones and browsers.
///
/// A recording may come from a stranger. The program gets its bytes through a pipe and may open nothing else, is told the
/// container instead of guessing it, and has limits of time, memory, disk and output.
public struct FFmpeg: Sendable, Hashable {
    public let executable: URL
    /// Seconds that decoding a recording may take.
    public var seconds = 60.0
    /// Bytes of address space that the program may take.
    public var memory = 2 << 30

    public init(_ executable: URL) { self.executable = executable }

    /// The first `ffmpeg` among the folders of a search path such as `$PATH`; nil where there is none.
    public static func installed(in searchPath: String) -> FFmpeg? {
        let places = searchPath.split(separator: ":").map { URL(filePath: String($0)).appending(path: "ffmpeg") }
        return places.first { FileManager.default.isExecutableFile(atPath: $0.path) }.map(FFmpeg.init)
    }

    /// The sound of a recording, in its own rate and channels, as bytes of a WAV file.
    ///
    /// - Parameter most: the most samples of it.
    /// - Throws: ``AudioError``.
    func wav(_ recording: Data, in container: SoundContainer.Foreign, named name: String, most: Int) throws -> Data {
        func refusal(_ reason: String) -> AudioError { .notAudio(name: name, bytes: recording.count, reason: reason) }
        let input = try FileStore()
        try input.writing { _ = recording.withUnsafeBytes { input.write($0, at: 0) } }
        let process = Process(), output = Pipe()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = arguments(for: container, bytes: recording.count)
        process.environment = ["TMPDIR": FileManager.default.temporaryDirectory.path]
        process.standardInput = FileHandle(fileDescriptor: input.descriptor, closeOnDealloc: false)
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        do { try process.run() } catch { throw refusal("\(executable.path) cannot be started: \(error.localizedDescription)") }
        try? output.fileHandleForWriting.close()
        defer { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

        let sound = try read(output.fileHandleForReading.fileDescriptor, most: most) { throw refusal("ffmpeg has not decoded it within \(Int(seconds)) s") }
        guard let sound else { throw AudioError.tooLong(name: name, limitSamples: most) }
        process.waitUntilExit()
        guard process.terminationReason == .exit, process.terminationStatus == 0, !sound.isEmpty else {
            throw refusal("\(container.rawValue) in which ffmpeg finds no sound that it can decode")
        }
        return sound
    }

    /// The shell sets the limits, then becomes ffmpeg.
    private func arguments(for container: SoundContainer.Foreign, bytes: Int) -> [String] {
        let script = #"ulimit -c 0; ulimit -v "$1"; ulimit -t "$2"; ulimit -f "$3"; shift 3; exec "$@""#
        // `cache` keeps what has been read in an unnamed file, since MPEG-4 tells at its end what it began with.
        let limits = ["\(memory >> 10)", "\(Int(seconds.rounded(.up)))", "\((bytes >> 9) + 64)"]
        return ["-c", script, "sh"] + limits + [executable.path] + """
            -nostdin -hide_banner -loglevel fatal -threads 1 -protocol_whitelist cache,pipe -read_ahead_limit -1
            -f \(container.demuxer) -i cache:pipe:0 -map 0:a:0 -vn -sn -dn -f wav -c:a pcm_f32le pipe:1
            """.split(whereSeparator: \.isWhitespace).map(String.init)
    }

    /// Everything until the program closes its output; nil where that is more than is read of any recording.
    private func read(_ descriptor: Int32, most: Int, late: () throws -> Never) throws -> Data? {
        let deadline = ContinuousClock.now + .seconds(seconds)
        var data = Data(), block = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let left = (deadline - .now) / .milliseconds(1)
            guard left > 0 else { try late() }
            var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&waiting, 1, Int32(left.rounded(.up))) > 0 else { continue }
            let count = Foundation.read(descriptor, &block, block.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return data }
            data += block[..<count]
            guard data.count <= most * 4 + 4096 else { return nil }
        }
    }
}

extension SoundContainer.Foreign {
    /// ffmpeg's name of what reads it.
    fileprivate var demuxer: String {
        switch self {
        case .mpeg4: "mov"
        case .matroska: "matroska"
        case .caf: "caf"
        case .adts: "aac"
        }
    }
}
