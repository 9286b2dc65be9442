import Chatterbox
import Foundation

/// The server's adapters: a folder to which clients may add, and the adapters that are loaded.
final class AdapterShelf: Sendable {
    /// nil if the server has no adapters.
    let library: AdapterLibrary?

    private struct Key: Hashable {
        let file: URL
        let modified: Date
    }

    /// Equal requests share one loaded adapter, so that a model prepares it only once.
    private let loaded = SharedReads<Key, Adapter>(most: 16)

    init(folder: URL?) { library = folder.map(AdapterLibrary.init) }

    /// The adapters that a request names, with their weights.
    ///
    /// - Throws: ``APIError`` for an unknown name, and errors of reading.
    func uses(_ asked: [SpeechOrder.AdapterWeight]) async throws -> [AdapterUse] {
        var uses: [AdapterUse] = []
        for part in asked { uses.append(AdapterUse(try await adapter(part.name), weight: part.weight)) }
        return uses
    }

    private func adapter(_ name: String) async throws -> Adapter {
        let entry = try entry(name, parameter: "adapter")
        return try await loaded.value(for: Key(file: entry.file, modified: entry.modified)) {
            try await Blocking.run { try Adapter.load(from: entry.file) }
        }
    }

    /// - Parameter parameter: the field that has the name.
    /// - Throws: ``APIError``.
    func entry(_ name: String, parameter: String) throws -> AdapterLibrary.Entry {
        let library = try existingLibrary()
        if let entry = library.entry(named: name) { return entry }
        let known = library.entries().map(\.name)
        throw APIError(
            .notFound, "there is no adapter \(name) here; there are \(known.isEmpty ? "none" : known.joined(separator: ", "))", parameter: parameter,
            code: "adapter_not_found")
    }

    private func existingLibrary() throws -> AdapterLibrary {
        guard let library else {
            throw APIError(
                .notFound, "this server has no adapters; it is started with --adapters DIR for them", parameter: "adapter", code: "no_adapters")
        }
        return library
    }

    /// Stores an adapter that a client has uploaded.
    ///
    /// - Parameters:
    ///   - weights: a safetensors file.
    ///   - configuration: PEFT's `adapter_config.json`, if the header of the weights does not contain it.
    ///   - model: a model to which the adapter must belong; nil to check only when a request uses it.
    /// - Throws: ``APIError`` if the name is invalid or taken, or the file is not an adapter or belongs to another model.
    func add(_ weights: Data, _ configuration: Data?, named name: String, for model: (any ServedModel)?) async throws -> AdapterLibrary.Entry {
        let library = try existingLibrary()
        guard library.entry(named: name) == nil else { throw Self.taken(name) }
        return try await Blocking.run {
            let adapter = try Self.adapter(of: weights, configuration)
            try model?.check(adapter)
            do { return try library.store(adapter, as: name, replaces: false) } catch AdapterLibraryError.exists {
                throw Self.taken(name)
            } catch let error as AdapterLibraryError {
                guard case .badName = error else { throw error }
                throw APIError.invalid(error, "name")
            }
        }
    }

    private static func taken(_ name: String) -> APIError {
        APIError(.conflict, "there is an adapter \(name) already; delete it first, or take another name", parameter: "name", code: "adapter_exists")
    }

    /// Reads an uploaded adapter, through a temporary folder.
    private static func adapter(of weights: Data, _ configuration: Data?) throws -> Adapter {
        let folder = FileManager.default.temporaryDirectory.appending(path: "adapter-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "adapter_model.safetensors")
        try weights.write(to: file)
        try configuration?.write(to: folder.appending(path: "adapter_config.json"))
        do { return try Adapter.load(from: file) } catch {
            // The path of the temporary file means nothing to a client.
            throw APIError.invalid("\(error)".replacing(folder.path + "/", with: ""), "adapter", code: "invalid_adapter")
        }
    }

    /// Deletes an adapter from the folder; requests that use it continue.
    ///
    /// - Throws: ``APIError``, ``AdapterLibraryError``.
    func remove(_ name: String) throws {
        let entry = try entry(name, parameter: "adapter_id")
        try existingLibrary().remove(entry)
        loaded.forget { $0.file == entry.file }
    }
}
