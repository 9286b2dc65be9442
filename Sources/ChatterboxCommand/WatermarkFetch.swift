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
    /// - Throws: ``WheelError``, ``WatermarkNeedsPython``, and what ``WatermarkFile/convert(checkpoint:to:_:)`` throws.
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

    /// Weights that another machine keeps, once they are known to be weights of this network.
    private func copy(_ file: URL, to weights: URL) throws {
        _ = try Watermarker.load(file)
        try FileManager.default.createDirectory(at: weights.deletingLastPathComponent(), withIntermediateDirectories: true)
        guard file.standardizedFileURL != weights.standardizedFileURL else { return }
        try Data(contentsOf: file).write(to: weights, options: .atomic)
    }
}

/// There is no Python to get or unpack the weights.
struct WatermarkNeedsPython: Error, CustomStringConvertible {
    let description =
        "python3 is missing, which gets and unpacks the watermark's weights; install python3 and python3-pip, or give --from the checkpoint itself, which `unzip` takes out of the wheel"
}
