import Chatterbox
import Torch

/// The kernel that computes one of the pipeline's attentions on a device.
public struct AttentionFinding: Sendable, Hashable, Codable {
    /// The model, such as "Llama", and the attention, such as "T3 prefill".
    public let model, name: String
    public let dtype: DType
    /// `[batch, heads, queries, size]`.
    public let query: [Int]
    public let keys: Int
    public let isMasked: Bool
    public let backend: AttentionBackend
    /// Why the kernel is not the best possible; nil if it is.
    public let problem: String?

    /// On a GPU, the unfused product writes the matrix of scores to memory, which is never necessary in 16 bits. Without a mask FlashAttention is
    /// available, which is faster than the memory-efficient kernel.
    static func problem(with backend: AttentionBackend, dtype: DType, isMasked: Bool, device: Device) -> String? {
        problem(with: backend, dtype: dtype, isMasked: isMasked, onGPU: device.isCUDA)
    }

    static func problem(with backend: AttentionBackend, dtype: DType, isMasked: Bool, onGPU: Bool) -> String? {
        guard onGPU, dtype == .bfloat16 || dtype == .float16 else { return nil }
        switch backend {
        case .math: return "plain products in \(dtype.rawValue), where a fused kernel should do it"
        case .efficient: return isMasked ? nil : "the memory-efficient kernel without a mask, where FlashAttention should do it"
        case .flash, .cudnn, .other: return nil
        }
    }
}

/// One attention of the pipeline, described by the shapes of its operands.
struct AttentionShape {
    let name: String
    let batch, heads, queries, keys, size: Int
    var isCausal = false
    /// The shape of its mask, which is broadcast; nil if there is none.
    var mask: [Int]?
    /// Whether it is computed in T3's type; otherwise in float32.
    var isT3 = true

    /// Finds out which kernel a device uses.
    ///
    /// - Throws: `TorchError` if no kernel supports the operands.
    func finding(for model: String, dtype: DType, device: Device) throws -> AttentionFinding {
        func operand(_ count: Int) throws -> Tensor {
            // Heads are split from a row: [batch, time, heads, size], with the axes permuted.
            try Tensor.zeros([batch, count, heads, size], dtype: dtype, device: device).transposed(1, 2)
        }
        let (query, key) = (try operand(queries), try operand(keys))
        let mask = try mask.map { try Tensor.ones($0, dtype: .bool, device: device) }
        let backend = try withoutGradients { try query.attentionBackend(key: key, value: key, mask: mask, causal: isCausal) }
        return AttentionFinding(
            model: model, name: name, dtype: dtype, query: query.shape, keys: keys, isMasked: mask != nil, backend: backend,
            problem: AttentionFinding.problem(with: backend, dtype: dtype, isMasked: mask != nil, device: device))
    }

    /// The attentions of a request for some text and speech, with a voice of three seconds.
    static func all(_ configuration: ModelConfiguration, prefix: Int, speech: Int, promptTokens: Int) -> [AttentionShape] {
        let t3 = configuration.t3, flow = configuration.s3Gen.flow
        let rows = t3.style == .chatterbox ? 2 : 1
        let (heads, size) = t3.heads
        var shapes: [AttentionShape] = []
        if let perceiver = t3.perceiver {
            let width = t3.backbone.hiddenSize / perceiver.heads
            shapes.append(
                AttentionShape(
                    name: "perceiver", batch: 1, heads: perceiver.heads, queries: perceiver.queries, keys: promptTokens, size: width))
        }
        let span = (prefix + speech + 255) / 256 * 256
        let frames = (promptTokens + speech) * flow.framesPerToken
        return shapes + [
            AttentionShape(name: "T3 prefill", batch: rows, heads: heads, queries: prefix, keys: prefix, size: size, isCausal: true),
            AttentionShape(name: "T3 step", batch: rows, heads: heads, queries: 1, keys: prefix + speech, size: size),
            AttentionShape(
                name: "T3 step, captured", batch: rows, heads: heads, queries: 1, keys: span, size: size, mask: [rows, 1, 1, span]),
            AttentionShape(
                name: "flow", batch: flow.guidance != 0 ? 2 : 1, heads: flow.estimator.headCount, queries: frames, keys: frames,
                size: flow.estimator.headSize, isT3: false),
        ]
    }
}

extension T3Configuration {
    /// The number of the backbone's attention heads, and their size.
    fileprivate var heads: (count: Int, size: Int) {
        switch backbone {
        case .llama(let llama): (llama.heads, llama.hiddenSize / llama.heads)
        case .gpt2(let gpt2): (gpt2.heads, gpt2.hiddenSize / gpt2.heads)
        }
    }
}
