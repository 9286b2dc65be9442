import FileSupport
import Foundation
import Torch

/// A collection of named prepared voices, each a file `NAME.voice.safetensors` in one folder.
public struct VoiceLibrary: Sendable {
    private let files: NamedFiles

    /// The folder with the files.
    public var folder: URL { files.folder }

    /// The folder is created with the first voice.
    public init(folder: URL) { files = NamedFiles(folder: folder, suffix: ".voice.safetensors") }

    /// The voices in a model's folder.
    public init(ofModel folder: URL) { self.init(folder: folder.appending(path: "voices")) }

    /// A voice in the library.
    public typealias Entry = NamedFiles.Entry

    /// Every voice, by name.
    public func entries() -> [Entry] { files.entries() }

    /// The voice with a name.
    ///
    /// - Throws: ``VoiceLibraryError``.
    public func entry(named name: String) throws -> Entry {
        try Self.check(name)
        guard let entry = files.entry(name) else {
            throw VoiceLibraryError.unknown(name, known: entries().map(\.name), folder: folder)
        }
        return entry
    }

    /// Stores a voice under a name.
    ///
    /// - Parameters:
    ///   - voice: the voice to store.
    ///   - name: letters, digits, `-`, `_` and `.`, with no `.` first; at most 200 bytes.
    ///   - replaces: whether a voice that had the name is replaced. Otherwise, of several simultaneous calls with the same name one succeeds.
    /// - Throws: ``VoiceLibraryError``, `SafetensorsError` if the file cannot be written.
    @discardableResult
    public func store(_ voice: Voice, as name: String, replaces: Bool = true) throws -> URL {
        let file = try file(named: name)
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw VoiceLibraryError.unwritable(folder, reason: error.reason)
        }
        if !replaces, files.entry(name) != nil { throw VoiceLibraryError.exists(name) }
        do { try voice.save(to: file, replaces: replaces) } catch SafetensorsError.exists { throw VoiceLibraryError.exists(name) }
        return file
    }

    /// Deletes a voice.
    ///
    /// - Throws: ``VoiceLibraryError``.
    public func remove(_ name: String) throws {
        let entry = try entry(named: name)
        do {
            try FileManager.default.removeItem(at: entry.file)
        } catch {
            throw VoiceLibraryError.unwritable(entry.file, reason: error.reason)
        }
    }

    /// The file of a voice of this name, whether it exists or not.
    ///
    /// - Throws: ``VoiceLibraryError/badName(_:)``.
    public func file(named name: String) throws -> URL {
        try Self.check(name)
        return files.file(name)
    }

    private static func check(_ name: String) throws {
        guard NamedFiles.isName(name) else { throw VoiceLibraryError.badName(name) }
    }
}

/// An error in a library of voices: a voice cannot be stored or does not exist.
public enum VoiceLibraryError: Error, Hashable, CustomStringConvertible {
    case badName(String)
    case unknown(String, known: [String], folder: URL)
    case unwritable(URL, reason: String)
    case exists(String)

    public var description: String {
        switch self {
        case .badName(let name):
            return "\"\(name)\" cannot be a voice's name: \(NamedFiles.rule)"
        case .unknown(let name, let known, let folder):
            let here = known.isEmpty ? "there are none yet in \(folder.path)" : "here are \(known.joined(separator: ", "))"
            return "there is no file or voice \"\(name)\"; \(here)"
        case .unwritable(let url, let reason):
            return "\(url.path): cannot be changed (\(reason))"
        case .exists(let name):
            return "there is a voice \"\(name)\" already; remove it first, or take another name"
        }
    }
}
