import Foundation
import TestSupport
import Testing
import Torch

@Suite("Differentiation")
struct AutogradTests {
    @Test("a gradient is Python's") func python() throws {
        let x = try Operands()
        let leaf = try x.a.clone().requiresGradient(true)
        try (leaf.tanh() * x.b).linear(x.matrix).crossEntropy(Tensor([0, 4, 2])).backward()
        try expectClose(#require(try leaf.gradient), x.fixture.output("gradient"), relative: 2e-6)
    }

    /// Functions of a `[2, 3, 8]` tensor, each a chain through operations that networks are made of.
    static let functions: [OperationCase] = [
        OperationCase("softmax and logarithm") { try ($0.x.softmax(axis: 2) + 0.1).log() },
        OperationCase("layer norm") { try $0.x.layerNorm(shape: [8]).tanh() },
        OperationCase("convolution") { try $0.x.conv1d($0.kernel, padding: 1).silu() },
        OperationCase("transposed convolution") { try $0.x.convTranspose1d($0.kernel.transposed(0, 1), stride: 2).square() },
        OperationCase("attention") { try $0.x.unsqueezed(0).attention(key: $0.x.unsqueezed(0).sin(), value: $0.x.unsqueezed(0)) },
        OperationCase("views and joins") {
            try Tensor.cat([$0.x[.all, 1...], $0.x.flipped([2]).narrow(axis: 1, from: 0, count: 1)], axis: 1).permuted([2, 0, 1]).exp()
        },
        OperationCase("reductions") { try $0.x.variance(axis: 2) * $0.x.logsumexp(axis: 2) + $0.x.norm(axis: 2) },
        OperationCase("products") { try $0.x.matmul($0.x.transposed(1, 2)).gelu() },
        OperationCase("spectrum") {
            try $0.x.flattened(to: 1).stft(size: 4, hop: 2, window: .hannWindow(4, dtype: .float64)).viewAsReal().square().sum(axis: -1)
        },
    ]

    @Test("gradients equal the slopes of small steps", arguments: functions) func slopes(function: OperationCase) throws {
        let generator = try Generator(seed: 11)
        let x = try Tensor.randn([2, 3, 8], generator: generator, dtype: .float64),
            kernel = try Tensor.randn([4, 3, 3], generator: generator, dtype: .float64)
        let direction = try Tensor.randn([2, 3, 8], generator: generator, dtype: .float64)
        func value(_ x: Tensor) throws -> Tensor { try function.compute(Operands(["x": x, "kernel": kernel])).sum() }
        let leaf = try x.clone().requiresGradient(true)
        try value(leaf).backward()
        let slope = try (#require(try leaf.gradient) * direction).sum().item(Double.self)
        let step = 1e-5
        let rise = try (value(x + direction * step) - value(x - direction * step)).item(Double.self)
        #expect(abs(slope - rise / (2 * step)) < 1e-6 * max(1, abs(slope)))
    }

    @Test("recorded mish has the values and the derivative of its formula, also of a view, and NaN stays NaN") func mish() throws {
        let numbers = stride(from: Float(-100), through: 100, by: 0.37) + [-1e-30, 0, 1e-30, .nan]
        let leaf = try Tensor(numbers + numbers.reversed(), shape: [2, numbers.count]).requiresGradient(true)
        let y = try leaf.transposed(0, 1).mish()
        try (y * 3).sum().backward()
        let values = try y[.all, 0].array(of: Double.self), gradients = try #require(try leaf.gradient)[0].array(of: Double.self)
        for (place, x) in numbers.map(Double.init).enumerated() {
            let t = tanh(log1p(exp(x))), slope = t + x * (1 - t * t) / (1 + exp(-x))
            for (found, expected) in [(values[place], x * t), (gradients[place], 3 * slope)] {
                #expect(x.isNaN ? found.isNaN : abs(found - expected) <= 1e-6 * abs(expected) + 3e-7, "\(x): \(found) instead of \(expected)")
            }
        }
    }

    @Test("gradients add up until they are cleared, and belong only to leaves") func accumulation() throws {
        let x = try Tensor([1, 2] as [Float]).requiresGradient(true)
        #expect(try x.gradient == nil)
        try (x * 3).sum().backward()
        try (x * x).sum().backward()
        #expect(try x.gradient?.array(of: Float.self) == [5, 7])
        try x.clearGradient()
        #expect(try x.gradient == nil)
        #expect(throws: TorchError.self) { try (x * 2).backward() }
        #expect(throws: TorchError.self) { try Tensor([1, 2]).requiresGradient(true) }
    }

    @Test("recording is off where it is switched off, can be nested, and is restored after an error") func scopes() throws {
        struct Stop: Error {}
        let x = try Tensor.ones([2]).requiresGradient(true)
        #expect(try (x + 1).requiresGradient)
        let recorded = try withoutGradients {
            [try (x + 1).requiresGradient, try withoutGradients { try (x + 1).requiresGradient }, try (x + 1).requiresGradient]
        }
        #expect(recorded == [false, false, false])
        #expect(throws: Stop.self) { try withoutGradients { throw Stop() } }
        #expect(try (x + 1).requiresGradient)
        #expect(try !x.detached().requiresGradient)
        #expect(x.requiresGradient)
    }
}
