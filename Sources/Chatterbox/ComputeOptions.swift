import Kernels
import Torch

/// How a model computes. With T3 weights of 16 bits a CPU computes the exact way; a card replays captured steps otherwise.
public struct ComputeOptions: Sendable, Hashable {
    /// Follows upstream operation by operation through libtorch, without faster ways to the same result.
    public let isExact: Bool
    /// What T3's weights are rounded to; S3Gen's then have 8 bits.
    public let quantization: Quantization
    /// Whether T3 and the voice encoder leave a card while S3Gen works there, and wait on the host: less of the card's
    /// memory is taken, and each utterance waits for a transfer. Means nothing on a CPU.
    public let offload: Bool
    /// Threads on the CPU; nil takes as many as libtorch does, one for each core.
    public let threads: Int?

    public init(exact: Bool = false, quantization: Quantization = .none, offload: Bool = false, threads: Int? = nil) {
        precondition(threads ?? 1 > 0, "at least one thread")
        isExact = exact
        self.quantization = exact ? .none : quantization
        self.offload = offload
        self.threads = threads
    }

    /// The fastest way whose loss cannot be measured.
    public static let standard = ComputeOptions()

    /// The way that upstream computes.
    public static let exact = ComputeOptions(exact: true)
}

/// What weights are rounded to: fewer bytes to read for each token, and less memory.
public enum Quantization: String, Sendable, Hashable, CaseIterable {
    case none, int8, int4

    var format: WeightFormat {
        switch self {
        case .none: .float32
        case .int8: .int8
        case .int4: .int4
        }
    }

    /// Of flow and vocoder: where anything is rounded, both are to 8 bits, for 4 are heard.
    var soundFormat: WeightFormat { self == .none ? .float32 : .int8 }
}
