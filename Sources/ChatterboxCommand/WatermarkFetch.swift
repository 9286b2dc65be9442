import Chatterbox
import Foundation

/// Extracts the watermark's weights from the wheel resemble-perth, which pip downloads.
struct WatermarkFetch {
    private static let package = "resemble-perth==\(WatermarkFile.release)"
    /// The path of the checkpoint in the wheel.
    private static let checkpoint = "perth/perth_net/pretrained/implicit/perth_net_250000.pth.tar"

    /// Does nothing if the weights exist, unless a file is given.
    ///
    /// - Parameter file: the checkpoint, the wheel, or weights as this program stores them; nil to download the wheel.
    /// - Throws: ``WheelError``, ``WatermarkNeedsPython``, and errors of ``WatermarkFile/convert(checkpoint:to:_:)``.
    func run(to weights: URL, from file: URL? = nil, _ display: ProgressDisplay) async throws {
        guard file != nil || !FileManager.default.fileExists(atPath: weights.path) else { return }
        display.begin("Getting \(file?.lastPathComponent ?? Self.package)")
        defer { display.clear() }
        if let file, !FileManager.default.fileExists(atPath: file.path) { throw WheelError.missing(file.path) }
        if let file, file.pathExtension != "whl" {
            if file.pathExtension == "safetensors" { try copy(file, to: weights) } else { try WatermarkFile.convert(checkpoint: file, to: weights) }
        } else {
            do {
                try await PythonWheel(Self.package).unpacked(file) {
                    try WatermarkFile.convert(checkpoint: $0.appending(path: Self.checkpoint), to: weights)
                }
            } catch WheelError.noPython { throw WatermarkNeedsPython() }
        }
        display.finish("\(weights.path): the watermark's weights, from \(file?.lastPathComponent ?? Self.package)")
    }

    /// Copies weights from another machine, after checking that they belong to this network.
    private func copy(_ file: URL, to weights: URL) throws {
        _ = try Watermarker.load(file)
        try FileManager.default.createDirectory(at: weights.deletingLastPathComponent(), withIntermediateDirectories: true)
        guard file.standardizedFileURL != weights.standardizedFileURL else { return }
        try Data(contentsOf: file).write(to: weights, options: .atomic)
    }
}

/// Python, which is needed to download or unpack the weights, is missing.
struct WatermarkNeedsPython: Error, CustomStringConvertible {
    let description =
        "python3, which gets and unpacks the watermark's weights, is missing; install python3 and python3-pip, or extract the checkpoint from the wheel with `unzip` and give it with --from"
}
