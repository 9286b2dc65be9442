import FileSupport
import Foundation
import Torch

/// A collection of named adapters, each a file `NAME.adapter.safetensors` in one folder.
public struct AdapterLibrary: Sendable {
    private let files: NamedFiles

    /// The folder with the files.
    public var folder: URL { files.folder }

    /// The folder is created with the first adapter.
    public init(folder: URL) { files = NamedFiles(folder: folder, suffix: ".adapter.safetensors") }

    /// An adapter in the library.
    public typealias Entry = NamedFiles.Entry

    /// Every adapter, by name.
    public func entries() -> [Entry] { files.entries() }

    /// The adapter of a name; nil if there is none.
    public func entry(named name: String) -> Entry? { files.entry(name) }

    /// Stores an adapter under a name.
    ///
    /// - Parameters:
    ///   - adapter: the adapter.
    ///   - name: letters, digits, `-`, `_` and `.`, not beginning with `.`; at most 200 bytes.
    ///   - replaces: whether an adapter that had the name is replaced. Otherwise, of several simultaneous calls with the same name one succeeds.
    /// - Throws: ``AdapterLibraryError``, `SafetensorsError` if it cannot be written.
    @discardableResult
    public func store(_ adapter: Adapter, as name: String, replaces: Bool = true) throws -> Entry {
        guard NamedFiles.isName(name) else { throw AdapterLibraryError.badName(name) }
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw AdapterLibraryError.unwritable(folder, reason: error.reason)
        }
        let file = files.file(name)
        if !replaces, files.entry(name) != nil { throw AdapterLibraryError.exists(name) }
        do { try adapter.save(to: file, replaces: replaces) } catch SafetensorsError.exists { throw AdapterLibraryError.exists(name) }
        guard let entry = files.entry(name) else { throw AdapterLibraryError.unwritable(file, reason: "it is gone again") }
        return entry
    }

    /// Deletes an adapter.
    ///
    /// - Throws: ``AdapterLibraryError``.
    public func remove(_ entry: Entry) throws {
        do {
            try FileManager.default.removeItem(at: entry.file)
        } catch {
            throw AdapterLibraryError.unwritable(entry.file, reason: error.reason)
        }
    }
}

/// An adapter that the library cannot keep.
public enum AdapterLibraryError: Error, Hashable, CustomStringConvertible {
    case badName(String)
    case unwritable(URL, reason: String)
    case exists(String)

    public var description: String {
        switch self {
        case .badName(let name): "\"\(name)\" cannot be an adapter's name: \(NamedFiles.rule)"
        case .unwritable(let url, let reason): "\(url.path): cannot be changed (\(reason))"
        case .exists(let name): "there is an adapter \"\(name)\" already; remove it first, or take another name"
        }
    }
}
