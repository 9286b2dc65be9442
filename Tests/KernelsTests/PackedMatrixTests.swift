import Kernels
import TestSupport
import Testing
import Torch

/// Products with awkward sizes: inputs without a whole group, outputs without a whole panel, more rows than a tile.
struct ProductCase: Sendable, CustomTestStringConvertible {
    let rows, inputs, outputs: Int
    var testDescription: String { "\(rows) × \(inputs) → \(outputs)" }

    static let all = [(1, 64, 16), (2, 100, 40), (3, 30, 7), (7, 130, 33), (13, 64, 96), (65, 40, 20)]
        .map { ProductCase(rows: $0.0, inputs: $0.1, outputs: $0.2) }

    func tensors(seed: UInt64) throws -> (x: Tensor, weight: Tensor, bias: Tensor, residual: Tensor) {
        let generator = try Generator(seed: seed)
        return (
            try .randn([rows, inputs], generator: generator), try .randn([outputs, inputs], generator: generator) * 0.05,
            try .randn([outputs], generator: generator), try .randn([rows, outputs], generator: generator)
        )
    }
}

@Suite("Products with packed weights")
struct PackedMatrixTests {
    let team: ThreadTeam

    init() throws { team = try ThreadTeam(threads: 2) }

    /// x Wᵀ + bias in double precision.
    static func product(_ x: Tensor, _ weight: Tensor, _ bias: Tensor) throws -> Tensor {
        try x.to(.float64).linear(weight.to(.float64), bias.to(.float64))
    }

    @Test("plain C computes float32 products like double precision", arguments: ProductCase.all)
    func float(size: ProductCase) throws {
        let plain = try ThreadTeam(threads: 1, instructions: "portable")
        let (x, weight, bias, residual) = try size.tensors(seed: 1)
        let packed = try PackedMatrix([.init(weight, bias: bias)], format: .float32, team: plain)
        try expectClose(packed(x, residual: residual), Self.product(x, weight, bias) + residual, relative: 1e-6)
        try expectEqualNumbers(packed.unpacked().squeezed(1), weight)
    }

    @Test("plain C computes products of codes like double precision", arguments: ProductCase.all, [WeightFormat.int8, .int4])
    func codes(size: ProductCase, format: WeightFormat) throws {
        let plain = try ThreadTeam(threads: 1, instructions: "portable")
        let (noise, weight, bias, residual) = try size.tensors(seed: 2)
        // Integers that reach 127 in every group: rounding to 8 bits changes nothing.
        let x = try (noise * 40).round().clamped(min: -127, max: 127)
        for group in stride(from: 0, to: size.inputs, by: 64) { try x.narrow(axis: 1, from: group, count: 1).fill(-127) }
        let packed = try PackedMatrix([.init(weight, bias: bias)], format: format, team: plain)
        try expectClose(packed(x, residual: residual), Self.product(x, packed.unpacked().squeezed(1), bias) + residual, relative: 1e-6)
    }

    @Test("every instruction set of this processor agrees with plain C", arguments: ProductCase.all, WeightFormat.allCases)
    func instructionSets(size: ProductCase, format: WeightFormat) throws {
        let (x, weight, bias, residual) = try size.tensors(seed: 3)
        func result(_ instructions: String) throws -> Tensor {
            let team = try ThreadTeam(threads: 1, instructions: instructions)
            return try PackedMatrix([.init(weight, bias: bias)], format: format, team: team)(x, activation: .gelu, residual: residual)
        }
        let expected = try result("portable")
        for instructions in ThreadTeam.availableInstructions.dropLast() {
            try expectClose(result(instructions), expected, relative: 1e-6, instructions)
        }
    }

    @Test("results depend neither on threads nor on neighbouring rows", arguments: WeightFormat.allCases)
    func reproducible(format: WeightFormat) throws {
        let (x, weight, bias, _) = try ProductCase(rows: 70, inputs: 100, outputs: 200).tensors(seed: 4)
        let expected = try PackedMatrix([.init(weight, bias: bias)], format: format, team: ThreadTeam(threads: 1))(x)
        for threads in [2, 3, 5] {
            let packed = try PackedMatrix([.init(weight, bias: bias)], format: format, team: ThreadTeam(threads: threads))
            try expectEqualNumbers(packed(x), expected)
            try expectEqualNumbers(packed(x.narrow(axis: 0, from: 8, count: 3).contiguous()), expected.narrow(axis: 0, from: 8, count: 3))
        }
    }

    @Test("rounding changes a weight by at most half a step of its group")
    func rounding() throws {
        let (_, weight, _, _) = try ProductCase(rows: 1, inputs: 192, outputs: 48).tensors(seed: 5)
        func misses(_ format: WeightFormat, group: Int) throws -> Tensor {
            let packed = try PackedMatrix([.init(weight)], format: format, team: team)
            let largest = try weight.abs().reshaped([48, 192 / group, group]).max(axis: 2, keepAxis: true)
            return try ((packed.unpacked().squeezed(1) - weight).reshaped([48, 192 / group, group]) / largest)
        }
        // Scales have 8 bits themselves: a step is up to 1/128 longer.
        #expect(try misses(.int8, group: 64).abs().max().item(Double.self) <= 0.5 / 127 * (1 + 1.0 / 127))
        // With 16 steps the smallest squared error may require clipping the largest weight.
        #expect(try misses(.int4, group: 32).square().mean().sqrt().item(Double.self) < 0.04)
    }

    @Test("a view is packed like its copy", arguments: WeightFormat.allCases)
    func views(format: WeightFormat) throws {
        let (x, weight, bias, _) = try ProductCase(rows: 2, inputs: 70, outputs: 36).tensors(seed: 6)
        let stored = try weight.transposed(0, 1).contiguous()
        let view = try PackedMatrix([.init(stored.transposed(0, 1), bias: bias)], format: format, team: team)
        try expectEqualNumbers(view(x), PackedMatrix([.init(weight, bias: bias)], format: format, team: team)(x))
    }

    @Test("several layers give their outputs one after the other", arguments: WeightFormat.allCases)
    func sources(format: WeightFormat) throws {
        let (x, weight, bias, _) = try ProductCase(rows: 3, inputs: 64, outputs: 44).tensors(seed: 7)
        let parts = try [(0, 20), (20, 7), (27, 17)].map { from, count in
            PackedMatrix.Source(try weight.narrow(axis: 0, from: from, count: count), bias: try bias.narrow(axis: 0, from: from, count: count))
        }
        try expectEqualNumbers(
            PackedMatrix(parts, format: format, team: team)(x), PackedMatrix([.init(weight, bias: bias)], format: format, team: team)(x))
    }

    @Test("a gate and its partner give SwiGLU", arguments: WeightFormat.allCases)
    func gated(format: WeightFormat) throws {
        let (x, gate, gateBias, _) = try ProductCase(rows: 9, inputs: 80, outputs: 40).tensors(seed: 8)
        let (_, up, upBias, _) = try ProductCase(rows: 9, inputs: 80, outputs: 40).tensors(seed: 9)
        func pack(_ sources: PackedMatrix.Source..., gated: Bool = false) throws -> PackedMatrix {
            try PackedMatrix(sources, format: format, gated: gated, team: team)
        }
        let together = try pack(.init(gate, bias: gateBias), .init(up, bias: upBias), gated: true)
        let expected = try pack(.init(gate, bias: gateBias))(x).silu() * pack(.init(up, bias: upBias))(x)
        try expectClose(together(x, activation: .gatedSiLU), expected, relative: 1e-6)
        try expectEqualNumbers(together.unpacked().squeezed(1), Tensor.cat([pack(.init(gate)).unpacked(), pack(.init(up)).unpacked()]).squeezed(1))
    }

    @Test("activations are libtorch's", arguments: ThreadTeam.availableInstructions)
    func activations(instructions: String) throws {
        let team = try ThreadTeam(threads: 1, instructions: instructions)
        let x = try Tensor.linspace(from: -12, to: 12, count: 401).reshaped([401, 1])
        let identity = try PackedMatrix([.init(.ones([1, 1]))], format: .float32, team: team)
        try expectClose(identity(x, activation: .gelu), x.gelu(), relative: 1e-7)
        try expectClose(identity(x, activation: .geluTanh), x.gelu(approximate: true), relative: 1e-6)
    }

    @Test("matrices that do not match are refused")
    func refusals() throws {
        #expect(throws: KernelError.shape("bias", expected: "[4]", found: [3])) {
            try PackedMatrix([.init(.zeros([4, 8]), bias: .zeros([3]))], format: .int8, team: team)
        }
        #expect(throws: TorchError.self) { try PackedMatrix([.init(.zeros([4, 8], dtype: .float64))], format: .int8, team: team) }
        #expect(throws: KernelError.unknownInstructions("abacus", available: ThreadTeam.availableInstructions)) {
            try ThreadTeam(threads: 1, instructions: "abacus")
        }
    }
}

/// Expects the same numbers, to the last bit.
func expectEqualNumbers(_ actual: Tensor, _ expected: Tensor, sourceLocation: SourceLocation = #_sourceLocation) throws {
    #expect(actual.shape == expected.shape, sourceLocation: sourceLocation)
    #expect(try actual.array(of: Float.self) == expected.array(of: Float.self), sourceLocation: sourceLocation)
}

extension PackedMatrix {
    /// activation(x Wᵀ + bias) + residual: `[rows, inputs]` → `[rows, outputs]`.
    func callAsFunction(_ x: Tensor, activation: Activation = .identity, residual: Tensor? = nil) throws -> Tensor {
        let output = try Tensor.empty([1, x.size(0), activation == .gatedSiLU ? outputs / 2 : outputs])
        try PackedLayer(self, activation: activation)(x.unsqueezed(0), into: output, residual: residual?.unsqueezed(0))
        return try output[0]
    }
}
