import FileSupport
import Foundation
import Torch

extension Model {
    /// Writes a model with adapters merged into its weights: a folder like the model's own. The new model speaks like the old one with the adapters,
    /// and as fast as without them.
    ///
    /// Weights keep the precision in which they are stored: with float16 the sum is rounded to it. All other files are copied, except the T3 of other
    /// variants.
    ///
    /// - Parameters:
    ///   - uses: adapters of T3 and of the flow with their weights; several are added together.
    ///   - folder: the model's folder.
    ///   - variant: which model of a folder with several; nil for the first.
    ///   - target: the folder to create, atomically; it must not exist.
    /// - Returns: the layers that changed.
    /// - Throws: ``AdapterError`` if an adapter does not match; ``CheckpointError``; errors of reading.
    @discardableResult
    public static func merge(_ uses: [AdapterUse], into folder: URL, variant: Variant? = nil, to target: URL) throws -> Int {
        let files = try ModelFiles(folder, variant: variant)
        let t3Uses = uses.filter { $0.adapter.part == .t3 }, flowUses = uses.filter { $0.adapter.part == .flow }
        var changed: [Adapter.Part: [String: Tensor]] = [:]
        let t3Weights = try Weights.load(files.t3), t3 = try T3(t3Weights, files.configuration.t3)
        changed[.t3] = try t3.adapted(by: t3Uses, digest: t3Weights.digest()).mergedWeights()
        if !flowUses.isEmpty {
            let s3Gen = try S3GenFile(.own, of: files, sizes: files.configuration.s3Gen, device: .cpu)
            let weights = s3Gen.weights["flow"], flow = try TokenToMel(weights, s3Gen.configuration.flow)
            changed[.flow] = try flow.adapted(by: flowUses, digest: weights.digest()).mergedWeights()
        }
        try write(changed, into: folder, variant: variant, to: target)
        return changed.values.reduce(0) { $0 + $1.count }
    }

    /// Writes a model with changed weights: a folder like the model's own. Weights keep the precision in which they are stored.
    ///
    /// - Parameters:
    ///   - changed: the changed weights, by their names in the files.
    ///   - folder: the model's folder.
    ///   - target: the folder to create, atomically; it must not exist.
    /// - Throws: ``CheckpointError``; errors of reading.
    package static func write(_ changed: [Adapter.Part: [String: Tensor]], into folder: URL, variant: Variant? = nil, to target: URL) throws {
        guard !FileManager.default.fileExists(atPath: target.path) else {
            throw CheckpointError.unwritable(target, reason: "it is there already")
        }
        let files = try ModelFiles(folder, variant: variant)
        // The name of T3's file identifies the variant, so it is written even if only the flow changes.
        var parts: [(name: String, source: String, weights: Weights, changed: [String: Tensor])] = [
            (files.variant.t3FileName, files.t3.lastPathComponent, try Weights.load(files.t3), changed[.t3] ?? [:])
        ]
        if let flow = changed[.flow] {
            let s3Gen = try S3GenFile(.own, of: files, sizes: files.configuration.s3Gen, device: .cpu)
            let source = s3Gen.url.lastPathComponent, whole = source.hasSuffix(".index.json") ? String(source.dropLast(11)) : source
            parts.append(((whole as NSString).deletingPathExtension + ".safetensors", source, s3Gen.weights, flow))
        }
        let replaced = Set(parts.map(\.source))

        let place = target.deletingLastPathComponent().appending(path: ".\(target.lastPathComponent).\(UUID().uuidString.prefix(8)).part")
        do {
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            for name in try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
            where !files.holdsT3(name) && !replaced.contains(name) {
                try FileManager.default.copyItem(at: folder.appending(path: name).resolvingSymlinksInPath(), to: place.appending(path: name))
            }
            for (name, _, weights, changed) in parts {
                let stored = try weights.stored()
                let rounded = try changed.mapValues(of: stored) { try $0.to($1.dtype) }
                try SafetensorsWriter.write(stored.merging(rounded) { $1 }, metadata: ["format": "pt"], to: place.appending(path: name))
            }
            try FileManager.default.moveItem(at: place, to: target)
        } catch {
            try? FileManager.default.removeItem(at: place)
            throw (error as? CocoaError).map { CheckpointError.unwritable(target, reason: $0.reason) } ?? error
        }
    }
}

extension [String: Tensor] {
    /// Applies a function to each value and the value of the same name in another dictionary.
    fileprivate func mapValues(of others: [String: Tensor], _ change: (Tensor, Tensor) throws -> Tensor) throws -> [String: Tensor] {
        var changed = self
        for (name, tensor) in self { if let other = others[name] { changed[name] = try change(tensor, other) } }
        return changed
    }
}
