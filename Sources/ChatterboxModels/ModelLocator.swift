import Chatterbox
import FileSupport
import Foundation

#if Hub
    import ChatterboxHub
#endif

/// Finds a model's folder by its name.
///
/// A shelf is a folder that contains models, each in a subfolder with the model's name. The caller decides which shelves are used: the program uses
/// those of the user's models and of the models that it was built with.
public struct ModelLocator: Sendable {
    /// Names in order of preference, for when no model is named.
    public static let preferred = ["chatterbox", "turbo", "multilingual-v3", "multilingual-v2", "nano", "pico"]

    /// Earlier shelves have priority.
    public let shelves: [URL]

    public init(shelves: [URL]) { self.shelves = shelves }

    /// The folder of a model.
    ///
    /// - Parameter model: a folder's path, which is returned unchanged, or a name to look up; nil returns the first of ``preferred`` that is found,
    ///   else any other model.
    /// - Throws: ``ModelLocatorError`` if there is no such model.
    public func folder(of model: String?) throws -> URL {
        guard let model else {
            guard let found = byPreference.first else { throw ModelLocatorError.noModel(shelves: shelves) }
            return found
        }
        let path = URL(filePath: model)
        if path.isFolder { return path }
        guard !model.contains("/"), !model.isEmpty else { throw CheckpointError.noFolder(path) }
        guard let found = shelves.map({ $0.appending(path: model) }).first(where: \.isFolder) else {
            throw ModelLocatorError.unknown(model, known: models.map(\.lastPathComponent), shelves: shelves)
        }
        return found
    }

    /// Every model on the shelves, each name once.
    public var models: [URL] {
        var seen: Set<String> = []
        return shelves.flatMap(Self.folders).filter { seen.insert($0.lastPathComponent).inserted }
    }

    private var byPreference: [URL] {
        func rank(_ url: URL) -> Int { Self.preferred.firstIndex(of: url.lastPathComponent) ?? Self.preferred.count }
        return models.enumerated().sorted { (rank($0.element), $0.offset) < (rank($1.element), $1.offset) }.map(\.element)
    }

    private static func folders(in shelf: URL) -> [URL] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: shelf.path)) ?? []
        return names.filter { !$0.hasPrefix(".") }.sorted().map { shelf.appending(path: $0) }.filter(\.isFolder)
    }
}

/// A model that is not on this machine.
public enum ModelLocatorError: Error, Hashable, CustomStringConvertible {
    case noModel(shelves: [URL])
    case unknown(String, known: [String], shelves: [URL])
    /// A model of the hub whose files are not on this machine, while downloads are not allowed.
    case notHere(String)

    public var description: String {
        switch self {
        case .noModel(let shelves):
            return "there is no model on this machine (looked in \(Self.list(shelves)))"
        case .notHere(let name): return "\(name) is not on this machine"
        case .unknown(let name, let known, let shelves):
            let here = known.isEmpty ? "there are none in \(Self.list(shelves))" : "here are \(known.joined(separator: ", "))"
            return "there is no model or folder \"\(name)\"; \(here); give one of these names, or a model's folder"
        }
    }

    private static func list(_ shelves: [URL]) -> String { shelves.map(\.path).joined(separator: " and ") }
}

extension ModelLocatorError: CodedError {
    public var code: String {
        switch self {
        case .noModel: "model.none"
        case .unknown: "model.unknown"
        case .notHere: "model.notHere"
        }
    }
}

#if Hub
    extension HubError: CodedError {}
#endif
