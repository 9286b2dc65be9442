import Chatterbox
import Foundation
import Kernels
import Torch

/// The machine's hardware, and the parts that this build can use.
public struct MachineDescription: Sendable, Hashable, Codable {
    public let processor: String
    /// Number of threads that libtorch uses.
    public let threads: Int
    /// Main memory in bytes: in total, and available to processes.
    public let memory, availableMemory: Int
    /// Instruction sets of this package's kernels, the fastest first, and the one of libtorch's.
    public let kernelInstructions: [String]
    public let libtorchInstructions: String
    /// As "2.13.0".
    public let libtorchVersion: String
    /// Number of GPUs that this build can use.
    public let usableGPUs: Int
    /// Whether this build can capture decode steps as CUDA graphs.
    public let capturesGraphs: Bool
    /// The driver, with all GPUs of the machine; nil if there is none.
    public let driver: GPUDriver?
    /// Whether Linux reports a GPU, with or without a working driver.
    public let showsGPU: Bool

    /// This machine.
    public init() {
        processor = Self.processorName
        threads = ComputeOptions.defaultThreads
        memory = Int(ProcessInfo.processInfo.physicalMemory)
        availableMemory = Memory.available ?? memory
        kernelInstructions = ThreadTeam.availableInstructions
        libtorchInstructions = Libtorch.instructions
        libtorchVersion = Libtorch.version
        usableGPUs = Device.cudaCount
        capturesGraphs = CapturedGraph.isCompiled
        driver = GPUDriver()
        showsGPU = GPUDriver.isPresent()
    }

    init(
        processor: String, threads: Int, memory: Int, availableMemory: Int, kernelInstructions: [String], libtorchInstructions: String,
        libtorchVersion: String, usableGPUs: Int, capturesGraphs: Bool, driver: GPUDriver?, showsGPU: Bool
    ) {
        (self.processor, self.threads, self.memory, self.availableMemory) = (processor, threads, memory, availableMemory)
        (self.kernelInstructions, self.libtorchInstructions) = (kernelInstructions, libtorchInstructions)
        (self.libtorchVersion, self.usableGPUs, self.capturesGraphs) = (libtorchVersion, usableGPUs, capturesGraphs)
        (self.driver, self.showsGPU) = (driver, showsGPU)
    }

    /// The description for a person, in lines.
    public var lines: [String] {
        let gigabytes = { (bytes: Int) in String(format: "%.0f GB", Double(bytes) / 1e9) }
        var lines = [
            "\(processor), \(threads) thread\(threads == 1 ? "" : "s"), \(gigabytes(memory)) of memory, \(gigabytes(availableMemory)) of it available",
            "libtorch \(libtorchVersion) with \(libtorchInstructions); kernels with \(kernelInstructions[0])",
        ]
        for gpu in driver?.gpus ?? [] {
            lines.append("GPU \(gpu.index): \(gpu.name), \(gigabytes(gpu.memory)), compute capability \(gpu.computeCapability)")
        }
        if let driver {
            lines.append("driver \(driver.version ?? "of unknown version"), for CUDA up to \(driver.cudaVersion)")
        }
        lines.append(use)
        return lines
    }

    /// What this build can use.
    private var use: String {
        if usableGPUs > 0 {
            return "this build computes on the CPU and on \(usableGPUs) GPU\(usableGPUs == 1 ? "" : "s")"
                + (capturesGraphs ? "; decode steps are captured" : "; decode steps are not captured, since it was built without CUDA's headers")
        }
        guard showsGPU || driver != nil else { return "this build computes on the CPU; no NVIDIA GPU is in this machine" }
        return driver == nil
            ? "this build computes on the CPU: an NVIDIA GPU is in this machine, but its driver does not respond"
            : "this build computes on the CPU: libtorch \(libtorchVersion) here has no CUDA, or one that this driver does not run"
    }

    /// The processor's name in Linux.
    public static var processorName: String {
        let lines = ((try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? "").split(separator: "\n")
        let name = lines.first { $0.hasPrefix("model name") || $0.hasPrefix("Model") }?.split(separator: ":").last
        return name.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown processor"
    }
}
