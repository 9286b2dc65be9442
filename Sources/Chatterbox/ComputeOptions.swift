import Kernels
import Torch

/// How a model computes. On a card, or with T3 weights of 16 bits, it computes the exact way.
public struct ComputeOptions: Sendable, Hashable {
    /// Follows upstream operation by operation through libtorch, without faster ways to the same result.
    public let isExact: Bool
    /// What T3's weights are rounded to; S3Gen's then have 8 bits.
    public let quantization: Quantization
    /// Threads on the CPU; nil takes as many as libtorch does, one for each core.
    public let threads: Int?

    public init(exact: Bool = false, quantization: Quantization = .none, threads: Int? = nil) {
        precondition(threads ?? 1 > 0, "at least one thread")
        isExact = exact
        self.quantization = exact ? .none : quantization
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
