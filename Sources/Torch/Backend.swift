import CTorch

extension Libtorch {
    /// The instruction set of libtorch's own kernels on the CPU, such as "AVX512".
    public static var instructions: String { String(cString: ct_cpu_capability()) }

    /// Whether float32 products and convolutions on a GPU round their inputs to TF32's 10 bits.
    public static var allowsTF32: Bool { ct_tf32_allowed() }

    /// Sets ``allowsTF32`` for the process: libtorch has one such setting. No effect on a CPU.
    public static func setAllowsTF32(_ allowed: Bool) throws {
        try perform("TF32") { ct_allow_tf32(allowed, $0) }
    }

    /// Whether libtorch was built with CUDA, and a GPU can be used.
    public static var hasCUDA: Bool { Device.cudaCount > 0 }
}

/// The kernel that computes attention.
public enum AttentionBackend: String, Sendable, Hashable, Codable, CaseIterable {
    /// Plain products and a softmax, with the whole matrix of scores in memory.
    case math
    /// FlashAttention (Dao 2023): no matrix of scores. It takes no mask.
    case flash
    /// Memory-efficient attention (Rabe and Staats 2021): no matrix of scores either, and it takes a mask.
    case efficient
    case cudnn
    /// A kernel of the device's own.
    case other
}

extension Tensor {
    /// The kernel that ``attention(key:value:mask:causal:scale:)`` uses for these operands.
    ///
    /// - Throws: ``TorchError`` if no kernel supports them.
    public func attentionBackend(key: Tensor, value: Tensor, mask: Tensor? = nil, causal: Bool = false) throws -> AttentionBackend {
        var code: Int32 = 0
        try perform("attention backend", [self, key, value]) {
            ct_attention_backend(handle, key.handle, value.handle, mask?.handle, causal, &code, $0)
        }
        return switch Int(code) {
        case CT_ATTENTION_MATH: .math
        case CT_ATTENTION_FLASH: .flash
        case CT_ATTENTION_EFFICIENT: .efficient
        case CT_ATTENTION_CUDNN: .cudnn
        default: .other
        }
    }
}
