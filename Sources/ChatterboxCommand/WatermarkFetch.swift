import Chatterbox
import Foundation

/// Gets the watermark's weights out of the wheel resemble-perth, which Python's own pip downloads.
struct WatermarkFetch {
    private static let package = "resemble-perth==\(WatermarkFile.release)"
    /// The checkpoint's place in the wheel.
    private static let checkpoint = "perth/perth_net/pretrained/implicit/perth_net_250000.pth.tar"

    /// Does nothing where the weights are there, unless a file is given to take them from.
    ///
    /// - Parameter file: the checkpoint, the wheel, or weights as this program keeps them; nil downloads the wheel.
    /// - Throws: ``WatermarkFetchError``, and what ``WatermarkFile/convert(checkpoint:to:_:)`` throws.
    func run(to weights: URL, from file: URL? = nil, _ display: ProgressDisplay) async throws {
        guard file != nil || !FileManager.default.fileExists(atPath: weights.path) else { return }
        display.begin("Getting \(file?.lastPathComponent ?? Self.package)")
        defer { display.clear() }
        if let file, !FileManager.default.fileExists(atPath: file.path) { throw WatermarkFetchError.missing(file.path) }
        if let file, file.pathExtension != "whl" {
            if file.pathExtension == "safetensors" { try copy(file, to: weights) } else { try WatermarkFile.convert(checkpoint: file, to: weights) }
        } else {
            try await unpack(file, to: weights)
        }
        display.finish("\(weights.path): the watermark's weights, from \(file?.lastPathComponent ?? Self.package)")
    }

    /// Weights that another machine keeps, once they are known to be weights of this network.
    private func copy(_ file: URL, to weights: URL) throws {
        _ = try Watermarker.load(file)
        try FileManager.default.createDirectory(at: weights.deletingLastPathComponent(), withIntermediateDirectories: true)
        guard file.standardizedFileURL != weights.standardizedFileURL else { return }
        try Data(contentsOf: file).write(to: weights, options: .atomic)
    }

    /// Takes the checkpoint out of a wheel, which pip brings where none is given.
    private func unpack(_ given: URL?, to weights: URL) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "chatterbox-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        var wheel = given
        if wheel == nil {
            try await python(
                ["-m", "pip", "--disable-pip-version-check", "-q", "download", "--no-deps", "--only-binary=:all:", "--dest", folder.path, Self.package])
            wheel = try FileManager.default.contentsOfDirectory(atPath: folder.path).first { $0.hasSuffix(".whl") }.map { folder.appending(path: $0) }
        }
        guard let wheel else { throw WatermarkFetchError.noWheel }
        try await python(["-m", "zipfile", "-e", wheel.path, folder.path])
        try WatermarkFile.convert(checkpoint: folder.appending(path: Self.checkpoint), to: weights)
    }

    /// Runs Python to its end; what it says goes to standard error.
    private func python(_ arguments: [String]) async throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3"] + arguments
        process.standardOutput = FileHandle.standardError
        switch try await process.runToEnd() {
        case 0: return
        case 127: throw WatermarkFetchError.noPython
        case let status: throw WatermarkFetchError.failed(command: "python3 \(arguments.prefix(2).joined(separator: " "))", status: status)
        }
    }
}

/// Why the watermark's weights could not be got.
enum WatermarkFetchError: Error, CustomStringConvertible {
    case noPython
    case failed(command: String, status: Int32)
    case noWheel
    case missing(String)

    var description: String {
        switch self {
        case .noPython: "python3 is missing, which gets and unpacks the watermark's weights; install python3 and python3-pip, or give --from the checkpoint itself, which `unzip` takes out of the wheel"
        case .failed(let command, let status): "\(command) failed with status \(status); its reason stands above"
        case .missing(let file): "\(file): there is no such file"
        case .noWheel: "pip brought no wheel of resemble-perth"
        }
    }
}
