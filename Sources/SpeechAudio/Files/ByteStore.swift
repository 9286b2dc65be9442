import FileSupport
import Foundation
import Torch

/// Stores the bytes of a sound.
protocol ByteStore: AnyObject {
    var count: Int { get }
    /// Whether bytes that were written can be overwritten, such as a header when everything is known.
    var takesCorrections: Bool { get }
    /// The error of the first failed write; the caller of ``write(_:at:)`` sees only that fewer bytes were written.
    var failure: (any Error)? { get }

    /// - Returns: how many bytes could be read.
    func read(into target: UnsafeMutableRawBufferPointer, at position: Int) -> Int

    /// If the position is after the end, the bytes between are 0.
    ///
    /// - Returns: how many bytes were written; fewer than given after a failure.
    func write(_ bytes: UnsafeRawBufferPointer, at position: Int) -> Int
}

extension ByteStore {
    /// Writes at the end.
    ///
    /// - Throws: ``AudioError/notEncodable(format:reason:)`` if not everything could be written.
    func append(_ bytes: some ContiguousBytes, of format: AudioFormat) throws {
        guard bytes.withUnsafeBytes({ write($0, at: count) == $0.count }) else {
            throw AudioError.notEncodable(format: format, reason: "it cannot be stored")
        }
    }

    /// Runs a function that writes here; if it fails because a write failed, the error of that write is thrown.
    func writing(_ body: () throws -> Void) throws {
        do { try body() } catch { throw failure ?? error }
        // Not all functions of the libraries report failures.
        if let failure { throw failure }
    }
}

/// Bytes in memory.
final class MemoryStore: ByteStore {
    private(set) var bytes: Data
    let takesCorrections = true
    let failure: (any Error)? = nil

    init(_ bytes: Data = Data()) {
        // The indices must begin at 0, even if the caller passes a slice.
        self.bytes = bytes.startIndex == 0 ? bytes : Data(bytes)
    }

    var count: Int { bytes.count }

    func read(into target: UnsafeMutableRawBufferPointer, at position: Int) -> Int {
        let available = min(target.count, bytes.count - position)
        guard available > 0 else { return 0 }
        bytes.copyBytes(to: target, from: position..<position + available)
        return available
    }

    func write(_ source: UnsafeRawBufferPointer, at position: Int) -> Int {
        if bytes.count < position + source.count { bytes.append(Data(count: position + source.count - bytes.count)) }
        bytes.replaceSubrange(position..<position + source.count, with: source)
        return source.count
    }
}

/// Bytes in an open file.
final class FileStore: ByteStore {
    let takesCorrections = true
    let descriptor: Int32
    private let isTemporary: Bool
    private let name: String
    private(set) var count = 0
    private(set) var failure: (any Error)?

    /// - Parameters:
    ///   - descriptor: that of an empty regular file, open for reading and writing; the caller closes it.
    ///   - name: the name in errors.
    init(_ descriptor: Int32, named name: String) {
        (self.descriptor, self.name, isTemporary) = (descriptor, name, false)
    }

    /// An unnamed file in the folder for temporary files, which is deleted with this object.
    ///
    /// - Throws: ``AudioError/unwritable(name:reason:)``.
    init(temporaryIn folder: URL = FileManager.default.temporaryDirectory) throws {
        let path = folder.appending(path: "chatterbox-\(UUID().uuidString)").path
        (descriptor, name, isTemporary) = (open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600), folder.path, true)
        guard descriptor >= 0 else { throw AudioError(SystemError(), name: folder.path, bytes: 0) }
        unlink(path)
    }

    deinit { if isTemporary, descriptor >= 0 { close(descriptor) } }

    func read(into target: UnsafeMutableRawBufferPointer, at position: Int) -> Int {
        max(0, pread(descriptor, target.baseAddress, target.count, off_t(position)))
    }

    func write(_ bytes: UnsafeRawBufferPointer, at position: Int) -> Int {
        var done = 0
        while done < bytes.count {
            let written = pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(position + done))
            if written < 0 {
                if errno == EINTR { continue }
                failure = failure ?? AudioError(SystemError(), name: name, bytes: position + bytes.count)
                break
            }
            done += written
        }
        count = max(count, position + done)
        return done
    }
}

/// Bytes that are passed on in order as they arrive, beginning with a header when sound follows. Corrections that are written when everything is
/// known, such as lengths and checksums in a header, are ignored, because the bytes have already been passed on.
final class PassingStore: ByteStore {
    private(set) var count = 0
    let takesCorrections = false
    let failure: (any Error)? = nil
    /// Bytes that have not been passed on yet.
    private var waiting: [UInt8] = []
    private var hasBegun = false

    func read(into target: UnsafeMutableRawBufferPointer, at position: Int) -> Int { 0 }

    func write(_ bytes: UnsafeRawBufferPointer, at position: Int) -> Int {
        precondition(position <= count && (position == count || position + bytes.count <= count), "bytes in order, or once more")
        if position == count {
            waiting += bytes
            count += bytes.count
        } else if !hasBegun {
            waiting.replaceSubrange(position..<position + bytes.count, with: bytes)
        }
        return bytes.count
    }

    /// The bytes that arrived since the last call.
    func take() -> [UInt8] {
        if !hasBegun { openLengths() }
        hasBegun = true
        defer { waiting = [] }
        return waiting
    }

    /// Sets all bits of both lengths in a WAV header, which readers interpret as "until the end".
    private func openLengths() {
        guard waiting.starts(with: "RIFF".utf8), let data = waiting.firstRange(of: Array("data".utf8)), data.upperBound + 4 <= waiting.count else {
            return
        }
        for start in [4, data.upperBound] { waiting.replaceSubrange(start..<start + 4, with: [0xFF, 0xFF, 0xFF, 0xFF]) }
    }
}
