import CTorch
import Foundation

/// The tensors of a file that Python's `torch.save` wrote (a zip of a restricted pickle), read by libtorch without Python.
public struct PickledArchive: Sendable {
    /// Tensors by the dotted path of dictionary keys and list positions that leads to them: `t3.speaker_emb`.
    public let tensors: [String: Tensor]
    /// Other leaves (numbers, strings), as text, by path.
    public let values: [String: String]

    /// - Throws: ``ArchiveError`` naming the file where it is missing, not such an archive, or damaged.
    public init(_ url: URL) throws {
        let data: Data
        do { data = try Data(contentsOf: url, options: .mappedIfSafe) } catch {
            throw ArchiveError.unreadable(url, reason: error.localizedDescription)
        }
        // A zip begins with "PK"; libtorch's message for anything else would not help a person.
        guard data.starts(with: [0x50, 0x4B]) else { throw ArchiveError.notAnArchive(url, bytes: data.count) }
        let found = Found()
        do {
            try data.withUnsafeBytes { bytes in
                try perform("read archive") { error in
                    ct_archive_read(bytes.baseAddress, bytes.count, { context, path, tensor, text in
                        let found = Unmanaged<Found>.fromOpaque(context!).takeUnretainedValue()
                        let name = String(cString: path!)
                        if let tensor { found.tensors[name] = Tensor(owning: tensor) }
                        else if let text { found.values[name] = String(cString: text) }
                    }, Unmanaged.passUnretained(found).toOpaque(), error)
                }
            }
        } catch let error as TorchError {
            throw ArchiveError.damaged(url, bytes: data.count, reason: error.message)
        }
        tensors = found.tensors
        values = found.values
    }

    private final class Found {
        var tensors: [String: Tensor] = [:]
        var values: [String: String] = [:]
    }
}

/// What can be wrong with a `.pt` file.
public enum ArchiveError: Error, CustomStringConvertible {
    case unreadable(URL, reason: String)
    case notAnArchive(URL, bytes: Int)
    case damaged(URL, bytes: Int, reason: String)

    public var description: String {
        switch self {
        case .unreadable(let url, let reason):
            "\(url.path): cannot be read (\(reason))"
        case .notAnArchive(let url, let bytes):
            "\(url.path): not a torch.save archive (\(bytes) bytes that do not begin with a zip's PK); download it again"
        case .damaged(let url, let bytes, let reason):
            "\(url.path): a damaged torch.save archive of \(bytes) bytes, probably a half-finished download; download it again (\(reason))"
        }
    }
}
