import Foundation
import Torch

/// Where PerTh's weights lie: `perth.safetensors`, in a model's folder or in the user's cache.
///
/// They are part of the wheel resemble-perth (MIT) and of no model's repository. Without the file speech is made all the
/// same, without a mark.
public enum WatermarkFile {
    /// The file's name in either place.
    public static let name = "perth.safetensors"
    /// The release of resemble-perth that the weights are taken from.
    public static let release = "1.0.1"

    /// The file's place below a cache folder, such as `~/.cache`.
    public static func url(inCache folder: URL) -> URL { folder.appending(path: "chatterbox/watermark/\(name)") }

    /// Turns the wheel's checkpoint, a `torch.save` archive of a training step's number and the network's tensors, into a
    /// file that is mapped instead of read.
    ///
    /// - Throws: `ArchiveError`, `WeightsError` where the archive is of another network, `SafetensorsError` where the file
    ///   cannot be written.
    public static func convert(checkpoint: URL, to url: URL, _ configuration: WatermarkConfiguration = .perth) throws {
        let prefix = "model."
        let tensors = try PickledArchive(checkpoint).tensors
            .filter { $0.key.hasPrefix(prefix) && !$0.key.hasPrefix(prefix + "ap.") }
            .reduce(into: [String: Tensor]()) { $0[String($1.key.dropFirst(prefix.count))] = $1.value }
        _ = try Watermarker(Weights(tensors: tensors, named: checkpoint.path), configuration)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try SafetensorsWriter.write(
            tensors, metadata: ["source": "resemble-perth \(release), MIT license, Resemble AI"], to: url)
    }
}
