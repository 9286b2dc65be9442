import Chatterbox
import Foundation
import Torch

/// Why training cannot start or continue.
public enum TrainingError: Error, CustomStringConvertible, Equatable {
    case manifest(URL, line: Int?, problem: String)
    case noExamples(URL, split: String)
    case checkpoint(URL, problem: String)
    case diverged(step: Int, group: String, what: String)
    case missing(URL, Part)
    /// A file of features or speech tokens was computed from other recordings than those in the manifest.
    case otherRecordings(URL)

    /// A training would need more memory than the machine has.
    case memory(Adapter.Part, needed: Int, there: Int)
    /// Half precision on a device on which it would be slower and less exact than float32.
    case halfPrecision(DType, device: Device)

    /// The contents of a file that another step of training writes.
    public enum Part: String, Sendable {
        case speechTokens = "speech tokens", speakerEmbeddings = "speaker embeddings"
    }

    public var description: String {
        switch self {
        case .manifest(let url, let line, let problem):
            "\(url.path)\(line.map { ", line \($0)" } ?? ""): \(problem); a manifest has one JSON object a line with audio, text and speaker"
        case .noExamples(let url, let split): "\(url.path): no utterances in the split \"\(split)\""
        case .checkpoint(let url, let problem):
            "\(url.path): \(problem); remove the file to start again, or give the options with which it was made"
        case .diverged(let step, let group, let what):
            "step \(step): the \(what) of \"\(group)\" is NaN or infinite; train with a lower rate"
        case .missing(let url, let part): "\(url.path): no such file; it should hold \(part.rawValue)"
        case .memory(let part, let needed, let there):
            String(
                format: "training so many weights of %@ takes about %.1f GB of memory, and this machine has %.1f GB; choose fewer weights or smaller "
                    + "batches, or train an adapter", part == .t3 ? "T3" : "the flow", Double(needed) / 1e9, Double(there) / 1e9)
        case .halfPrecision(let dtype, let device):
            "training in \(dtype) is for GPUs, and this model is on \(device); train in float32 there"
        case .otherRecordings(let url): "\(url.path) was computed from other recordings than those in the manifest"
        }
    }
}
