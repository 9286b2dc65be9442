/// Describes what is wrong with the bytes of an archive, for an error that also names the file.
struct ArchiveProblem: Error {
    let text: String
    /// Whether the bytes are valid but contain objects that are not supported; otherwise they are damaged.
    var isForeign = false
}

/// Reads numbers and texts from bytes, one after another, and never beyond the end.
struct ByteReader {
    private let bytes: UnsafeRawBufferPointer
    private(set) var position: Int

    init(_ bytes: UnsafeRawBufferPointer, at position: Int = 0) {
        self.bytes = bytes
        self.position = position
    }

    var remaining: Int { bytes.count - position }

    /// The next `count` bytes.
    mutating func take(_ count: Int) throws(ArchiveProblem) -> UnsafeRawBufferPointer {
        guard count >= 0, position >= 0, count <= bytes.count - position else { throw ArchiveProblem(text: "it ends in the middle of a record") }
        defer { position += count }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
    }

    /// A little-endian number.
    mutating func integer<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) throws(ArchiveProblem) -> Number {
        Number(littleEndian: try take(MemoryLayout<Number>.size).loadUnaligned(as: Number.self))
    }

    /// A number of bytes of a file.
    mutating func length<Number: FixedWidthInteger & UnsignedInteger>(_ type: Number.Type) throws(ArchiveProblem) -> Int {
        guard let length = Int(exactly: try integer(type)) else { throw ArchiveProblem(text: "it states an impossible length") }
        return length
    }

    /// `count` bytes of UTF-8.
    mutating func text(_ count: Int) throws(ArchiveProblem) -> String {
        guard let text = String(validating: try take(count), as: UTF8.self) else { throw ArchiveProblem(text: "a text in it is not UTF-8") }
        return text
    }

    /// The text up to a line feed, which is skipped.
    mutating func line() throws(ArchiveProblem) -> String {
        guard position >= 0, position <= bytes.count, let end = bytes[position...].firstIndex(of: 0x0A) else {
            throw ArchiveProblem(text: "it ends in the middle of a line")
        }
        let line = try text(end - position)
        position += 1
        return line
    }
}
