import FileSupport
import Foundation
import Torch

extension Model {
    /// Writes a model with adapters merged into its weights: a folder like the model's own, which speaks as the model does with the
    /// adapters and needs no more time than without them.
    ///
    /// Weights keep the precision in which they are stored: with float16 the sum is rounded to it. Of the other files all are copied but
    /// other variants' T3.
    ///
    /// - Parameters:
    ///   - folder: the model's.
    ///   - variant: which model of a folder that holds several; nil takes the first that is there.
    ///   - target: the folder that comes to be, whole or not at all; it must not exist.
    /// - Returns: the layers that changed.
    /// - Throws: ``AdapterError`` where an adapter does not fit; ``CheckpointError``; what reading throws.
    @discardableResult
    public static func merge(_ uses: [AdapterUse], into folder: URL, variant: Variant? = nil, to target: URL) throws -> Int {
        guard !FileManager.default.fileExists(atPath: target.path) else {
            throw CheckpointError.unwritable(target, reason: "it is there already")
        }
        let files = try ModelFiles(folder, variant: variant)
        let weights = try Weights.load(files.t3)
        let t3 = try T3(weights, files.configuration().t3)
        let merged = try t3.adapted(by: uses, digest: weights.digest()).mergedWeights()

        let place = target.deletingLastPathComponent().appending(path: ".\(target.lastPathComponent).\(UUID().uuidString.prefix(8)).part")
        do {
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            for name in try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() where !ModelFiles.holdsT3(name) {
                try FileManager.default.copyItem(at: folder.appending(path: name).resolvingSymlinksInPath(), to: place.appending(path: name))
            }
            try SafetensorsWriter.write(
                weights.stored().merging(merged) { $1 }, metadata: ["format": "pt"], to: place.appending(path: files.variant.t3FileName))
            try FileManager.default.moveItem(at: place, to: target)
        } catch {
            try? FileManager.default.removeItem(at: place)
            throw (error as? CocoaError).map { CheckpointError.unwritable(target, reason: $0.reason) } ?? error
        }
        return merged.count
    }
}
