/// The positions of the entries of a zip file. Only uncompressed entries are supported: `torch.save` does not compress, and without compression a
/// small file cannot expand into a large one.
///
/// Format: PKWARE's APPNOTE.TXT, with the 64-bit records that `torch.save` always writes.
struct ZipDirectory {
    /// Byte ranges within the file, by entry name.
    private(set) var entries: [String: Range<Int>] = [:]

    private static let endRecord: UInt32 = 0x0605_4B50
    private static let end64Locator: UInt32 = 0x0706_4B50
    private static let end64Record: UInt32 = 0x0606_4B50
    private static let centralRecord: UInt32 = 0x0201_4B50
    private static let localRecord: UInt32 = 0x0403_4B50

    init(_ bytes: UnsafeRawBufferPointer) throws(ArchiveProblem) {
        let (count, start) = try Self.locate(bytes)
        var reader = ByteReader(bytes, at: start)
        for _ in 0..<count { try add(&reader, bytes) }
    }

    /// The number of entries, and the position of their list.
    private static func locate(_ bytes: UnsafeRawBufferPointer) throws(ArchiveProblem) -> (count: Int, start: Int) {
        // The end record has 22 bytes and a comment of at most 65,535.
        let earliest = max(0, bytes.count - 22 - 0xFFFF)
        var position = bytes.count - 22
        while position >= earliest, bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self).littleEndian != endRecord { position -= 1 }
        guard position >= earliest, position >= 0 else { throw ArchiveProblem(text: "the list of its parts, expected at its end, is missing") }
        var reader = ByteReader(bytes, at: position + 10)
        var count = try reader.length(UInt16.self)
        _ = try reader.integer(UInt32.self)
        var start = try reader.length(UInt32.self)
        if position >= 20, bytes.loadUnaligned(fromByteOffset: position - 20, as: UInt32.self).littleEndian == end64Locator {
            var locator = ByteReader(bytes, at: position - 12)
            var record = ByteReader(bytes, at: try locator.length(UInt64.self))
            guard try record.integer(UInt32.self) == end64Record else {
                throw ArchiveProblem(text: "the list of its parts is not where it should be")
            }
            _ = try record.take(28)
            count = try record.length(UInt64.self)
            _ = try record.integer(UInt64.self)
            start = try record.length(UInt64.self)
        }
        return (count, start)
    }

    /// Reads one entry of the list, and the entry's own header to find where its bytes begin.
    private mutating func add(_ reader: inout ByteReader, _ bytes: UnsafeRawBufferPointer) throws(ArchiveProblem) {
        guard try reader.integer(UInt32.self) == Self.centralRecord else { throw ArchiveProblem(text: "the list of its parts is damaged") }
        _ = try reader.take(4)
        let flags = try reader.integer(UInt16.self)
        let method = try reader.integer(UInt16.self)
        _ = try reader.take(8)
        var stored = try reader.length(UInt32.self)
        var size = try reader.length(UInt32.self)
        let nameLength = try reader.length(UInt16.self), extraLength = try reader.length(UInt16.self)
        let commentLength = try reader.length(UInt16.self)
        _ = try reader.take(8)
        var header = try reader.length(UInt32.self)
        let name = try reader.text(nameLength)
        var extra = ByteReader(try reader.take(extraLength))
        _ = try reader.take(commentLength)
        while extra.remaining >= 4 {
            let kind = try extra.integer(UInt16.self)
            var field = ByteReader(try extra.take(extra.length(UInt16.self)))
            guard kind == 1 else { continue }
            // Numbers that are too large for their field are stored here, in this order.
            if size == 0xFFFF_FFFF { size = try field.length(UInt64.self) }
            if stored == 0xFFFF_FFFF { stored = try field.length(UInt64.self) }
            if header == 0xFFFF_FFFF { header = try field.length(UInt64.self) }
        }
        guard flags & 1 == 0, method == 0, stored == size else {
            throw ArchiveProblem(text: "its part \"\(name)\" is compressed or encrypted, which torch.save never does", isForeign: true)
        }
        var local = ByteReader(bytes, at: header)
        guard try local.integer(UInt32.self) == Self.localRecord else {
            throw ArchiveProblem(text: "its part \"\(name)\" is not at the place that the list gives")
        }
        _ = try local.take(22)
        let localName = try local.length(UInt16.self), localExtra = try local.length(UInt16.self)
        _ = try local.take(localName + localExtra)
        let start = local.position
        _ = try local.take(size)
        guard entries.updateValue(start..<start + size, forKey: name) == nil else { throw ArchiveProblem(text: "it has two parts named \"\(name)\"") }
    }
}
