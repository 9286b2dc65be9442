import Foundation

/// The records of a zip file whose contents are stored as they are, as `torch.save` stores them.
struct ZipDirectory {
    /// Bytes within the file, by the records' names.
    let records: [String: Range<Int>]

    struct Problem: Error { let reason: String }

    /// - Throws: ``Problem`` where the file is cut off, contradicts itself or has compressed records.
    init(_ bytes: UnsafeRawBufferPointer) throws {
        let file = LittleEndian(bytes)
        let end = try Self.end(of: file)
        var records: [String: Range<Int>] = [:]
        var place = end.start
        for _ in 0..<end.count {
            guard try file.number(place, UInt32.self) == 0x0201_4B50 else { throw Problem(reason: "its directory is damaged") }
            let method = try file.number(place + 10, UInt16.self)
            let nameLength = try file.number(place + 28, UInt16.self), extraLength = try file.number(place + 30, UInt16.self)
            let name = String(decoding: try file.slice(place + 46, nameLength), as: UTF8.self)
            guard method == 0 else { throw Problem(reason: "its record \(name) is compressed") }
            var size = try file.number(place + 20, UInt32.self), start = try file.number(place + 42, UInt32.self)
            let plainSize = try file.number(place + 24, UInt32.self)
            try Self.widen(&size, &start, plainSize, file, place + 46 + nameLength, extraLength)
            // The record's own header repeats the name and has extras of its own.
            guard try file.number(start, UInt32.self) == 0x0403_4B50 else { throw Problem(reason: "its record \(name) is not where its directory says") }
            let first = try start + 30 + file.number(start + 26, UInt16.self) + file.number(start + 28, UInt16.self)
            _ = try file.slice(first, size)
            records[name] = first..<first + size
            place += try 46 + nameLength + extraLength + file.number(place + 32, UInt16.self)
        }
        self.records = records
    }

    /// Where the directory begins and how many records it has; it stands at the end of the file.
    private static func end(of file: LittleEndian) throws -> (start: Int, count: Int) {
        var place = file.count - 22
        while place >= max(0, file.count - 22 - 65_535), try file.number(place, UInt32.self) != 0x0605_4B50 { place -= 1 }
        guard place >= max(0, file.count - 22 - 65_535) else { throw Problem(reason: "its directory is missing") }
        let wide = place - 20
        if wide >= 0, try file.number(wide, UInt32.self) == 0x0706_4B50 {
            let place = try file.number(wide + 8, UInt64.self)
            guard try file.number(place, UInt32.self) == 0x0606_4B50 else { throw Problem(reason: "its directory is damaged") }
            return try (file.number(place + 48, UInt64.self), file.number(place + 32, UInt64.self))
        }
        return try (file.number(place + 16, UInt32.self), file.number(place + 10, UInt16.self))
    }

    /// Sizes and places beyond 32 bits stand in an extra field, each only where its short form is all ones.
    private static func widen(
        _ size: inout Int, _ start: inout Int, _ plainSize: Int, _ file: LittleEndian, _ extras: Int, _ length: Int
    ) throws {
        let full = Int(UInt32.max)
        var place = extras
        while place + 4 <= extras + length {
            let kind = try file.number(place, UInt16.self), count = try file.number(place + 2, UInt16.self)
            if kind == 1 {
                var field = place + 4
                func next(_ isWide: Bool) throws -> Int? {
                    guard isWide else { return nil }
                    defer { field += 8 }
                    return try file.number(field, UInt64.self)
                }
                _ = try next(plainSize == full)
                size = try next(size == full) ?? size
                start = try next(start == full) ?? start
            }
            place += 4 + count
        }
    }
}

/// Numbers and stretches of bytes, with every access checked.
struct LittleEndian {
    private let bytes: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var count: Int { bytes.count }

    func slice(_ start: Int, _ count: Int) throws -> UnsafeRawBufferPointer {
        guard start >= 0, count >= 0, start <= bytes.count, count <= bytes.count - start else {
            throw ZipDirectory.Problem(reason: "it is cut off")
        }
        return UnsafeRawBufferPointer(rebasing: bytes[start..<start + count])
    }

    func number<Number: FixedWidthInteger>(_ place: Int, _ type: Number.Type) throws -> Int {
        let value = try Number(littleEndian: slice(place, MemoryLayout<Number>.size).loadUnaligned(as: Number.self))
        guard let value = Int(exactly: value) else { throw ZipDirectory.Problem(reason: "a number in it is too large") }
        return value
    }
}
