import Foundation
import Torch

/// Writes a file whole or not at all.
package enum AtomicWriter {
    /// - Throws: ``AudioError/unwritable(name:reason:)`` or ``AudioError/diskFull(name:bytes:)``; nothing is left then.
    package static func write(_ data: Data, to url: URL) throws {
        do {
            try ReplacementFile.write(url) { append in try data.withUnsafeBytes { try append($0) } }
        } catch let error as SystemError {
            if error.isDiskFull { throw AudioError.diskFull(name: url.path, bytes: data.count) }
            throw AudioError.unwritable(name: url.path, reason: error.description)
        }
    }
}
