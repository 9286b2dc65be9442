import Foundation
import Torch

/// Where the bytes of a ``VirtualFile`` are.
protocol ByteStore: AnyObject {
    var count: Int { get }
    /// Why the first write that failed did so; libsndfile itself learns only that fewer bytes were written.
    var failure: (any Error)? { get }

    /// - Returns: how many bytes were there to be read.
    func read(into target: UnsafeMutableRawBufferPointer, at position: Int) -> Int

    /// Bytes between the end and a position behind it are 0.
    ///
    /// - Returns: how many bytes were written: fewer than were given after a failure.
    func write(_ bytes: UnsafeRawBufferPointer, at position: Int) -> Int
}

extension ByteStore {
    /// Runs what writes here; where it fails because a write failed, that is the error.
    func writing(_ body: () throws -> Void) throws {
        do { try body() } catch { throw failure ?? error }
        // Not all of libsndfile's functions tell.
        if let failure { throw failure }
    }
}

/// Bytes in memory.
final class MemoryStore: ByteStore {
    private(set) var bytes: Data
    let failure: (any Error)? = nil

    init(_ bytes: Data = Data()) {
        // Indices from 0, whatever slice the caller had.
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
    private let descriptor: Int32
    private let isTemporary: Bool
    private let name: String
    private(set) var count = 0
    private(set) var failure: (any Error)?

    /// - Parameters:
    ///   - descriptor: of an empty regular file, open for reading and writing, which its owner closes.
    ///   - name: how errors call it.
    init(_ descriptor: Int32, named name: String) {
        (self.descriptor, self.name, isTemporary) = (descriptor, name, false)
    }

    /// A file without a name in the folder for temporary files, which goes away with this object.
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

/// Bytes that go on as they come, in order; the first of them, a header, when sound follows. What is written once more when
/// all is known, lengths and checksums in a header, has gone on and stays as it was.
final class PassingStore: ByteStore {
    private let send: (UnsafeRawBufferPointer) throws -> Void
    private(set) var count = 0
    private(set) var failure: (any Error)?
    /// The header, as long as nothing has gone on.
    private var header: Data? = Data()

    init(_ send: @escaping (UnsafeRawBufferPointer) throws -> Void) { self.send = send }

    func read(into target: UnsafeMutableRawBufferPointer, at position: Int) -> Int { 0 }

    func write(_ bytes: UnsafeRawBufferPointer, at position: Int) -> Int {
        precondition(position <= count && (position == count || position + bytes.count <= count), "bytes in order, or once more")
        guard failure == nil else { return 0 }
        if header != nil {
            header!.replaceSubrange(position..<min(position + bytes.count, header!.count), with: bytes)
        } else if position == count, !pass(bytes) {
            return 0
        }
        count = max(count, position + bytes.count)
        return bytes.count
    }

    /// Lets the header go, and what follows it.
    func begin() {
        guard var header else { return }
        self.header = nil
        Self.openLengths(of: &header)
        header.withUnsafeBytes { bytes in _ = bytes.isEmpty || pass(bytes) }
    }

    private func pass(_ bytes: UnsafeRawBufferPointer) -> Bool {
        do { try send(bytes) } catch { failure = error }
        return failure == nil
    }

    /// In a WAV header: all bits of both lengths, which readers take for "until the end".
    private static func openLengths(of header: inout Data) {
        guard header.starts(with: Data("RIFF".utf8)), let data = header.range(of: Data("data".utf8)), data.upperBound + 4 <= header.count else { return }
        for start in [4, data.upperBound] { header.replaceSubrange(start..<start + 4, with: [0xFF, 0xFF, 0xFF, 0xFF]) }
    }
}
