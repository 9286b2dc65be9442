import Chatterbox
import Torch

/// An arithmetic that a check compares with the exact path in float32 on the CPU.
public enum CheckedArithmetic: String, Sendable, Hashable, Codable, CaseIterable {
    case float32, tf32 = "TF32", bfloat16, float16
    /// This package's kernels for the CPU.
    case packedFloat32 = "packed float32", packedInt8 = "packed int8", packedInt4 = "packed int4"

    /// The arithmetics that a device supports.
    public static func offered(by device: Device) -> [CheckedArithmetic] {
        device.isCUDA ? [.float32, .tf32, .bfloat16, .float16] : [.packedFloat32, .packedInt8, .packedInt4, .bfloat16, .float16]
    }

    /// The largest allowed error, divided by the largest value.
    ///
    /// bfloat16 keeps 8 bits of a number, float16 and TF32 11. Small random networks have larger errors in int8 and int4 than trained ones; these
    /// bounds are about twice the errors of small random networks.
    public var bound: Double {
        switch self {
        case .float32, .packedFloat32: 1e-4
        case .tf32: 2e-2
        case .bfloat16: 5e-2
        case .float16: 1e-2
        case .packedInt8: 5e-2
        case .packedInt4: 3e-1
        }
    }

    /// The type of T3's weights.
    var dtype: DType {
        switch self {
        case .bfloat16: .bfloat16
        case .float16: .float16
        default: .float32
        }
    }

    /// The quantisation of weights; nil if weights are not packed.
    var packing: Quantization? {
        switch self {
        case .packedFloat32: Quantization.none
        case .packedInt8: .int8
        case .packedInt4: .int4
        default: nil
        }
    }

    /// Whether this is libtorch's arithmetic in float32.
    var isPlainFloat32: Bool { self == .float32 || self == .tf32 }
}
