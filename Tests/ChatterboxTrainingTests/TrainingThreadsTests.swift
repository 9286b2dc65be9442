import TestSupport
import Testing
import Torch

@testable import ChatterboxTraining

@Suite("Threads of training") struct TrainingThreadsTests {
    @Test("examples are divided so that threads have about the same work, each example once", arguments: [1, 2, 3, 4])
    func division(threads: Int) {
        let team = TrainingThreads(threads), lengths = (0..<24).map { 40 + ($0 * 29) % 24 }
        let parts = team.divided(lengths)
        #expect(parts.count == threads)
        #expect(parts.flatMap { $0 }.sorted() == Array(lengths.indices))
        let costs = parts.map { part in part.count * part.map { lengths[$0] }.max()! }
        #expect(Double(costs.max()!) <= 1.15 * Double(costs.reduce(0, +)) / Double(threads), "\(costs)")
    }

    @Test("the best of all divisions in the order of lengths is used, but not one that leaves threads idle")
    func uneven() {
        let two = TrainingThreads(2)
        #expect(two.divided([7]) == [[0]])
        #expect(two.divided([90, 10, 10, 10]) == [[1, 2, 3], [0]])
        #expect(two.divided([10, 10, 10, 10, 10, 30]) == [[0, 1, 2, 3, 4], [5]])
        #expect(two.divided([10, 10, 10]) == [[0], [1, 2]] || two.divided([10, 10, 10]) == [[0, 1], [2]])
        #expect(TrainingThreads(4).divided([10, 10, 10, 10, 10]) == [[0, 1, 2, 3, 4]])
    }

    @Test("results come in the parts' order from threads with one libtorch thread each, and the first failure is thrown")
    func results() throws {
        struct Failure: Error, Equatable { let part: Int }
        let team = TrainingThreads(3)
        for round in 0..<20 {
            let found = try team.map(Array(0..<10)) { part in (part * round, Libtorch.threads) }
            #expect(found.map(\.0) == (0..<10).map { $0 * round })
            #expect(found.allSatisfy { $0.1 == 1 })
        }
        #expect(throws: Failure(part: 4)) { try team.map(Array(0..<10)) { if $0 == 4 || $0 == 7 { throw Failure(part: $0) } } }
        #expect(try TrainingThreads(2, of: 6).map([0, 1]) { _ in Libtorch.threads } == [3, 3])
    }

    @Test("gradients of parts computed at the same time are those of the sum, the same in every run")
    func sharedLeaves() throws {
        let generator = try Generator(seed: 1), team = TrainingThreads(4)
        let leaves = try ["a": Tensor.randn([40, 30], generator: generator), "b": Tensor.randn([30], generator: generator), "c": .zeros([2])]
        for leaf in leaves.values { try leaf.requiresGradient(true) }
        let inputs = try (0..<8).map { _ in try Tensor.randn([20, 40], generator: generator) }
        @Sendable func loss(_ x: Tensor) throws -> Tensor { try (x.matmul(leaves["a"]!) + leaves["b"]!).gelu().square().sum() }
        let whole = try LossGradients(inputs.dropFirst().reduce(loss(inputs[0])) { try $0 + loss($1) }, by: leaves)
        let runs = try (0..<10).map { _ in try team.sum(inputs) { try LossGradients(loss($0), by: leaves) }.gradients }
        #expect(runs[0].keys.sorted() == ["a", "b"])
        for (name, gradient) in runs[0] {
            try expectClose(gradient, whole.gradients[name]!, relative: 1e-5)
            for run in runs { #expect(try run[name]!.array(of: Float.self) == gradient.array(of: Float.self)) }
        }
        #expect(try leaves.values.allSatisfy { try $0.gradient == nil })
    }

    @Test("a gradient has the memory layout of its leaf, whatever computed it")
    func layout() throws {
        let generator = try Generator(seed: 1), weight = try Tensor.randn([3, 5], generator: generator).requiresGradient(true)
        let x = try Tensor.randn([5, 3], generator: generator)
        let transposed = try LossGradients((weight.transposed(0, 1) * x).sum(), by: ["w": weight]).gradients["w"]!
        #expect(transposed.strides == weight.strides)
        #expect(try transposed.array(of: Float.self) == x.transposed(0, 1).contiguous().array(of: Float.self))
        let spread = try LossGradients(weight.sum(), by: ["w": weight]).gradients["w"]!
        #expect(spread.strides == weight.strides)
    }

    @Test("one tensor that is the gradient of two leaves is not scaled twice")
    func sharedGradient() throws {
        let leaves = ["a": try Tensor.zeros([3]), "b": try Tensor.zeros([3])], weights = try Tensor([3, 0, 0] as [Float], shape: [3])
        for leaf in leaves.values { try leaf.requiresGradient(true) }
        let found = try LossGradients(((leaves["a"]! + leaves["b"]!) * weights).sum(), by: leaves).gradients
        try Optimization.scale(Array(found.values), by: 0.5)
        for gradient in found.values { #expect(try gradient.array(of: Float.self) == [1.5, 0, 0]) }
    }
}
