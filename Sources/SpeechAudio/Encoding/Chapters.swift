/// A chapter of a sound, as files store it for players: MP3 (ID3's CHAP frames), Opus (comments CHAPTER000), and MPEG-4 by ``FFmpeg``.
public struct ChapterMark: Sendable, Hashable, Codable {
    public let title: String
    /// Seconds from the beginning of the whole sound.
    public let start, end: Double

    /// - Precondition: an end that is not before the start.
    public init(title: String, start: Double, end: Double) {
        precondition(start >= 0 && end >= start, "a chapter from \(start) s to \(end) s")
        // The formats store a title on one line.
        self.title = title.split(whereSeparator: \.isNewline).joined(separator: " ").filter { $0 != "\0" }
        (self.start, self.end) = (start, end)
    }

    /// Rounded to whole milliseconds.
    var milliseconds: (start: Int, end: Int) { (Int((start * 1000).rounded()), Int((end * 1000).rounded())) }
}

/// The tag before an MP3's frames: a title and chapters, in ID3 2.3 (id3.org's "ID3 tag version 2.3.0" and "ID3v2 Chapter Frame Addendum"), which
/// more players support than 2.4.
struct ID3Tag {
    let title: String?
    let chapters: [ChapterMark]

    /// The largest number of entries in a table of contents, whose count is one byte.
    private static let mostEntries = 255
    static let mostChapters = mostEntries * mostEntries

    /// The tag's bytes; empty if there are no title and no chapters.
    ///
    /// - Throws: ``AudioError/notEncodable(format:reason:)`` for more chapters or longer titles than a tag can contain.
    func bytes() throws -> [UInt8] {
        guard title != nil || !chapters.isEmpty else { return [] }
        guard chapters.count <= Self.mostChapters else {
            throw AudioError.notEncodable(format: .mp3, reason: "it holds \(Self.mostChapters) chapters, not \(chapters.count)")
        }
        var frames = title.map { Self.frame("TIT2", Self.text($0)) } ?? []
        if !chapters.isEmpty { frames += contents() + chapters.enumerated().flatMap { Self.chapter($1, $0) } }
        guard frames.count < 1 << 28 else { throw AudioError.notEncodable(format: .mp3, reason: "its chapters' titles are too long together") }
        // The size has seven bits in each byte, so that it cannot be mistaken for the beginning of a frame.
        return Array("ID3".utf8) + [3, 0, 0] + [21, 14, 7, 0].map { UInt8(frames.count >> $0 & 0x7F) } + frames
    }

    /// The table of contents; for many chapters a table of tables.
    private func contents() -> [UInt8] {
        let names = chapters.indices.map(Self.name)
        guard names.count > Self.mostEntries else { return Self.contents("toc", names, isTop: true) }
        let lists = stride(from: 0, to: names.count, by: Self.mostEntries).map { Array(names[$0..<min($0 + Self.mostEntries, names.count)]) }
        return Self.contents("toc", lists.indices.map { "toc\($0)" }, isTop: true)
            + lists.enumerated().flatMap { Self.contents("toc\($0)", $1, isTop: false) }
    }

    private static func contents(_ name: String, _ entries: [String], isTop: Bool) -> [UInt8] {
        let flags: UInt8 = isTop ? 0b11 : 0b01
        return frame("CTOC", terminated(name) + [flags, UInt8(entries.count)] + entries.flatMap(terminated))
    }

    private static func chapter(_ mark: ChapterMark, _ number: Int) -> [UInt8] {
        let times = [mark.milliseconds.start, mark.milliseconds.end].flatMap { big(UInt32(clamping: $0)) }
        // Byte offsets are left out, so that players use the times.
        return frame("CHAP", terminated(name(number)) + times + [UInt8](repeating: 0xFF, count: 8) + frame("TIT2", text(mark.title)))
    }

    private static func name(_ number: Int) -> String { "ch\(number)" }

    private static func terminated(_ text: String) -> [UInt8] { Array(text.utf8) + [0] }

    /// UTF-16 with a byte order mark, which is encoding 1.
    private static func text(_ text: String) -> [UInt8] {
        [1, 0xFE, 0xFF] + text.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] } + [0, 0]
    }

    private static func frame(_ name: String, _ body: [UInt8]) -> [UInt8] { Array(name.utf8) + big(UInt32(body.count)) + [0, 0] + body }

    private static func big(_ value: UInt32) -> [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) } }
}
