import TestSupport
import Testing
import Torch

@Suite("Operations")
struct OperationTests {
    @Test("operators broadcast and keep integers")
    func operators() throws {
        let x = try Tensor([1, 2, 3, 4, 5, 6], shape: [2, 3])
        #expect(try (x + 1).array(of: Int.self) == [2, 3, 4, 5, 6, 7])
        #expect(try (x + 1).dtype == .int64)
        #expect(try (10 - x * 2).array(of: Int.self) == [8, 6, 4, 2, 0, -2])
        #expect(try (x / 2).array(of: Float.self) == [0.5, 1, 1.5, 2, 2.5, 3])
        #expect(try (x + Tensor([10, 20, 30])).array(of: Int.self) == [11, 22, 33, 14, 25, 36])
    }

    @Test("indices are positions, ranges, and the words all, ellipsis, newAxis and stride")
    func indexing() throws {
        let x = try Tensor.arange(24).reshaped([2, 3, 4])
        #expect(try x[1, 2, 3].item(Int.self) == 23)
        #expect(try x[-1, 0..<2, .all].shape == [2, 4])
        #expect(try x[.ellipsis, -1].array(of: Int.self) == [3, 7, 11, 15, 19, 23])
        #expect(try x[.all, .newAxis, 1...].shape == [2, 1, 2, 4])
        #expect(try x[0, 0, .stride(by: 2)].array(of: Int.self) == [0, 2])
        #expect(try x[0, 0, .stride(from: -2)].array(of: Int.self) == [2, 3])
        #expect(try x[0, ..<1, 1...2].array(of: Int.self) == [1, 2])
    }

    @Test("a view writes through to its tensor")
    func assignment() throws {
        let x = try Tensor.zeros([2, 3])
        try x[0, 1...].assign(Tensor([5, 6] as [Float]))
        #expect(try x.array(of: Float.self) == [0, 5, 6, 0, 0, 0])
    }

    @Test("an error of libtorch has the operation and the shapes")
    func errors() throws {
        let a = try Tensor.zeros([2, 3]), b = try Tensor.zeros([4, 5])
        let error = #expect(throws: TorchError.self) { try a.matmul(b) }
        #expect(error?.operation == "matmul")
        #expect(error?.shapes == [[2, 3], [4, 5]])
        #expect(error?.description.contains("[2, 3], [4, 5]") == true)
        #expect(throws: TorchError.self) { try a[5, 0] }
        #expect(throws: TorchError.self) { try Tensor.zeros([1 << 40, 1 << 20]) }
    }

    @Test("an error about an unknown or absent device lists the devices")
    func devices() throws {
        #expect(try Device("cpu") == .cpu)
        #expect(throws: DeviceError.self) { try Device("gpu") }
        #expect(throws: DeviceError.self) { try Device("cuda:999") }
        #expect(throws: DeviceError.self) { try Device("cuda:x") }
    }
}

@Suite("Batch normalisation") struct BatchNormTests {
    @Test("in training it uses the batch's statistics and updates its own, otherwise it uses its own")
    func statistics() throws {
        let weights = Weights(initialising: try Generator(seed: 1))
        let x = try Tensor.randn([64, 3], generator: Generator(seed: 2)) * 4 + 7
        let made = try BatchNorm(weights.updatingStatistics["norm"], channels: 3)(x)
        #expect(try made.mean(axis: 0).abs().max().item(Double.self) < 1e-5)
        let mean = try weights["norm"].tensor("running_mean", shape: [3])
        try expectClose(mean, x.mean(axis: 0) * 0.1, relative: 1e-5)
        let before = try mean.clone()
        let plain = try BatchNorm(weights["norm"], channels: 3)(x)
        #expect(try plain.mean(axis: 0).abs().min().item(Double.self) > 1)
        try expectClose(mean, before, relative: 0)
    }
}
