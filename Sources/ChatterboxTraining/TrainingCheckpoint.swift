import Foundation
import Torch

/// Where training stands, in one safetensors file: parameters, moments, averages, buffers, the generator and the step.
struct TrainingCheckpoint {
    let url: URL

    /// Writes the state, whole or not at all.
    func save(step: Int, optimizers: [String: AdamW], buffers: [String: Tensor], generator: Generator) throws {
        var tensors = ["generator": try generator.state()]
        var metadata = ["format": "chatterbox-training", "step": String(step)]
        for (group, optimizer) in optimizers {
            metadata["updates.\(group)"] = String(optimizer.updates)
            for (name, tensor) in optimizer.state { tensors["group.\(group).\(name)"] = try tensor.detached() }
        }
        for (name, tensor) in buffers { tensors["buffer.\(name)"] = try tensor.detached() }
        try SafetensorsWriter.write(tensors, metadata: metadata, to: url)
    }

    /// Restores the state in place and returns the step to go on with; nil where there is no file.
    ///
    /// - Throws: ``TrainingError/checkpoint(_:problem:)`` where the file is of another task.
    func restore(optimizers: [String: AdamW], buffers: [String: Tensor], generator: Generator) throws -> Int? {
        guard FileManager.default.fileExists(atPath: url.path) else { return nil }
        let file = try SafetensorsFile(url)
        guard let step = file.metadata["step"].flatMap(Int.init) else {
            throw TrainingError.checkpoint(url, problem: "not a checkpoint of training")
        }
        func find(_ name: String, _ shape: [Int]) throws -> Tensor {
            guard let entry = file.entries[name] else { throw TrainingError.checkpoint(url, problem: "it has no \"\(name)\"") }
            guard entry.shape == shape else {
                throw TrainingError.checkpoint(url, problem: "\"\(name)\" is \(entry.shape), expected \(shape)")
            }
            return try file.tensor(name)
        }
        for (group, optimizer) in optimizers {
            guard let updates = file.metadata["updates.\(group)"].flatMap(Int.init) else {
                throw TrainingError.checkpoint(url, problem: "it has no group \"\(group)\"")
            }
            let state = optimizer.state
            try optimizer.restore(updates: updates) { try find("group.\(group).\($0)", state[$0]!.shape) }
        }
        try withoutGradients {
            for (name, tensor) in buffers { try tensor.assign(find("buffer.\(name)", tensor.shape)) }
        }
        try generator.restore(file.tensor("generator").clone())
        return step
    }
}
