import FileSupport
import Foundation

extension FFmpeg {
    /// Puts AAC into an MPEG-4 file (.m4a, .m4b) with chapters, without encoding it again.
    ///
    /// The program may open these files alone, and has limits of time, memory and output.
    /// - Parameters:
    ///   - sound: a file of AAC in ADTS frames, as ``AudioFormat/aac`` is written.
    ///   - chapters: the marks, in order; none where the file is to have no chapters.
    ///   - title: of the whole; nil for none.
    ///   - target: a file to be made; what is there is replaced.
    /// - Throws: ``AudioError/unwritable(name:reason:)`` with what the program said; nothing is left then.
    public func writeMPEG4(_ sound: URL, chapters: [ChapterMark], title: String? = nil, to target: URL) throws {
        func refusal(_ reason: String) -> AudioError { .unwritable(name: target.path, reason: reason) }
        let list = target.deletingLastPathComponent().appending(
            path: ".\(target.lastPathComponent.prefix(64)).\(UUID().uuidString.prefix(8)).chapters")
        try AtomicWriter.write(Data(Self.metadata(chapters, title).utf8), to: list)
        defer { unlink(list.path) }
        guard let bytes = try? sound.resourceValues(forKeys: [.fileSizeKey]).fileSize else { throw refusal("\(sound.path) cannot be read") }
        // Some hundred times as fast as the disk is slow.
        let seconds = max(self.seconds, Double(bytes) / 100_000), complaints = Pipe()
        let input = ["-f", "aac", "-i", "file:\(sound.path)", "-f", "ffmetadata", "-i", "file:\(list.path)"]
        let options = "-nostdin -hide_banner -loglevel error -threads 1 -protocol_whitelist file".split(separator: " ").map(String.init)
        let output = "-map 0:a:0 -map_metadata 1 -map_chapters 1 -c:a copy -f ipod -movflags +faststart -y".split(separator: " ").map(String.init)
        let process = limited(options + input + output + ["file:\(target.path)"], seconds: seconds, blocks: (bytes >> 9) * 5 / 4 + 2048)
        (process.standardInput, process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice, complaints)
        do { try process.run() } catch { throw refusal("\(executable.path) cannot be started: \(error.localizedDescription)") }
        try? complaints.fileHandleForWriting.close()
        // What limits its time ends it, and with it the reading.
        let said = String(decoding: (try? complaints.fileHandleForReading.readToEnd()) ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationReason == .exit, process.terminationStatus == 0 else {
            unlink(target.path)
            let line = said.split(whereSeparator: \.isNewline).last.map { String($0.prefix(200)) }
            throw refusal("ffmpeg has not written it" + (line.map { " (\($0))" } ?? ""))
        }
    }

    /// A title and chapters in ffmpeg's own form, in which some signs have a backslash before them.
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
