import Foundation

/// The checked header of a safetensors file.
struct SafetensorsHeader {
    /// The reference implementation's limit.
    static let longest = 100_000_000

    private(set) var entries: [String: SafetensorsFile.Entry] = [:]
    private(set) var metadata: [String: String] = [:]

    /// Reads and checks: every tensor has a known type, a shape that its bytes fit, and the tensors fill the rest of the
    /// file without gap or overlap.
    init(_ bytes: UnsafeRawBufferPointer, _ url: URL) throws {
        guard bytes.count >= 8 else { throw SafetensorsError.tooShort(url, bytes: bytes.count) }
        let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard length >= 2, length <= UInt64(Self.longest), length <= UInt64(bytes.count - 8) else {
            throw SafetensorsError.headerLength(url, length: length, bytes: bytes.count)
        }
        let start = 8 + Int(length)
        let text = UnsafeRawBufferPointer(rebasing: bytes[8..<start])
        try Self.checkDepth(text, url)
        let parsed: Any
        do { parsed = try JSONSerialization.jsonObject(with: Data(text)) } catch {
            throw SafetensorsError.header(url, problem: "not JSON")
        }
        guard let tensors = parsed as? [String: Any] else { throw SafetensorsError.header(url, problem: "not a JSON object") }
        for (name, value) in tensors {
            if name == "__metadata__" {
                guard let texts = value as? [String: String] else {
                    throw SafetensorsError.header(url, problem: "__metadata__ is not a table of texts")
                }
                metadata = texts
            } else {
                entries[name] = try Self.entry(name, value, dataStart: start, url)
            }
        }
        try checkLayout(from: start, to: bytes.count, url)
    }

    private static func entry(_ name: String, _ value: Any, dataStart: Int, _ url: URL) throws -> SafetensorsFile.Entry {
        func problem(_ text: String) -> SafetensorsError { .tensor(url, name: name, problem: text) }
        guard let fields = value as? [String: Any] else { throw problem("is not described by a JSON object") }
        guard let typeName = fields["dtype"] as? String else { throw problem("has no dtype") }
        guard let dtype = DType(safetensorsName: typeName) else { throw problem("has the unknown dtype \"\(typeName)\"") }
        guard let shape = wholeNumbers(fields["shape"]) else { throw problem("has no shape of whole numbers") }
        guard let offsets = wholeNumbers(fields["data_offsets"]), offsets.count == 2, offsets[0] <= offsets[1] else {
            throw problem("has no two data_offsets in order")
        }
        var bytes = dtype.size
        for size in shape {
            let (product, overflow) = bytes.multipliedReportingOverflow(by: size)
            guard !overflow else { throw problem("has an impossible shape \(shape)") }
            bytes = product
        }
        guard offsets[1] - offsets[0] == bytes else {
            throw problem("of shape \(shape) and dtype \(typeName) needs \(bytes) bytes, its data_offsets span \(offsets[1] - offsets[0])")
        }
        let (end, overflow) = offsets[1].addingReportingOverflow(dataStart)
        guard !overflow else { throw problem("has impossible data_offsets") }
        return SafetensorsFile.Entry(dtype: dtype, shape: shape, range: dataStart + offsets[0]..<end)
    }

    /// nil unless the value is a list of numbers that are whole and not negative.
    private static func wholeNumbers(_ value: Any?) -> [Int]? {
        guard let list = value as? [Any] else { return nil }
        var numbers: [Int] = []
        for element in list {
            guard !(element is Bool) || element is Int, let number = element as? Int, number >= 0 else { return nil }
            numbers.append(number)
        }
        return numbers
    }

    private func checkLayout(from start: Int, to end: Int, _ url: URL) throws {
        var position = start
        for (name, entry) in entries.sorted(by: { ($0.value.range.lowerBound, $0.value.range.upperBound) < ($1.value.range.lowerBound, $1.value.range.upperBound) }) {
            guard entry.range.lowerBound >= position else {
                throw SafetensorsError.tensor(url, name: name, problem: "overlaps another tensor")
            }
            guard entry.range.lowerBound == position else {
                throw SafetensorsError.tensor(url, name: name, problem: "stands after a gap of \(entry.range.lowerBound - position) bytes")
            }
            position = entry.range.upperBound
        }
        guard position == end else { throw SafetensorsError.length(url, expected: position, found: end) }
    }

    /// A header nests three deep; a file made to exhaust the parser's stack is refused before it is parsed.
    private static func checkDepth(_ text: UnsafeRawBufferPointer, _ url: URL) throws {
        var depth = 0
        var inString = false
        var escaped = false
        for byte in text {
            if inString {
                if escaped { escaped = false }
                else if byte == UInt8(ascii: "\\") { escaped = true }
                else if byte == UInt8(ascii: "\"") { inString = false }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): inString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                guard depth <= 8 else { throw SafetensorsError.header(url, problem: "nested too deep") }
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
        }
    }
}
