import Chatterbox
import Foundation

/// Gets the watermark's weights out of the wheel resemble-perth, which Python's own pip downloads.
struct WatermarkFetch {
    private static let package = "resemble-perth==\(WatermarkFile.release)"
    /// The checkpoint's place in the wheel.
    private static let checkpoint = "perth/perth_net/pretrained/implicit/perth_net_250000.pth.tar"

    /// Does nothing where the weights are there.
    ///
    /// - Throws: ``WatermarkFetchError``, and what ``WatermarkFile/convert(checkpoint:to:_:)`` throws.
    func run(to weights: URL, _ display: ProgressDisplay) async throws {
        guard !FileManager.default.fileExists(atPath: weights.path) else { return }
        display.begin("Getting \(Self.package)")
        defer { display.clear() }
        let folder = FileManager.default.temporaryDirectory.appending(path: "chatterbox-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await python(
            ["-m", "pip", "--disable-pip-version-check", "-q", "download", "--no-deps", "--only-binary=:all:", "--dest", folder.path, Self.package])
        guard let wheel = try FileManager.default.contentsOfDirectory(atPath: folder.path).first(where: { $0.hasSuffix(".whl") }) else {
            throw WatermarkFetchError.noWheel
        }
        try await python(["-m", "zipfile", "-e", folder.appending(path: wheel).path, folder.path])
        try WatermarkFile.convert(checkpoint: folder.appending(path: Self.checkpoint), to: weights)
        display.finish("\(weights.path): the watermark's weights, from \(Self.package)")
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

    var description: String {
        switch self {
        case .noPython: "python3 is missing, whose pip gets the watermark's weights; install python3 and python3-pip"
        case .failed(let command, let status): "\(command) failed with status \(status); its reason stands above"
        case .noWheel: "pip brought no wheel of resemble-perth"
        }
    }
}
