import Foundation

/// The name of a repository of a model: `ResembleAI/chatterbox`.
public struct HubRepository: Sendable, Hashable, CustomStringConvertible {
    public let id: String

    /// - Throws: ``HubError/badRepository(_:)`` for an invalid name.
    public init(_ id: String) throws {
        let valid = id.wholeMatch(of: #/(?:[A-Za-z0-9_][A-Za-z0-9_.-]{0,95}\/)?[A-Za-z0-9_][A-Za-z0-9_.-]{0,95}/#) != nil
        guard valid, !id.contains("--"), !id.contains(".."), !id.hasSuffix(".git") else { throw HubError.badRepository(id) }
        self.id = id
    }

    /// For names that are literals in this package.
    package init(known id: String) { self.id = id }

    /// From the name of its folder in a cache, such as `models--ResembleAI--chatterbox`.
    init?(folderName: String) {
        guard folderName.hasPrefix("models--"), let known = try? HubRepository(String(folderName.dropFirst(8)).replacing("--", with: "/")) else {
            return nil
        }
        self = known
    }

    /// The name of its folder in a cache.
    var folderName: String { "models--" + id.replacing("/", with: "--") }

    public var description: String { id }
}

/// A file's properties on the hub.
public struct HubFile: Sendable, Hashable {
    public let repository: HubRepository
    /// The path within the repository.
    public let name: String
    /// The commit of the description.
    public let commit: String
    /// Bytes.
    public let size: Int
    public let checksum: HubChecksum
}

/// The checksum of a file's contents, which is its name in the cache.
public enum HubChecksum: Sendable, Hashable {
    /// Of a large file's contents, 64 hexadecimal digits.
    case sha256(String)
    /// Of a small file as git stores it, 40 hexadecimal digits.
    case gitBlob(String)

    /// From an entity tag, with or without its quotes; nil for any other tag.
    public init?(entityTag: String) {
        var tag = entityTag[...]
        if tag.hasPrefix("W/") { tag = tag.dropFirst(2) }
        if tag.hasPrefix("\""), tag.hasSuffix("\""), tag.count >= 2 { tag = tag.dropFirst().dropLast() }
        guard tag.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0) })
        else { return nil }
        switch tag.utf8.count {
        case 64: self = .sha256(String(tag))
        case 40: self = .gitBlob(String(tag))
        default: return nil
        }
    }

    /// The digits.
    public var digits: String {
        switch self {
        case .sha256(let digits), .gitBlob(let digits): digits
        }
    }
}
