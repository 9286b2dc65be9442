import FileSupport
import Foundation
import Torch

/// Writes a file whole or not at all.
package enum AtomicWriter {
    /// - Throws: ``AudioError/unwritable(name:reason:)`` or ``AudioError/diskFull(name:bytes:)``; nothing is left then.
    package static func write(_ data: Data, to url: URL) throws {
        do {
            try ReplacementFile.write(url) { append in try data.withUnsafeBytes { try append($0) } }
        } catch let error as SystemError {
            throw AudioError(error, name: url.path, bytes: data.count)
        }
    }
}

extension AudioError {
    /// What the system said to writing so many bytes.
    init(_ error: SystemError, name: String, bytes: Int) {
        switch error.code {
        case _ where error.isDiskFull: self = .diskFull(name: name, bytes: bytes)
        case EEXIST: self = .exists(name: name)
        default: self = .unwritable(name: name, reason: error.description)
        }
    }
}
