/// A chapter of a sound, as files tell players of it: MP3 (ID3's CHAP frames), Opus (comments CHAPTER000), and MPEG-4 by ``FFmpeg``.
public struct ChapterMark: Sendable, Hashable, Codable {
    public let title: String
    /// Seconds of the whole sound.
    public let start, end: Double

    /// - Precondition: an end that is not before the start.
    public init(title: String, start: Double, end: Double) {
        precondition(start >= 0 && end >= start, "a chapter from \(start) s to \(end) s")
        // What is written on one line is read on one line.
        self.title = title.split(whereSeparator: \.isNewline).joined(separator: " ").filter { $0 != "\0" }
        (self.start, self.end) = (start, end)
    }

    /// In whole milliseconds.
    var milliseconds: (start: Int, end: Int) { (Int((start * 1000).rounded()), Int((end * 1000).rounded())) }
}
