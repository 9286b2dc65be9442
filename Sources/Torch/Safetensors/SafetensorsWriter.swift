import FileSupport
import Foundation

/// Writes tensors to a file, atomically.
public enum SafetensorsWriter {
    /// Writes a new file in the same folder and renames it: a reader never sees an incomplete file, and after a failure the existing file is
    /// unchanged.
    ///
    /// Tensors are sorted by the size of their elements, then by their names, so that each is aligned.
    ///
    /// - Parameters:
    ///   - tensors: the tensors by name; each of a type that safetensors supports.
    ///   - metadata: strings by name for the header; may be empty.
    ///   - url: where to write.
    ///   - replaces: whether an existing file is replaced; otherwise one of several simultaneous writers of one name succeeds.
    /// - Throws: ``SafetensorsError/unwritable(_:reason:)``, for example if the disk is full; ``SafetensorsError/exists(_:)``.
    public static func write(_ tensors: [String: Tensor], metadata: [String: String] = [:], to url: URL, replaces: Bool = true) throws {
        let ordered = tensors.sorted { ($1.value.dtype.size, $0.key) < ($0.value.dtype.size, $1.key) }
        var header: [String: Any] = metadata.isEmpty ? [:] : ["__metadata__": metadata]
        var offset = 0
        for (name, tensor) in ordered {
            header[name] =
                [
                    "dtype": tensor.dtype.safetensorsName!, "shape": tensor.shape, "data_offsets": [offset, offset + tensor.byteCount],
                ] as [String: Any]
            offset += tensor.byteCount
        }
        var text = try JSONSerialization.data(withJSONObject: header, options: [.sortedKeys, .withoutEscapingSlashes])
        text.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - text.count % 8) % 8))

        do {
            try ReplacementFile.write(url, replaces: replaces) { append in
                try withUnsafeBytes(of: UInt64(text.count).littleEndian) { try append($0) }
                try text.withUnsafeBytes { try append($0) }
                for (_, tensor) in ordered { try tensor.withBytes { try append($0) } }
            }
        } catch let error as SystemError {
            if !replaces, error.code == EEXIST { throw SafetensorsError.exists(url) }
            throw SafetensorsError.unwritable(url, reason: error.description)
        }
    }
}
