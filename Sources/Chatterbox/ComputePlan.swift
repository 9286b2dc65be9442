import Torch

/// Which code computes each part of a model; chosen once, when the model is loaded.
public struct ComputePlan: Sendable, Hashable, Codable, CustomStringConvertible {
    /// How T3's prefill and decoding are computed.
    public let t3: Way
    /// How S3Gen's token encoder and vocoder are computed.
    public let sound: Way
    /// How S3Gen's flow, most of S3Gen's work, is computed. On a GPU with T3 in 16 bits it is float16, which has three more bits of precision than
    /// bfloat16; the velocities are never large.
    public let flow: Way
    /// How the networks that analyse a recording are computed. The voice encoder always uses libtorch in float32. The watermark is packed, in
    /// float32, if ``sound`` is packed.
    public let tokenizer, speakerEncoder: Way

    /// Code and number format.
    public enum Way: String, Sendable, Hashable, Codable, CustomStringConvertible {
        /// Libtorch's operations one by one.
        case float32, tf32 = "TF32", bfloat16, float16
        /// Steps of one shape, captured as CUDA graphs and replayed.
        case capturedFloat32 = "captured float32", capturedTF32 = "captured TF32"
        case capturedBFloat16 = "captured bfloat16", capturedFloat16 = "captured float16"
        /// This package's kernels for the CPU, on weights packed for them.
        case packedFloat32 = "packed float32", packedInt8 = "packed int8", packedInt4 = "packed int4"

        public var description: String { rawValue }
    }

    /// The type of the flow's weights.
    var flowType: DType { [.float16, .capturedFloat16].contains(flow) ? .float16 : .float32 }

    /// - Parameters:
    ///   - device: the device; it only matters whether it is a GPU.
    ///   - dtype: the type of T3's weights; the other networks are in float32, except the flow.
    ///   - compute: the requested options: the exact path or faster ones.
    ///   - canCapture: whether CUDA graphs can be captured.
    public init(device: Device, dtype: DType = .float32, compute: ComputeOptions = .standard, canCapture: Bool = CapturedGraph.isSupported) {
        self.init(onGPU: device.isCUDA, dtype: dtype, compute: compute, canCapture: canCapture)
    }

    init(onGPU: Bool, dtype: DType, compute: ComputeOptions, canCapture: Bool) {
        let float32 = onGPU && compute.allowsTF32 ? Way.tf32 : .float32
        let captures = onGPU && canCapture && compute.capturesSteps
        if onGPU || compute.isExact || dtype != .float32 {
            t3 =
                switch dtype {
                case .bfloat16: captures ? .capturedBFloat16 : .bfloat16
                case .float16: captures ? .capturedFloat16 : .float16
                default: captures ? (float32 == .tf32 ? .capturedTF32 : .capturedFloat32) : float32
                }
            flow =
                switch (onGPU && !compute.isExact && dtype != .float32, captures) {
                case (true, true): .capturedFloat16
                case (true, false): .float16
                case (false, true): float32 == .tf32 ? .capturedTF32 : .capturedFloat32
                case (false, false): float32
                }
            (sound, tokenizer, speakerEncoder) = (float32, float32, float32)
        } else {
            t3 =
                switch compute.quantization {
                case .none: .packedFloat32
                case .int8: .packedInt8
                case .int4: .packedInt4
                }
            sound = compute.quantization == .none ? .packedFloat32 : .packedInt8
            flow = sound
            // Packing the tokenizer is faster only with smaller weights.
            tokenizer = compute.quantization == .none ? .float32 : .packedInt8
            speakerEncoder = .packedFloat32
        }
    }

    /// Whether weights are packed for this package's kernels.
    var isPacked: Bool { [.packedFloat32, .packedInt8, .packedInt4].contains(t3) }

    /// Whether decoding steps are captured.
    var capturesSteps: Bool { [.capturedFloat32, .capturedTF32, .capturedBFloat16, .capturedFloat16].contains(t3) }

    /// As "T3 packed int8; flow and vocoder packed int8; S3 tokenizer packed int8; speaker encoder packed float32".
    public var description: String {
        "T3 \(t3); \(flow == sound ? "flow and vocoder \(sound)" : "flow \(flow); vocoder \(sound)"); S3 tokenizer \(tokenizer); speaker encoder \(speakerEncoder)"
    }
}
