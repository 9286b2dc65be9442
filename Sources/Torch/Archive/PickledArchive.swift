import Foundation

/// The tensors of a file that Python's `torch.save` wrote (a zip of a pickle and of bare storages), read without Python.
///
/// The file is mapped into memory and its tensors are views of it, as with safetensors. Nothing in it is ever executed.
public struct PickledArchive: Sendable {
    /// Tensors by the dotted path of dictionary keys and list positions that leads to them: `t3.speaker_emb`.
    public let tensors: [String: Tensor]
    /// Other leaves (numbers, strings), as text, by path. Objects that are neither are left out.
    public let values: [String: String]

    /// - Throws: ``ArchiveError`` naming the file where it is missing, not such an archive, or damaged.
    public init(_ url: URL) throws {
        let file: MappedFile
        do { file = try MappedFile(url) } catch SafetensorsError.unreadable(_, let reason) {
            throw ArchiveError.unreadable(url, reason: reason)
        }
        let bytes = UnsafeRawBufferPointer(file.bytes)
        guard bytes.starts(with: [0x50, 0x4B]) else { throw ArchiveError.notAnArchive(url, bytes: bytes.count) }
        do {
            var contents = Contents(file: file, directory: try ZipDirectory(bytes))
            try contents.walk("", contents.tree(), depth: 0)
            tensors = contents.tensors
            values = contents.values
        } catch let problem as ZipDirectory.Problem {
            throw ArchiveError.damaged(url, bytes: bytes.count, reason: problem.reason)
        } catch let problem as Unpickler.Problem {
            throw ArchiveError.damaged(url, bytes: bytes.count, reason: problem.reason)
        }
    }
}

private struct Contents {
    let file: MappedFile
    let directory: ZipDirectory
    var tensors: [String: Tensor] = [:]
    var values: [String: String] = [:]
    private var prefix = ""
    /// Shared lists and dictionaries count as often as they occur.
    private var visits = 0

    init(file: MappedFile, directory: ZipDirectory) {
        self.file = file
        self.directory = directory
    }

    /// All records lie in one folder of any name.
    mutating func tree() throws -> PickledValue {
        guard let name = directory.records.keys.first(where: { $0 == "data.pkl" || $0.hasSuffix("/data.pkl") }) else {
            throw ZipDirectory.Problem(reason: "it has no record data.pkl")
        }
        prefix = String(name.dropLast("data.pkl".count))
        if let order = directory.records[prefix + "byteorder"], !UnsafeRawBufferPointer(rebasing: file.bytes[order]).elementsEqual("little".utf8) {
            throw ZipDirectory.Problem(reason: "its numbers are stored in the byte order of another kind of machine")
        }
        return try Unpickler.read(UnsafeRawBufferPointer(rebasing: file.bytes[directory.records[name]!]))
    }

    mutating func walk(_ path: String, _ value: PickledValue, depth: Int) throws {
        visits += 1
        guard depth < 100, visits < 1_000_000 else { throw Unpickler.Problem(reason: "its dictionaries lie in each other") }
        func below(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }
        switch value {
        case .tensor(let tensor): tensors[path] = try load(tensor)
        case .dictionary(let dictionary):
            for (key, value) in dictionary.entries {
                if let key = Self.text(key) { try walk(below(key), value, depth: depth + 1) }
            }
        case .list(let list):
            for (position, value) in list.elements.enumerated() { try walk(below("\(position)"), value, depth: depth + 1) }
        case .tuple(let elements):
            for (position, value) in elements.enumerated() { try walk(below("\(position)"), value, depth: depth + 1) }
        default:
            if let text = Self.text(value) { values[path] = text }
        }
    }

    private static func text(_ value: PickledValue) -> String? {
        switch value {
        case .none: "None"
        case .bool(let value): value ? "True" : "False"
        case .int(let value): "\(value)"
        case .float(let value): "\(value)"
        case .string(let value): value
        default: nil
        }
    }

    /// - Throws: `Unpickler.Problem` where the tensor reaches beyond its storage.
    private func load(_ tensor: PickledTensor) throws -> Tensor {
        guard let record = directory.records["\(prefix)data/\(tensor.key)"] else {
            throw Unpickler.Problem(reason: "the contents of a tensor are missing")
        }
        let size = tensor.dtype.size, stored = record.count / size
        guard !tensor.shape.contains(0) else { return try .empty(tensor.shape, dtype: tensor.dtype) }
        guard tensor.offset < stored else { throw Unpickler.Problem(reason: "a tensor reaches beyond its contents") }
        var last = tensor.offset
        for (length, stride) in zip(tensor.shape, tensor.strides) {
            let (span, overflow) = (length - 1).multipliedReportingOverflow(by: stride)
            guard !overflow, span < stored - last else { throw Unpickler.Problem(reason: "a tensor reaches beyond its contents") }
            last += span
        }
        let bytes = UnsafeMutableRawBufferPointer(rebasing: file.bytes[record])
        let first = bytes.baseAddress! + tensor.offset * size
        if tensor.isContiguous, Int(bitPattern: first) % size == 0 {
            return try .aliasing(first, shape: tensor.shape, dtype: tensor.dtype, owner: file)
        }
        let whole = try Tensor(bytes: UnsafeRawBufferPointer(start: bytes.baseAddress, count: stored * size), shape: [stored], dtype: tensor.dtype)
        return try whole.strided(shape: tensor.shape, strides: tensor.strides, offset: tensor.offset).contiguous()
    }
}

/// What can be wrong with a `.pt` file.
public enum ArchiveError: Error, CustomStringConvertible {
    case unreadable(URL, reason: String)
    case notAnArchive(URL, bytes: Int)
    case damaged(URL, bytes: Int, reason: String)

    public var description: String {
        switch self {
        case .unreadable(let url, let reason):
            "\(url.path): cannot be read (\(reason))"
        case .notAnArchive(let url, let bytes):
            "\(url.path): not a torch.save archive (\(bytes) bytes that do not begin with a zip's PK); download it again"
        case .damaged(let url, let bytes, let reason):
            "\(url.path): a damaged torch.save archive of \(bytes) bytes, probably a half-finished download; download it again (\(reason))"
        }
    }
}
