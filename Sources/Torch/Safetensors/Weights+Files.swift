import FileSupport
import Foundation

extension Weights {
    /// Opens a checkpoint: a safetensors file, the index of a sharded one (`….safetensors.index.json`), or a `.pt` archive.
    ///
    /// A tensor is read when a layer requests it. On the CPU a tensor whose type is not converted uses the file's own pages; others are converted and
    /// moved one at a time, so that the peak of memory is the model plus one tensor.
    ///
    /// - Parameters:
    ///   - url: the file; its kind is recognised by its extension: `.index.json`, `.pt`, `.pth` or `.ckpt`, otherwise safetensors.
    ///   - dtype: the type of floating-point weights; nil leaves each as it is stored.
    ///   - device: the device of the layers' weights.
    /// - Throws: ``SafetensorsError``, ``ArchiveError``.
    public static func load(_ url: URL, dtype: DType? = nil, device: Device = .cpu) throws -> Weights {
        let name = url.lastPathComponent
        let source: any WeightSource
        if name.hasSuffix(".index.json") {
            source = StoredTensors(files: try SafetensorsIndex(url).files, dtype: dtype, device: device)
        } else if name.hasSuffix(".pt") || name.hasSuffix(".pth") || name.hasSuffix(".ckpt") {
            source = ArchivedTensors(tensors: try PickledArchive(url).tensors, dtype: dtype, device: device)
        } else {
            let file = try SafetensorsFile(url)
            source = StoredTensors(files: file.entries.mapValues { _ in file }, dtype: dtype, device: device)
        }
        return Weights(store: WeightStore(source: source, name: url.path))
    }
}

/// The index of a sharded checkpoint, which names the file of each tensor.
struct SafetensorsIndex {
    /// The open file of each tensor.
    let files: [String: SafetensorsFile]

    init(_ url: URL) throws {
        struct Index: Decodable { let weight_map: [String: String] }
        let data: Data
        do { data = try SmallFile.read(url) } catch { throw SafetensorsError.unreadable(url, reason: error.reason) }
        guard JSONOutline(data, limit: 8).depth <= 8, let index = try? JSONDecoder().decode(Index.self, from: data) else {
            throw SafetensorsError.header(url, problem: "not JSON with a \"weight_map\" from tensors to file names")
        }
        var open: [String: SafetensorsFile] = [:]
        for name in Set(index.weight_map.values) {
            guard !name.isEmpty, name != "..", !name.contains("/"), !name.contains("\0") else {
                throw SafetensorsError.header(url, problem: "the shard \"\(name)\" is not in the same folder")
            }
            open[name] = try SafetensorsFile(url.deletingLastPathComponent().appending(path: name))
        }
        for (tensor, name) in index.weight_map where open[name]?.entries[tensor] == nil {
            throw SafetensorsError.header(url, problem: "\(name) does not hold the tensor \"\(tensor)\"")
        }
        files = index.weight_map.mapValues { open[$0]! }
    }
}

private struct StoredTensors: WeightSource {
    let files: [String: SafetensorsFile]
    let dtype: DType?
    let device: Device

    var names: [String] { Array(files.keys) }
    func shape(of name: String) -> [Int]? { files[name]?.entries[name]?.shape }
    func releasePages() {
        for file in Dictionary(files.values.map { ($0.url, $0) }, uniquingKeysWith: { first, _ in first }).values { file.releasePages() }
    }
    func tensor(_ name: String, shape: [Int], initial: Initial) throws -> Tensor {
        try files[name]!.tensor(name, dtype: dtype, device: device)
    }
    func stored(_ name: String) throws -> Tensor? { try files[name]?.tensor(name) }
}

private struct ArchivedTensors: WeightSource {
    let tensors: [String: Tensor]
    let dtype: DType?
    let device: Device

    var names: [String] { Array(tensors.keys) }
    func shape(of name: String) -> [Int]? { tensors[name]?.shape }
    func tensor(_ name: String, shape: [Int], initial: Initial) throws -> Tensor {
        let tensor = tensors[name]!
        return try (dtype.map { tensor.dtype.isFloatingPoint ? try tensor.to($0) : tensor } ?? tensor).to(device)
    }
    func stored(_ name: String) throws -> Tensor? { tensors[name] }
}
