import FileSupport
import Foundation

/// The tensors of a file that Python's `torch.save` wrote: a zip archive of tensor data and a pickle that describes it.
///
/// It is read without Python, and without executing anything that the file names. The file is memory-mapped, and tensors use its pages without a
/// copy. libtorch's own reader is not used: it does not read the state dictionary of a module, copies the file twice, and a damaged pickle of
/// twenty bytes can make it use all memory or overflow its stack.
public struct PickledArchive: Sendable {
    /// Tensors by their dotted path of dictionary keys and list positions: `t3.speaker_emb`.
    public let tensors: [String: Tensor]
    /// Other leaves (numbers, texts), as text, by path. Objects that are neither are left out.
    public let values: [String: String]

    /// The largest size of a pickle that is read, in bytes: the pickle of a checkpoint of ten thousand tensors has 3 MB.
    private static let longestPickle = 16 << 20

    /// - Throws: ``ArchiveError`` naming the file if it is missing, not such an archive, damaged, or could execute code if it were opened with
    ///   Python.
    public init(_ url: URL) throws {
        let file: MappedFile
        do { file = try MappedFile(url) } catch { throw ArchiveError.unreadable(url, reason: error.reason) }
        let bytes = UnsafeRawBufferPointer(file.bytes)
        // A zip begins with "PK".
        guard bytes.starts(with: [0x50, 0x4B]) else { throw ArchiveError.notAnArchive(url, bytes: bytes.count) }
        do {
            (tensors, values) = try withExtendedLifetime(file) { try Self.read(file, bytes) }
        } catch let problem as ArchiveProblem {
            throw problem.isForeign
                ? ArchiveError.foreign(url, reason: problem.text) : ArchiveError.damaged(url, bytes: bytes.count, reason: problem.text)
        }
    }

    private static func read(_ file: MappedFile, _ bytes: UnsafeRawBufferPointer) throws -> (tensors: [String: Tensor], values: [String: String]) {
        let entries = try ZipDirectory(bytes).entries
        guard let name = entries.keys.first(where: { $0 == "data.pkl" || $0.hasSuffix("/data.pkl") && $0.split(separator: "/").count == 2 }) else {
            throw ArchiveProblem(text: "it has no part data.pkl, so torch.save did not write it", isForeign: true)
        }
        let folder = name.dropLast("data.pkl".count), range = entries[name]!
        if let order = entries[folder + "byteorder"], !bytes[order].elementsEqual("little".utf8) {
            throw ArchiveProblem(text: "its numbers are big-endian", isForeign: true)
        }
        guard range.count <= longestPickle else { throw ArchiveProblem(text: "its pickle has \(range.count) bytes", isForeign: true) }
        let pickle = try Pickle(UnsafeRawBufferPointer(rebasing: bytes[range]))
        let memory = try pickle.storages.map { storage in
            guard let range = entries["\(folder)data/\(storage.key)"] else {
                throw ArchiveProblem(text: "the memory \"\(storage.key)\" of a tensor is missing")
            }
            let (needed, overflow) = storage.count.multipliedReportingOverflow(by: storage.dtype.size)
            guard !overflow, needed == range.count else {
                throw ArchiveProblem(text: "the memory \"\(storage.key)\" has \(range.count) bytes for \(storage.count) elements")
            }
            return range
        }
        var tensors: [String: Tensor] = [:]
        // A small file must not cause any number of copies of its memory.
        var budget = bytes.count + (64 << 20)
        let leaves = try pickle.leaves()
        for (path, index) in leaves.tensors {
            let view = pickle.views[index]
            let tensor = try tensor(view, of: pickle.storages[view.storage], at: memory[view.storage], file)
            if !tensor.isContiguous {
                budget -= tensor.byteCount
                guard budget >= 0 else { throw ArchiveProblem(text: "its tensors repeat the same memory too often", isForeign: true) }
            }
            tensors[path] = try tensor.contiguous()
        }
        return (tensors, Dictionary(leaves.values, uniquingKeysWith: { $1 }))
    }

    private static func tensor(_ view: Pickle.View, of storage: Pickle.Storage, at range: Range<Int>, _ file: MappedFile) throws -> Tensor {
        guard view.fits(storage.count) else {
            throw ArchiveProblem(
                text: "a tensor of shape \(view.shape) and strides \(view.strides) lies outside its memory of \(storage.count) elements")
        }
        guard !view.shape.contains(0) else { return try .empty(view.shape, dtype: storage.dtype) }
        let start = file.bytes.baseAddress! + range.lowerBound
        let whole =
            Int(bitPattern: start) % storage.dtype.size == 0
            ? try Tensor.aliasing(start, shape: [storage.count], dtype: storage.dtype, owner: file)
            : try Tensor(bytes: UnsafeRawBufferPointer(start: start, count: range.count), shape: [storage.count], dtype: storage.dtype)
        return try whole.strided(shape: view.shape, strides: view.strides, offset: view.offset)
    }
}

extension Pickle.View {
    /// Whether all elements are among the first `count`, and the view has no more elements than a storage of this size may have.
    func fits(_ count: Int) -> Bool {
        // Real networks have fewer axes; libtorch's own loops support up to 64.
        guard offset >= 0, shape.count <= 32, shape.allSatisfy({ $0 >= 0 }), strides.allSatisfy({ $0 >= 0 }) else { return false }
        guard !shape.contains(0) else { return shape.allSatisfy { $0 <= 1 << 32 } && shape.reduce(1.0) { $0 * Double(max(1, $1)) } < 1e15 }
        var last = offset, elements = 1
        for (size, stride) in zip(shape, strides) {
            let (reach, tooFar) = (size - 1).multipliedReportingOverflow(by: stride)
            let (sum, tooLarge) = last.addingReportingOverflow(reach)
            let (product, tooMany) = elements.multipliedReportingOverflow(by: size)
            guard !tooFar, !tooLarge, !tooMany else { return false }
            (last, elements) = (sum, product)
        }
        // A stride of 0 repeats an element; a small file must not cause an allocation of terabytes.
        return last < count && elements <= max(count, 1 << 20)
    }
}

extension Pickle {
    /// The tensors and values in a pickle's containers, with their paths.
    struct Leaves {
        /// Indices into `views`.
        var tensors: [(path: String, view: Int)] = []
        var values: [(String, String)] = []
        /// The number of containers and elements that may still be visited: lists may contain each other, or themselves.
        var budget = 100_000
    }

    func leaves() throws(ArchiveProblem) -> Leaves {
        var leaves = Leaves()
        try collect(root, "", depth: 0, into: &leaves)
        return leaves
    }

    private func collect(_ value: Value, _ path: String, depth: Int, into leaves: inout Leaves) throws(ArchiveProblem) {
        leaves.budget -= 1
        guard depth < 64, leaves.budget > 0, path.utf8.count <= 1024 else {
            throw ArchiveProblem(text: "its lists and dictionaries nest too deep or have too many parts", isForeign: true)
        }
        switch value {
        case .tensor(let index): leaves.tensors.append((path, index))
        case .container(let index):
            let container = containers[index], isDictionary = container.kind == .dictionary
            for position in stride(from: 0, to: container.items.count, by: isDictionary ? 2 : 1) {
                guard let key = isDictionary ? container.items[position].text : String(position) else { continue }
                let below = path.isEmpty ? key : "\(path).\(key)"
                try collect(container.items[isDictionary ? position + 1 : position], below, depth: depth + 1, into: &leaves)
            }
        default: if let text = value.text { leaves.values.append((path, text)) }
        }
    }
}

extension Pickle.Value {
    /// The text that Python prints; nil for containers and unknown objects.
    fileprivate var text: String? {
        switch self {
        case .none: "None"
        case .bool(let value): value ? "True" : "False"
        case .integer(let value): String(value)
        case .number(let value): String(value)
        case .text(let value): value
        case .container, .tensor, .storage, .name, .object: nil
        }
    }
}

/// An error in a `.pt` file.
public enum ArchiveError: Error, CustomStringConvertible {
    case unreadable(URL, reason: String)
    case notAnArchive(URL, bytes: Int)
    case damaged(URL, bytes: Int, reason: String)
    /// A valid archive with objects that do not belong into a checkpoint.
    case foreign(URL, reason: String)

    public var description: String {
        switch self {
        case .unreadable(let url, let reason):
            "\(url.path): cannot be read (\(reason)); check the path"
        case .notAnArchive(let url, let bytes):
            "\(url.path): not a torch.save archive (\(bytes) bytes that do not begin with a zip's PK); download it again"
        case .damaged(let url, let bytes, let reason):
            "\(url.path): a damaged torch.save archive of \(bytes) bytes, probably a half-finished download; download it again (\(reason.shown(limit: 400)))"
        case .foreign(let url, let reason):
            "\(url.path): not a supported checkpoint (\(reason.shown(limit: 400))); use the model's own file, as a safetensors file if there is one"
        }
    }
}
