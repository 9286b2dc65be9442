import Foundation

/// Files of one kind in one folder, each with a name: `NAME` and a common suffix.
///
/// Letters with accents can be written in two ways, as one character or as several (NFC, NFD): both forms of a name refer to the same file.
public struct NamedFiles: Sendable {
    public let folder: URL
    /// For example ".voice.safetensors".
    let suffix: String

    /// The folder is created with the first file.
    package init(folder: URL, suffix: String) { (self.folder, self.suffix) = (folder, suffix) }

    /// A file that is there.
    public struct Entry: Sendable, Hashable {
        public let name: String
        public let file: URL
        public let bytes: Int
        public let modified: Date
    }

    /// Every file, sorted by name.
    package func entries() -> [Entry] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        // Strings that are canonically equivalent are equal, so that a name is listed once.
        return Set(names.filter { $0.hasSuffix(suffix) && !$0.hasPrefix(".") }).sorted().compactMap { entry(String($0.dropLast(suffix.count))) }
    }

    /// The file of a name that ``isName(_:)`` allows; nil if there is none.
    package func entry(_ name: String) -> Entry? {
        guard Self.isName(name) else { return nil }
        // Another program may have written the name in the other Unicode form.
        for file in [file(name), folder.appending(path: name.decomposedStringWithCanonicalMapping + suffix), folder.appending(path: name + suffix)] {
            guard let attributes = try? FileManager.default.attributesOfItem(atPath: file.path) else { continue }
            return Entry(
                name: name.precomposedStringWithCanonicalMapping, file: file, bytes: attributes[.size] as? Int ?? 0,
                modified: attributes[.modificationDate] as? Date ?? .distantPast)
        }
        return nil
    }

    /// The path at which the file of a name is created.
    package func file(_ name: String) -> URL { folder.appending(path: name.precomposedStringWithCanonicalMapping + suffix) }

    /// Whether a file of this name is within the folder and not hidden: letters, digits, "-", "_" and ".", not beginning with ".".
    package static func isName(_ name: String) -> Bool {
        name.allSatisfy { $0.isLetter || $0.isNumber || "-_.".contains($0) } && !name.isEmpty && !name.hasPrefix(".") && name.utf8.count <= 200
    }

    /// Which names are allowed, for the message about a name that is refused.
    package static let rule = "use letters, digits, \"-\", \"_\" and \".\", with no \".\" first"
}
