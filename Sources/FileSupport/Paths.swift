import Foundation

extension URL {
    /// Whether the folder exists, however its path is written.
    package var isFolder: Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
    }
}

/// Programs that are installed on this machine.
package enum Executable {
    /// The first program of this name in the folders of a search path such as `$PATH`; nil if there is none.
    package static func find(_ name: String, in searchPath: String) -> String? {
        searchPath.split(separator: ":").map { "\($0)/\(name)" }.first(where: FileManager.default.isExecutableFile)
    }
}
