import FileSupport
import Foundation

/// The checked header of a safetensors file.
struct SafetensorsHeader {
    /// The limit of the reference implementation, in bytes.
    static let longest = 100_000_000

    private(set) var entries: [String: SafetensorsFile.Entry] = [:]
    private(set) var metadata: [String: String] = [:]

    /// Reads and checks the header: every tensor has a known type and a shape that matches its bytes, and the tensors fill the rest of the file
    /// without gap or overlap.
    init(_ bytes: UnsafeRawBufferPointer, _ url: URL) throws {
        guard bytes.count >= 8 else { throw SafetensorsError.tooShort(url, bytes: bytes.count) }
        let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard length >= 2, length <= UInt64(Self.longest), length <= UInt64(bytes.count - 8) else {
            throw SafetensorsError.headerLength(url, length: length, bytes: bytes.count)
        }
        let start = 8 + Int(length)
        let text = UnsafeRawBufferPointer(rebasing: bytes[8..<start])
        // A header is nested three levels deep; a file that would exhaust the parser's stack is refused before it is parsed.
        let outline = JSONOutline(text, limit: 8)
        guard outline.depth <= 8 else { throw SafetensorsError.header(url, problem: "nested too deep") }
        let contents: Contents
        do { contents = try JSONDecoder().decode(Contents.self, from: Data(text)) } catch DecodingError.typeMismatch {
            throw SafetensorsError.header(url, problem: "not a JSON object")
        } catch {
            throw SafetensorsError.header(url, problem: "not JSON")
        }
        guard contents.count == outline.names else { throw SafetensorsError.header(url, problem: "a name occurs twice") }
        if contents.hasMetadata {
            guard let texts = contents.metadata else { throw SafetensorsError.header(url, problem: "__metadata__ is not a table of texts") }
            metadata = texts
        }
        for (name, tensor) in contents.tensors { entries[name] = try Self.entry(name, tensor, dataStart: start, url) }
        try checkLayout(from: start, to: bytes.count, url)
    }

    private static func entry(_ name: String, _ tensor: Contents.Tensor?, dataStart: Int, _ url: URL) throws -> SafetensorsFile.Entry {
        func problem(_ text: String) -> SafetensorsError { .tensor(url, name: name, problem: text) }
        guard let tensor else { throw problem("is not described by a JSON object") }
        guard let typeName = tensor.dtype else { throw problem("has no dtype") }
        guard let dtype = DType(safetensorsName: typeName) else { throw problem("has the unknown dtype \"\(typeName.shown(limit: 20))\"") }
        guard let shape = tensor.shape, shape.allSatisfy({ $0 >= 0 }) else { throw problem("has no shape of whole numbers") }
        guard let offsets = tensor.offsets, offsets.count == 2, 0 <= offsets[0], offsets[0] <= offsets[1] else {
            throw problem("has no two data_offsets in order")
        }
        guard shape.count <= 32 else { throw problem("has \(shape.count) axes; at most 32 are supported") }
        // An axis of size 0 must not hide impossible sizes of the others: libtorch multiplies them to compute strides.
        var extent = dtype.size
        for size in shape where size > 0 {
            let (product, overflow) = extent.multipliedReportingOverflow(by: size)
            guard !overflow else { throw problem("has an impossible shape \(shape)") }
            extent = product
        }
        let bytes = shape.contains(0) ? 0 : extent
        guard offsets[1] - offsets[0] == bytes else {
            throw problem("of shape \(shape) and dtype \(typeName) needs \(bytes) bytes, its data_offsets span \(offsets[1] - offsets[0])")
        }
        let (end, overflow) = offsets[1].addingReportingOverflow(dataStart)
        guard !overflow else { throw problem("has impossible data_offsets") }
        return SafetensorsFile.Entry(dtype: dtype, shape: shape, range: dataStart + offsets[0]..<end)
    }

    private func checkLayout(from start: Int, to end: Int, _ url: URL) throws {
        var position = start
        for (name, entry) in entries.sorted(by: {
            ($0.value.range.lowerBound, $0.value.range.upperBound) < ($1.value.range.lowerBound, $1.value.range.upperBound)
        }) {
            guard entry.range.lowerBound >= position else {
                throw SafetensorsError.tensor(url, name: name, problem: "overlaps another tensor")
            }
            guard entry.range.lowerBound == position else {
                throw SafetensorsError.tensor(url, name: name, problem: "follows a gap of \(entry.range.lowerBound - position) bytes")
            }
            position = entry.range.upperBound
        }
        guard position == end else { throw SafetensorsError.length(url, expected: position, found: end) }
    }

    /// The JSON's contents; each part is nil if its type is wrong. `true` is not accepted as a number.
    private struct Contents: Decodable {
        struct Tensor: Decodable {
            let dtype: String?
            let shape, offsets: [Int]?

            private enum Key: String, CodingKey { case dtype, shape, data_offsets }

            init(from decoder: any Decoder) throws {
                let fields = try decoder.container(keyedBy: Key.self)
                dtype = try? fields.decode(String.self, forKey: .dtype)
                shape = try? fields.decode([Int].self, forKey: .shape)
                offsets = try? fields.decode([Int].self, forKey: .data_offsets)
            }
        }
        struct Name: CodingKey {
            let stringValue: String
            var intValue: Int? { nil }
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }

        let hasMetadata: Bool
        let metadata: [String: String]?
        let tensors: [(name: String, tensor: Tensor?)]
        var count: Int { tensors.count + (hasMetadata ? 1 : 0) }

        init(from decoder: any Decoder) throws {
            let table = try decoder.container(keyedBy: Name.self), metadataName = Name(stringValue: "__metadata__")
            hasMetadata = table.contains(metadataName)
            metadata = try? table.decode([String: String].self, forKey: metadataName)
            tensors = table.allKeys.filter { $0.stringValue != metadataName.stringValue }.map { name in
                (name.stringValue, try? table.decode(Tensor.self, forKey: name))
            }
        }
    }
}
