import Foundation

/// Writes tensors to a file, whole or not at all.
public enum SafetensorsWriter {
    /// Writes beside the file, then puts the result in its place: a reader never sees half of it, and a failure leaves
    /// what was there before.
    ///
    /// Tensors lie in the order of their element size, then of their names, so that each begins at a multiple of its size.
    ///
    /// - Throws: ``SafetensorsError/unwritable(_:reason:)``, as when the disk is full.
    public static func write(_ tensors: [String: Tensor], metadata: [String: String] = [:], to url: URL) throws {
        let ordered = tensors.sorted { ($1.value.dtype.size, $0.key) < ($0.value.dtype.size, $1.key) }
        var header: [String: Any] = metadata.isEmpty ? [:] : ["__metadata__": metadata]
        var offset = 0
        for (name, tensor) in ordered {
            header[name] = [
                "dtype": tensor.dtype.safetensorsName!, "shape": tensor.shape, "data_offsets": [offset, offset + tensor.byteCount],
            ] as [String: Any]
            offset += tensor.byteCount
        }
        var text = try JSONSerialization.data(withJSONObject: header, options: [.sortedKeys, .withoutEscapingSlashes])
        text.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - text.count % 8) % 8))

        let file = try ReplacementFile(url)
        do {
            try withUnsafeBytes(of: UInt64(text.count).littleEndian) { try file.write($0) }
            try text.withUnsafeBytes { try file.write($0) }
            for (_, tensor) in ordered { try tensor.withBytes { try file.write($0) } }
            try file.commit()
        } catch {
            file.discard()
            throw error
        }
    }
}

/// A file that comes to be under a temporary name in the same folder and takes its place when it is complete.
final class ReplacementFile {
    private let url: URL
    private let temporary: String
    private var descriptor: Int32

    init(_ url: URL) throws {
        self.url = url
        temporary = url.deletingLastPathComponent().appending(path: ".\(url.lastPathComponent).\(UUID().uuidString.prefix(8)).part").path
        descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL, 0o644)
        if descriptor < 0 { throw SafetensorsError.unwritable(url, reason: String(cString: strerror(errno))) }
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = Foundation.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress!, rest.count)
            if written < 0 {
                if errno == EINTR { continue }
                throw SafetensorsError.unwritable(url, reason: String(cString: strerror(errno)))
            }
            rest = rest.dropFirst(written)
        }
    }

    func commit() throws {
        guard fsync(descriptor) == 0, close(descriptor) == 0 else {
            throw SafetensorsError.unwritable(url, reason: String(cString: strerror(errno)))
        }
        descriptor = -1
        guard rename(temporary, url.path) == 0 else {
            throw SafetensorsError.unwritable(url, reason: String(cString: strerror(errno)))
        }
    }

    func discard() {
        if descriptor >= 0 { close(descriptor) }
        unlink(temporary)
    }
}
