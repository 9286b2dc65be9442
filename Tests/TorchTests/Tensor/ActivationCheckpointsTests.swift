import Testing
import Torch

@Suite("Activation checkpointing") struct ActivationCheckpointsTests {
    /// Three layers of which the last also sees the first's result, with something between them, and a loss.
    private struct Network {
        let weights: [Tensor], input: Tensor

        init(inputAsks: Bool = false) throws {
            let generator = try Generator(seed: 1)
            weights = try (0..<3).map { _ in try Tensor.randn([4, 4], generator: generator).requiresGradient(true) }
            input = try Tensor.randn([2, 4], generator: generator).requiresGradient(inputAsks)
        }

        func loss(_ checkpoints: ActivationCheckpoints?) throws -> Tensor {
            func layer(_ inputs: [Tensor], _ weight: Tensor) throws -> Tensor {
                func body(_ inputs: [Tensor]) throws -> [Tensor] { try [inputs.dropFirst().reduce(inputs[0]) { try $0 + $1 }.linear(weight).tanh()] }
                return try checkpoints?.segment(inputs, body)[0] ?? body(inputs)[0]
            }
            let first = try layer([input * 2], weights[0]), second = try layer([first.exp()], weights[1])
            return try layer([second, first], weights[2]).square().sum() + first.sum()
        }
    }

    private func isSame(_ a: [Tensor?], _ b: [Tensor?]) throws -> Bool {
        try a.count == b.count
            && zip(a, b).allSatisfy { a, b in
                guard let a, let b else { return a == nil && b == nil }
                return try a.equal(to: b).to(.float32).min().item(Double.self) == 1
            }
    }

    @Test("gradients are the same bit for bit, of weights and of the input", arguments: [false, true]) func gradients(inputAsks: Bool) throws {
        let network = try Network(inputAsks: inputAsks), checkpoints = ActivationCheckpoints()
        let asked = network.weights + (inputAsks ? [network.input] : [])
        let kept = try network.loss(nil).gradients(of: asked)
        let twice = try checkpoints.gradients(of: network.loss(checkpoints), by: asked)
        #expect(kept.allSatisfy { $0 != nil })
        #expect(try isSame(kept, twice))
        #expect(checkpoints.recomputed == 3)
    }

    @Test("what asks for no gradient is not computed again, and has none") func frozen() throws {
        let network = try Network(), checkpoints = ActivationCheckpoints()
        try network.weights[0].requiresGradient(false)
        let asked = [network.weights[1]], stranger = try Tensor.ones([1]).requiresGradient(true)
        let twice = try checkpoints.gradients(of: network.loss(checkpoints), by: asked + [stranger])
        #expect(try isSame(network.loss(nil).gradients(of: asked) + [nil], twice))
        #expect(checkpoints.recomputed == 2)
    }

    @Test("a segment may have several inputs and results, of which some go nowhere") func severalResults() throws {
        let x = try Tensor([1.0, 2, 3]).to(.float32).requiresGradient(true), y = try Tensor([4.0, 5, 6]).to(.float32).requiresGradient(true)
        let checkpoints = ActivationCheckpoints()
        let results = try checkpoints.segment([x, y]) { try [$0[0] * $0[1], $0[0].square(), $0[1].exp()] }
        let gradients = try checkpoints.gradients(of: results[0].sum() + results[1].sum() * 10, by: [x, y])
        #expect(try gradients[0]!.array(of: Float.self) == [24, 45, 66])
        #expect(try gradients[1]!.array(of: Float.self) == [1, 2, 3])
    }

    @Test("a body is called once for the result and once for the gradients, and inside another or without gradients it keeps nothing")
    func calls() throws {
        let x = try Tensor([1.0, 2]).to(.float32).requiresGradient(true), checkpoints = ActivationCheckpoints()
        var inner = 0, outer = 0
        let squares = try checkpoints.segment([x]) { inputs in
            outer += 1
            return try checkpoints.segment(inputs) { inputs in
                inner += 1
                return [try inputs[0].square()]
            }
        }
        try withoutGradients { _ = try checkpoints.segment([x]) { [try $0[0].exp()] } }
        let gradients = try checkpoints.gradients(of: squares[0].sum(), by: [x])
        #expect(try gradients[0]!.array(of: Float.self) == [2, 4])
        #expect(inner == 2 && outer == 2 && checkpoints.recomputed == 1)
    }

    @Test("what lies between segments and goes into two is refused, and so is a loss without gradients") func refusals() throws {
        let x = try Tensor([1.0, 2]).to(.float32).requiresGradient(true), checkpoints = ActivationCheckpoints()
        let first = try checkpoints.segment([x]) { [try $0[0].square()] }[0], between = try first.exp()
        let one = try checkpoints.segment([between]) { [try $0[0].square()] }[0], other = try checkpoints.segment([between]) { [try $0[0].tanh()] }[0]
        #expect(throws: TorchError.self) { try checkpoints.gradients(of: one.sum() + other.sum(), by: [x]) }
        #expect(throws: TorchError.self) { try ActivationCheckpoints().gradients(of: Tensor.ones([]), by: [x]) }
    }
}
