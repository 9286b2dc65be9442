import Foundation

extension URL {
    /// Whether a folder is there, however the path is written.
    package var isFolder: Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
    }
}

/// Programs of this machine.
package enum Executable {
    /// The first program of a name among the folders of a search path such as `$PATH`; nil where there is none.
    package static func find(_ name: String, in searchPath: String) -> String? {
        searchPath.split(separator: ":").map { "\($0)/\(name)" }.first(where: FileManager.default.isExecutableFile)
    }
}
