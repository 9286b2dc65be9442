import Chatterbox
import FileSupport
import Foundation

/// A model that the server offers, loaded or not.
public struct ModelOffering: Sendable {
    /// The model's name in requests.
    public let name: String
    /// When the model was made, for listings.
    public let created: Date
    /// Approximate memory in bytes when it is loaded: GPU memory if it uses a GPU, else main memory.
    public let bytes: Int
    /// Whether it computes on a GPU.
    public let usesGPU: Bool
    /// Whether it stays loaded.
    public let isPinned: Bool
    /// The files from which it is loaded; nil if there are none.
    let files: ModelFolder?
    /// Its variant, found from its files; nil if there are none.
    let variant: Variant?
    /// The voices that come with it; nil if it has no files.
    public var voices: VoiceLibrary? { files.map { VoiceLibrary(ofModel: $0.folder) } }
    let load: @Sendable () async throws -> any ServedModel

    /// - Parameters:
    ///   - name: the model's name in requests.
    ///   - folder: the folder of the model's files, whose digest identifies it and whose names determine what it can do.
    ///   - created: when it was made, for listings.
    ///   - bytes: approximate memory when it is loaded (`Model.byteCount`).
    ///   - usesGPU: whether that is a GPU's memory.
    ///   - isPinned: whether it stays once it is loaded.
    ///   - load: loads it; called again after it was unloaded.
    public init(
        name: String, folder: URL? = nil, created: Date = Date(timeIntervalSince1970: 0), bytes: Int = 0, usesGPU: Bool = false,
        isPinned: Bool = false, load: @escaping @Sendable () async throws -> any ServedModel
    ) {
        (self.name, self.created, self.bytes, self.usesGPU, self.isPinned, self.load) = (name, created, bytes, usesGPU, isPinned, load)
        files = folder.map(ModelFolder.init)
        variant = folder.flatMap { try? Variant(of: $0) }
    }
}

/// A model's files, with a digest that distinguishes them from those of other models and releases.
struct ModelFolder: Sendable {
    let folder: URL

    private struct File {
        let name: String
        let contents: URL
        /// The SHA-256, if it is part of the path, as in the hub's cache, where it has been verified.
        let digest: String?
    }

    private var files: [File] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.sorted().compactMap { name in
            let contents = folder.appending(path: name).resolvingSymlinksInPath()
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: contents.path, isDirectory: &isFolder), !isFolder.boolValue else { return nil }
            let last = contents.lastPathComponent
            let isDigest = last != name && last.count == 64 && last.allSatisfy { $0.isHexDigit && !$0.isUppercase }
            return File(name: name, contents: contents, digest: isDigest ? last : nil)
        }
    }

    /// A text that changes when the files change, computed without reading them: their names, paths, sizes and modification times.
    var stamp: String {
        files.map { file in
            let attributes = try? FileManager.default.attributesOfItem(atPath: file.contents.path)
            let changed = (attributes?[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
            return "\(file.name) \(file.contents.path) \(attributes?[.size] as? Int ?? 0) \(changed)"
        }.joined(separator: "\n")
    }

    /// The SHA-256 of the names and contents of the files, without the folder's name. Gigabytes are read for it, unless the hub's cache has their
    /// digests.
    ///
    /// - Throws: `CocoaError` if a file cannot be read, `CancellationError`.
    func digest() throws -> String {
        var whole = MessageDigest(.sha256)
        for file in files { whole.update("\(try file.digest ?? Self.digest(of: file.contents))  \(file.name)\n".utf8) }
        return "sha256:" + whole.finishInDigits()
    }

    private static func digest(of file: URL) throws -> String {
        let handle = try FileHandle(forReadingFrom: file)
        defer { try? handle.close() }
        var sum = MessageDigest(.sha256)
        while let block = try handle.read(upToCount: 1 << 22), !block.isEmpty {
            sum.update(block)
            try Task.checkCancellation()
        }
        return sum.finishInDigits()
    }
}
