import Kernels
import Torch

/// How a model computes. With 16-bit T3 weights a CPU uses the exact path. A GPU replays captured steps, except on the exact path.
public struct ComputeOptions: Sendable, Hashable {
    /// Uses upstream's operations one by one, through libtorch, without faster kernels.
    public let isExact: Bool
    /// The quantisation of T3's weights; S3Gen is then in int8.
    public let quantization: Quantization
    /// Whether T3 and the voice encoder are moved from the GPU to host memory while S3Gen runs: this takes less GPU memory, but each utterance
    /// waits for a transfer. No effect on a CPU.
    public let offload: Bool
    /// Whether a GPU's float32 products and convolutions may round their inputs to TF32's 10 bits, which is faster and about as exact as
    /// float16. No effect on a CPU and on the exact path. libtorch has one setting for the whole process: that of the model loaded last.
    public let allowsTF32: Bool
    /// Whether a GPU captures T3's decoding steps as CUDA graphs and replays them.
    public let capturesSteps: Bool
    /// The largest number of CPU threads; nil uses one for each processor that the process may use (by its affinity mask and the CPU quota of its
    /// control groups), but not more than libtorch would.
    public let threads: Int?

    /// - Throws: ``ComputeError`` for fewer than one thread, and for quantised weights or TF32 on the exact path.
    public init(
        exact: Bool = false, quantization: Quantization = .none, offload: Bool = false, allowsTF32: Bool = false, capturesSteps: Bool = true,
        threads: Int? = nil
    ) throws {
        if let threads, threads < 1 { throw ComputeError.threads(threads) }
        if exact, quantization != .none { throw ComputeError.exactQuantization(quantization) }
        if exact, allowsTF32 { throw ComputeError.exactTF32 }
        self.init(
            unchecked: exact, quantization, offload: offload, allowsTF32: allowsTF32, capturesSteps: capturesSteps && !exact, threads: threads)
    }

    private init(
        unchecked isExact: Bool, _ quantization: Quantization = .none, offload: Bool = false, allowsTF32: Bool = false, capturesSteps: Bool = true,
        threads: Int? = nil
    ) {
        self.isExact = isExact
        self.quantization = quantization
        self.offload = offload
        self.allowsTF32 = allowsTF32
        self.capturesSteps = capturesSteps
        self.threads = threads
    }

    package var threadCount: Int { threads ?? Self.defaultThreads }

    /// The default number of threads.
    public static var defaultThreads: Int { min(Libtorch.threads, ProcessorAllowance.current.threads) }

    /// The fastest setting without measurable loss.
    public static let standard = ComputeOptions(unchecked: false)

    /// The exact path: upstream's operations.
    public static let exact = ComputeOptions(unchecked: true, capturesSteps: false)

    /// Checks the options against a device and a type.
    ///
    /// - Throws: ``ComputeError/quantization(_:dtype:device:)``.
    func check(device: Device, dtype: DType) throws {
        guard quantization == .none || (device == .cpu && dtype == .float32) else {
            throw ComputeError.quantization(quantization, dtype: dtype, device: device)
        }
    }
}

/// Compute options that are not possible.
public enum ComputeError: Error, Hashable, CustomStringConvertible {
    case threads(Int)
    /// The exact path computes with the weights as they are stored.
    case exactQuantization(Quantization)
    case exactTF32
    /// Quantised weights are packed for the CPU, from float32.
    case quantization(Quantization, dtype: DType, device: Device)

    public var description: String {
        switch self {
        case .threads(let found): "\(found) threads are asked for; expected at least 1"
        case .exactQuantization(let quantization):
            "\(quantization.rawValue) weights are asked for on the exact path, which computes with the weights as they are stored"
        case .exactTF32: "TF32 is asked for on the exact path, which computes in float32"
        case .quantization(let quantization, let dtype, let device):
            "\(quantization.rawValue) weights are asked for with \(dtype.rawValue) on \(device); they are only available with float32 on the CPU"
        }
    }
}

/// The number format of quantised weights, with fewer bytes to read for each token and less memory.
public enum Quantization: String, Sendable, Hashable, CaseIterable {
    case none, int8, int4

    package var format: WeightFormat {
        switch self {
        case .none: .float32
        case .int8: .int8
        case .int4: .int4
        }
    }

    /// The format of flow and vocoder: 8 bits with any quantisation, since 4 bits are audible.
    var soundFormat: WeightFormat { self == .none ? .float32 : .int8 }
}
