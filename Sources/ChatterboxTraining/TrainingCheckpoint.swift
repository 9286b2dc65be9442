import Foundation
import Torch

/// The state of training, in one safetensors file: parameters, moments, averages, buffers, the generator and the step.
struct TrainingCheckpoint {
    let url: URL

    /// Writes the state, atomically.
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

    /// Restores the state in place and returns the next step; nil if there is no file.
    ///
    /// - Throws: ``TrainingError/checkpoint(_:problem:)`` if the file belongs to another task.
    func restore(optimizers: [String: AdamW], buffers: [String: Tensor], generator: Generator) throws -> Int? {
        guard FileManager.default.fileExists(atPath: url.path) else { return nil }
        let file = try SafetensorsFile(url)
        guard let step = file.metadata["step"].flatMap(Int.init) else {
            throw TrainingError.checkpoint(url, problem: "not a checkpoint of training")
        }
        for (group, optimizer) in optimizers {
            guard let updates = file.metadata["updates.\(group)"].flatMap(Int.init) else {
                throw TrainingError.checkpoint(url, problem: "it has no group \"\(group)\"")
            }
            let state = optimizer.state
            try optimizer.restore(updates: updates) { try file.tensor("group.\(group).\($0)", like: state[$0]!.shape, of: url) }
        }
        try withoutGradients {
            for (name, tensor) in buffers { try tensor.assign(file.tensor("buffer.\(name)", like: tensor.shape, of: url)) }
        }
        try generator.restore(file.tensor("generator").clone())
        return step
    }
}

extension SafetensorsFile {
    /// A tensor of a state of training.
    ///
    /// - Throws: ``TrainingError/checkpoint(_:problem:)`` if it is missing or has another shape.
    func tensor(_ name: String, like shape: [Int], of url: URL) throws -> Tensor {
        guard let entry = entries[name] else { throw TrainingError.checkpoint(url, problem: "it has no \"\(name)\"") }
        guard entry.shape == shape else { throw TrainingError.checkpoint(url, problem: "\"\(name)\" is \(entry.shape), expected \(shape)") }
        return try tensor(name)
    }
}
