import Chatterbox
import FileSupport
import Foundation
import Torch

/// The files of Moonshine's library and model, in a folder of the user's cache, with the layout of the Python package moonshine-voice (MIT
/// licence).
public struct MoonshineFiles: Sendable, Hashable {
    /// The release of the package; later ones do not contain the model.
    public static let release = "0.0.48"

    public let folder: URL

    /// - Parameter folder: the folder that ``take(from:)`` fills.
    public init(_ folder: URL) { self.folder = folder }

    /// The files' folder in a cache folder such as `~/.cache`.
    public init(inCache folder: URL) { self.init(folder.appending(path: "chatterbox/judges/moonshine-\(Self.release)")) }

    struct File: Sendable {
        let path: String
        let bytes: Int
        /// SHA-256.
        let digest: String
    }

    /// The files for Linux on x86-64. The library finds the others in its own folder.
    static let files = [
        File(path: "moonshine_voice/libmoonshine.so", bytes: 22_002_168, digest: "b3767e1fb783863a3b992e7ad8f506e7e11c4cbb156f062fb4b2034182c505a0"),
        File(
            path: "moonshine_voice.libs/libonnxruntime-13ab8084.so.1", bytes: 22_358_200,
            digest: "a787437d3c71ced24e8ece9199ae8f60f9d720cc2785b27dd95920fca2f3459e"),
        File(path: "\(model)/encoder_model.ort", bytes: 13_281_600, digest: "94e90a4654fc45cdfedb77c4c08e1739f48862998e58fada384b25118134f221"),
        File(
            path: "\(model)/decoder_model_merged.ort", bytes: 30_412_256, digest: "cf524c4862d36e9e5ab032eddc73637efd822d70e868ac575cf1a46e1e4708a0"),
        File(path: "\(model)/tokenizer.bin", bytes: 249_974, digest: "6884b35fd6377d4c4d32336a0bc152f36b64d1e45b6503683cdc238250a8472d"),
    ]

    static let model = "moonshine_voice/assets/tiny-en"

    var library: URL { folder.appending(path: Self.files[0].path) }
    var model: URL { folder.appending(path: Self.model) }

    /// Whether all files exist.
    public var areThere: Bool { (try? check()) != nil }

    /// - Throws: ``MoonshineError/missing(_:)`` and ``MoonshineError/otherFile(_:)``.
    func check() throws {
        for file in Self.files {
            let url = folder.appending(path: file.path)
            let size = (try? FileManager.default.attributesOfItem(atPath: url.resolvingSymlinksInPath().path))?[.size] as? Int
            guard let size else { throw MoonshineError.missing(url) }
            guard size == file.bytes else { throw MoonshineError.otherFile(url) }
        }
    }

    /// Copies the files from a folder with the unpacked package after verifying their digests; all or none.
    ///
    /// - Throws: ``MoonshineError/missing(_:)``, ``MoonshineError/otherFile(_:)``, `CocoaError`.
    public func take(from package: URL) throws {
        let manager = FileManager.default
        let beside = folder.deletingLastPathComponent().appending(path: ".\(folder.lastPathComponent)-\(UUID().uuidString)")
        defer { try? manager.removeItem(at: beside) }
        for file in Self.files {
            let source = package.appending(path: file.path), target = beside.appending(path: file.path)
            guard let bytes = try? Data(contentsOf: source, options: .mappedIfSafe) else { throw MoonshineError.missing(source) }
            guard bytes.count == file.bytes, SHA256.digest(bytes) == file.digest else { throw MoonshineError.otherFile(source) }
            try manager.createDirectory(at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
            try bytes.write(to: target)
        }
        if manager.fileExists(atPath: folder.path) { try manager.removeItem(at: folder) }
        try manager.moveItem(at: beside, to: folder)
    }
}

/// An error of Moonshine's files or of its library.
public enum MoonshineError: Error, Hashable, CustomStringConvertible {
    case missing(URL)
    /// A file that is not of the package's release for x86-64 and Linux.
    case otherFile(URL)
    case cannotLoad(String)
    case cannotHear(String)

    public var description: String {
        switch self {
        case .missing(let url):
            "\(url.path): no such file; expected one of Moonshine's, from the Python package moonshine-voice \(MoonshineFiles.release)"
        case .otherFile(let url):
            "\(url.path): not the file of moonshine-voice \(MoonshineFiles.release) for Linux on x86-64, by its size or its digest; take it from that package's wheel"
        case .cannotLoad(let reason): "Moonshine cannot be loaded: \(reason)"
        case .cannotHear(let reason): "Moonshine failed: \(reason)"
        }
    }
}

extension MoonshineError: CodedError {
    public var code: String {
        switch self {
        case .missing: "moonshine.missing"
        case .otherFile: "moonshine.otherFile"
        case .cannotLoad: "moonshine.cannotLoad"
        case .cannotHear: "moonshine.cannotHear"
        }
    }
}
