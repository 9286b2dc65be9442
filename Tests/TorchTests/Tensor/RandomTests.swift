import TestSupport
import Testing
import Torch

@Suite("Random numbers")
struct RandomTests {
    @Test("one generator gives, draw after draw, Python's numbers after manual_seed") func sequence() throws {
        let x = try Operands(), generator = try Generator(seed: 7)
        try expectClose(Tensor.randn([20], generator: generator), x.fixture.output("randn"), relative: 0)
        try expectClose(Tensor.randn([3, 7], generator: generator), x.fixture.output("randn long"), relative: 0)
        try expectClose(Tensor.rand([5], generator: generator), x.fixture.output("rand"), relative: 0)
        try expectEqual(Tensor.randint(-3..<9, [12], generator: generator), x.fixture.output("randint"))
        try expectEqual(Tensor.randperm(9, generator: generator), x.fixture.output("randperm"))
        try expectEqual(x.positive.multinomial(3, generator: generator), x.fixture.output("multinomial"))
        try expectEqual(x.positive.multinomial(6, replacement: true, generator: generator), x.fixture.output("multinomial replaced"))
        try expectClose(Tensor.randn([4], generator: generator, dtype: .float64), x.fixture.output("randn double"), relative: 0)
    }

    @Test("equal seeds give equal numbers, others do not, and two generators are independent") func independence() throws {
        let one = try Generator(seed: 1), same = try Generator(seed: 1), other = try Generator(seed: 2)
        let first = try Tensor.rand([8], generator: one).array(of: Float.self)
        #expect(try Tensor.rand([8], generator: other).array(of: Float.self) != first)
        #expect(try Tensor.rand([8], generator: same).array(of: Float.self) == first)
    }

    @Test("a saved and restored state gives the same numbers again, even between the pairs of a normal draw") func state() throws {
        let generator = try Generator(seed: 3)
        _ = try Tensor.randn([3], generator: generator)
        let state = try generator.state()
        let next = try Tensor.randn([5], generator: generator).array(of: Float.self)
        try generator.restore(state)
        #expect(try Tensor.randn([5], generator: generator).array(of: Float.self) == next)
        #expect(throws: TorchError.self) { try generator.restore(.zeros([3], dtype: .uint8)) }
    }

    @Test("draws follow their distribution") func distributions() throws {
        let generator = try Generator(seed: 4)
        let normal = try Tensor.randn([40_000], generator: generator)
        #expect(try abs(normal.mean().item(Float.self)) < 0.02)
        #expect(try abs(normal.std().item(Float.self) - 1) < 0.02)
        let uniform = try Tensor.rand([40_000], generator: generator)
        #expect(try uniform.min().item(Float.self) >= 0 && uniform.max().item(Float.self) < 1)
        #expect(try abs(uniform.mean().item(Float.self) - 0.5) < 0.01)
        let order = try Tensor.randperm(500, generator: generator)
        try expectEqual(order.sorted().values, .arange(500))
        let drawn = try Tensor([0.1, 0, 0.6, 0.3] as [Float]).multinomial(20_000, replacement: true, generator: generator).bincount(minimum: 4)
        let shares = try (drawn.to(.float32) / 20_000).array(of: Float.self)
        #expect(shares[1] == 0)
        for (share, expected) in zip(shares, [0.1, 0, 0.6, 0.3] as [Float]) { #expect(abs(share - expected) < 0.02) }
        #expect(Set(try Tensor.randint(2..<5, [300], generator: generator).array(of: Int.self)) == [2, 3, 4])
        // Without replacement nothing is drawn twice, and at most all are drawn.
        let all = try Tensor.ones([6]).multinomial(6, generator: generator)
        try expectEqual(all.sorted().values, .arange(6))
        #expect(throws: TorchError.self) { try Tensor.ones([6]).multinomial(7, generator: generator) }
        #expect(throws: TorchError.self) { try Tensor([-1, 2] as [Float]).multinomial(generator: generator) }
    }
}
