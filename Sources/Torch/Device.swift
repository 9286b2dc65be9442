import CTorch

/// Where a tensor's memory is and its operations run.
public struct Device: Hashable, Sendable, CustomStringConvertible {
    let code: ct_device

    /// The machine's processors and main memory.
    public static let cpu = Device(code: -1)

    /// An NVIDIA GPU, counted from 0.
    public static func cuda(_ index: Int = 0) -> Device { Device(code: ct_device(index)) }

    /// How many NVIDIA GPUs can be used; 0 where libtorch was built without CUDA.
    public static var cudaCount: Int { ct_cuda_count() }

    /// Whether this is an NVIDIA GPU.
    public var isCUDA: Bool { code >= 0 }

    /// "cpu", "cuda:0".
    public var description: String { isCUDA ? "cuda:\(code)" : "cpu" }

    init(code: ct_device) { self.code = code }

    /// Reads "cpu", "cuda", "cuda:1" or "auto" (the first GPU if there is one, otherwise the CPU).
    ///
    /// - Throws: ``DeviceError`` for another word, or for a GPU that does not exist.
    public init(_ text: String) throws {
        let count = Device.cudaCount
        switch text {
        case "cpu": self = .cpu
        case "auto": self = count > 0 ? .cuda(0) : .cpu
        default:
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.first == "cuda", parts.count <= 2 else { throw DeviceError.unknown(text) }
            guard let index = parts.count == 2 ? Int32(parts[1]).map(Int.init) : 0, index >= 0 else { throw DeviceError.unknown(text) }
            guard index < count else { throw DeviceError.absent(text, available: count) }
            self = .cuda(index)
        }
    }
}

/// A device that does not exist or is not available.
public enum DeviceError: Error, CustomStringConvertible {
    case unknown(String)
    case absent(String, available: Int)

    public var description: String {
        switch self {
        case .unknown(let text):
            "unknown device \"\(text)\": expected cpu, cuda, cuda:0, cuda:1, … or auto"
        case .absent(let text, 0):
            "device \(text) is not available: no NVIDIA GPU can be used here, or this libtorch was built without CUDA"
        case .absent(let text, let count):
            "device \(text) is not available: this machine has \(count) GPU\(count == 1 ? "" : "s"), counted from cuda:0"
        }
    }
}
