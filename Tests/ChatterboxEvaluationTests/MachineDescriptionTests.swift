import Foundation
import Testing
import Torch

@testable import ChatterboxEvaluation

@Suite("MachineDescription")
struct MachineDescriptionTests {
    private func machine(usable: Int = 0, captures: Bool = false, driver: GPUDriver? = nil, showsGPU: Bool = false) -> MachineDescription {
        MachineDescription(
            processor: "a processor", threads: 1, memory: 8_000_000_000, availableMemory: 5_000_000_000, kernelInstructions: ["avx2", "portable"],
            libtorchInstructions: "AVX2", libtorchVersion: "2.13.0", usableGPUs: usable, capturesGraphs: captures, driver: driver, showsGPU: showsGPU)
    }

    @Test("this machine has a processor, memory, kernels and a libtorch") func here() {
        let machine = MachineDescription()
        #expect(machine.memory >= machine.availableMemory && machine.availableMemory > 0)
        #expect(machine.kernelInstructions.last == "portable")
        #expect(machine.libtorchVersion.hasPrefix("2."))
        #expect(!machine.libtorchInstructions.isEmpty && machine.threads > 0)
    }

    @Test("the description says what this build can use, and why not more") func use() throws {
        #expect(
            machine().lines == [
                "a processor, 1 thread, 8 GB of memory, 5 GB of it available", "libtorch 2.13.0 with AVX2; kernels with avx2",
                "this build computes on the CPU; no NVIDIA GPU is in this machine",
            ])
        #expect(machine(showsGPU: true).lines.last?.contains("its driver does not respond") == true)
        let driver = try JSONDecoder().decode(
            GPUDriver.self,
            from: Data(
                """
                {"version": "580.95.05", "cudaVersion": "13.0",
                 "gpus": [{"index": 0, "name": "NVIDIA H100", "memory": 85000000000, "computeCapability": "9.0"}]}
                """.utf8))
        let unused = machine(driver: driver, showsGPU: true).lines
        #expect(unused.contains("GPU 0: NVIDIA H100, 85 GB, compute capability 9.0"))
        #expect(unused.contains("driver 580.95.05, for CUDA up to 13.0"))
        #expect(unused.last?.contains("has no CUDA") == true)
        #expect(
            machine(usable: 1, captures: true, driver: driver, showsGPU: true).lines.last
                == "this build computes on the CPU and on 1 GPU; decode steps are captured")
        #expect(machine(usable: 2, driver: driver, showsGPU: true).lines.last?.contains("2 GPUs; decode steps are not captured") == true)
    }
}
