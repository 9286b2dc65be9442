import FileSupport
import Foundation

/// A safetensors file: a JSON header that names tensors, then their bytes.
///
/// The file is mapped into memory, so opening it reads only the header, and CPU tensors use the file's pages without a copy. The whole header is
/// checked when the file is opened: all tensors of an opened file can be read. Format: Hugging Face's `safetensors` README.
public struct SafetensorsFile: Sendable {
    /// The location of one tensor.
    public struct Entry: Sendable, Hashable {
        public let dtype: DType
        public let shape: [Int]
        /// Bytes within the file.
        public let range: Range<Int>
    }

    public let url: URL
    /// Tensors by name.
    public let entries: [String: Entry]
    /// The header's metadata: free text.
    public let metadata: [String: String]
    private let file: MappedFile

    /// - Throws: ``SafetensorsError`` if the file cannot be read, is truncated or contradicts itself.
    public init(_ url: URL) throws {
        self.url = url
        do { file = try MappedFile(url) } catch { throw SafetensorsError.unreadable(url, reason: error.reason) }
        let header = try SafetensorsHeader(UnsafeRawBufferPointer(file.bytes), url)
        entries = header.entries
        metadata = header.metadata
    }

    /// One tensor; on the CPU a view of the mapped file.
    ///
    /// - Parameters:
    ///   - name: the name in the file.
    ///   - dtype: the type to which floating-point tensors are converted; others are not converted.
    ///   - device: the tensor's device.
    /// - Throws: ``WeightsError/missing(source:tensor:)``, or ``TorchError`` if the device has no memory left.
    public func tensor(_ name: String, dtype: DType? = nil, device: Device = .cpu) throws -> Tensor {
        guard let entry = entries[name] else { throw WeightsError.missing(source: url.lastPathComponent, tensor: name) }
        let stored = try self.stored(entry)
        return try (dtype.map { entry.dtype.isFloatingPoint ? try stored.to($0) : stored } ?? stored).to(device)
    }

    /// All tensors.
    public func tensors() throws -> [String: Tensor] {
        try Dictionary(uniqueKeysWithValues: entries.keys.map { ($0, try tensor($0)) })
    }

    /// Frees the memory of the pages that were read.
    func releasePages() { file.releasePages() }

    private func stored(_ entry: Entry) throws -> Tensor {
        guard !entry.range.isEmpty else { return try .empty(entry.shape, dtype: entry.dtype) }
        let start = file.bytes.baseAddress! + entry.range.lowerBound
        guard Int(bitPattern: start) % entry.dtype.size == 0 else {
            // Some writers do not pad the header, so that elements are not aligned.
            return try Tensor(bytes: UnsafeRawBufferPointer(start: start, count: entry.range.count), shape: entry.shape, dtype: entry.dtype)
        }
        return try .aliasing(start, shape: entry.shape, dtype: entry.dtype, owner: file)
    }
}

extension DType {
    /// The format's name for an element type.
    var safetensorsName: String? {
        switch self {
        case .float32: "F32"
        case .float64: "F64"
        case .float16: "F16"
        case .bfloat16: "BF16"
        case .int64: "I64"
        case .int32: "I32"
        case .int16: "I16"
        case .int8: "I8"
        case .uint8: "U8"
        case .bool: "BOOL"
        case .complex64: "C64"
        }
    }

    init?(safetensorsName name: String) {
        guard let match = DType.allCases.first(where: { $0.safetensorsName == name }) else { return nil }
        self = match
    }
}
