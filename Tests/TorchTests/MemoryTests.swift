import Foundation
import TestSupport
import Testing
import Torch

@Suite("Memory and devices")
struct MemoryTests {
    @Test("a tensor counts in the process's memory until it is released") func resident() throws {
        let before = try Memory.statistics().current
        var tensor: Tensor? = try Tensor.ones([512 << 20], dtype: .uint8)
        let held = try Memory.statistics()
        // Other tests run at the same time; 512 MB are clearly visible.
        #expect(held.current - before > 256 << 20)
        #expect(held.peak >= held.current)
        #expect(held.reserved == held.current)
        #expect(tensor?.count == 512 << 20)
        tensor = nil
        try Memory.releaseCache()
        #expect(try Memory.statistics().current < held.current)
    }

    @Test("a tensor reports whether a view shares its memory, however the view was made") func sharing() throws {
        let tensor = try Tensor.zeros([12])
        #expect(tensor.isAloneInItsMemory)
        var view: Tensor? = try tensor.viewed([3, 4]).narrow(axis: 1, from: 1, count: 2).transposed(0, 1)
        #expect(!tensor.isAloneInItsMemory && view?.isAloneInItsMemory == false)
        view = try view?.clone()
        #expect(tensor.isAloneInItsMemory && view?.isAloneInItsMemory == true)
    }

    @Test("creating and releasing tensors hundreds of times uses the memory of one") func noLeak() throws {
        func work() throws {
            let x = try Tensor.ones([1 << 20])
            let parts = try x.reshaped([1024, 1024]).split(256, axis: 0)
            _ = try Tensor.cat(parts, axis: 1).matmul(.ones([4096, 1])).array(of: Float.self)
            _ = try? x + Tensor.zeros([3])
        }
        try work()
        // Other tests use memory at the same time, more or less. A leak shows every time: a hundred tensors of four megabytes and more.
        func growth() throws -> Int {
            let before = try Memory.statistics().current
            for _ in 0..<100 { try work() }
            return try Memory.statistics().current - before
        }
        #expect(try (0..<5).contains { _ in try growth() < 200 << 20 })
    }

    @Test("the CPU needs no synchronisation, and its peak can be reset") func processor() throws {
        try Memory.synchronize(.cpu)
        try Memory.resetPeak(of: .cpu)
        #expect(try Memory.statistics().peak > 0)
    }

    @Test("without a GPU, everything that needs one says so", .enabled(if: Device.cudaCount == 0, "this machine has a card")) func absent() throws {
        let calls: [(String, () throws -> Void)] = [
            ("zeros", { _ = try Tensor.zeros([2], device: .cuda()) }), ("to", { _ = try Tensor.zeros([2]).to(.cuda(1)) }),
            ("generator", { _ = try Generator(seed: 1, device: .cuda()) }), ("tensor", { _ = try Tensor([1, 2], device: .cuda()) }),
            ("memory statistics", { _ = try Memory.statistics(of: .cuda()) }), ("release cache", { try Memory.releaseCache(of: .cuda()) }),
            ("reset peak memory", { try Memory.resetPeak(of: .cuda()) }), ("synchronize", { try Memory.synchronize(.cuda()) }),
        ]
        for (name, call) in calls {
            let error = #expect(throws: TorchError.self, "\(name)") { try call() }
            #expect(error?.operation == name)
            #expect(error?.description.contains("CUDA") == true, "\(error as Any)")
        }
        #expect(try Device("auto") == .cpu)
        let error = #expect(throws: DeviceError.self) { try Device("cuda") }
        #expect(error?.description.contains("not available") == true)
        #expect(Device.cuda(2).description == "cuda:2" && Device.cuda().isCUDA && !Device.cpu.isCUDA)
    }

    @Test("without a GPU, captured graphs are not available and say so", .enabled(if: Device.cudaCount == 0, "this machine has a card"))
    func graphs() {
        let error = #expect(throws: TorchError.self) { try CapturedGraph(on: .cuda()) {} }
        #expect(error?.operation == "graph")
        #expect(error?.kind == .unavailable)
        #expect(error?.description.contains("not available") == true)
        #expect(!CapturedGraph.isSupported)
    }
}
