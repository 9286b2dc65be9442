import TestSupport
import Testing
import Torch

@Suite("Weights")
struct WeightsTests {
    @Test("weights are taken by name and shape, and superfluous ones are refused")
    func weights() throws {
        let weights = Weights(
            tensors: ["a.weight": try .ones([2, 3]), "a.bias": try .zeros([2]), "b.weight": try .ones([4])], named: "small.safetensors")
        let layer = try Linear(weights["a"], from: 3, to: 2)
        #expect(try layer(Tensor.ones([1, 3])).array(of: Float.self) == [3, 3])
        #expect(throws: WeightsError.self) { try weights.requireAllUsed() }
        let error = #expect(throws: WeightsError.self) { try Linear(weights["a"], from: 4, to: 2) }
        #expect(
            error?.description == "small.safetensors: tensor \"a.weight\" should have shape [2, 4], found [2, 3]; the file belongs to another model")
        weights.ignore("b.")
        try weights.requireAllUsed()
    }

    @Test("an error about a missing tensor has the file and the name") func missing() throws {
        let weights = Weights(tensors: [:], named: "small.safetensors")
        let error = #expect(throws: WeightsError.self) { try Linear(weights["layers"][3]["q_proj"], from: 1, to: 1) }
        #expect(error?.description.contains("small.safetensors: tensor \"layers.3.q_proj.weight\" is missing") == true)
        #expect(weights.isEmpty && !weights.contains("x"))
        #expect(try weights.tensorIfPresent("x", shape: [1]) == nil)
    }

    @Test("random weights follow their rule, are the same for the same seed, and are the model's parameters") func drawn() throws {
        let weights = Weights(initialising: try Generator(seed: 1)), again = Weights(initialising: try Generator(seed: 1))
        let layer = try Linear(weights["a"], from: 400, to: 300)
        try expectClose(Linear(again["a"], from: 400, to: 300).weight, layer.weight, relative: 0)
        #expect(try layer.weight.abs().max().item(Float.self) <= 0.05)
        #expect(try layer.weight.abs().max().item(Float.self) > 0.0499)
        #expect(Set(weights.parameters.keys) == ["a.weight", "a.bias"])
        let rules: [(Initial, ClosedRange<Float>, Float)] = [
            (.zeros, 0...0, 0), (.ones, 1...1, 0), (.constant(3), 3...3, 0), (.normal(std: 0.5), -4...4, 0.5), (.uniform(2), -2...2, 1.155),
        ]
        for (index, (rule, range, deviation)) in rules.enumerated() {
            let tensor = try weights.tensor("t\(index)", shape: [100, 100], initial: rule)
            #expect(try range.contains(tensor.min().item()) && range.contains(tensor.max().item()))
            #expect(try abs(tensor.std().item(Float.self) - deviation) < 0.05)
        }
    }

    @Test("a converted scope returns floating-point weights in the other type, and others unchanged") func rounded() throws {
        let weights = Weights(
            tensors: ["a.w": try .ones([2]), "b.w": try .ones([2]), "a.n": try Tensor([1, 2], shape: [2])], named: "two scopes")
        let half = weights["a"].rounded(to: .float16)
        #expect(try half.tensor("w", shape: [2]).dtype == .float16 && half.tensor("n", shape: [2]).dtype == .int64)
        #expect(try weights["b"].tensor("w", shape: [2]).dtype == .float32)
        #expect(weights.parameters["a.w"]?.dtype == .float16)
        try weights.requireAllUsed()
    }
}
