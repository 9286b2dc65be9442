import TestSupport
import Testing
import Torch

@Suite("Linear maps by oneDNN")
struct OneDNNLinearTests {
    /// A linear map to train.
    struct Case: CustomTestStringConvertible, Sendable {
        var rows = [4, 70], inputs = 1024, outputs = 260, bias = false, isTrained = false, isStoredTransposed = false, rank: Int?
        var hasStridedInput = false

        var testDescription: String {
            [
                "\(rows) × \(inputs) → \(outputs)", bias ? "bias" : nil, isTrained ? "trained" : "frozen",
                isStoredTransposed ? "stored transposed" : nil, rank.map { "rank \($0)" }, hasStridedInput ? "strided input" : nil,
            ].compactMap { $0 }.joined(separator: ", ")
        }
    }

    static let cases: [Case] = [
        Case(), Case(rows: [210], bias: true), Case(rows: [3, 65], inputs: 260, outputs: 1000, isTrained: true),
        Case(bias: true, isTrained: true, isStoredTransposed: true), Case(rows: [2, 3, 33], inputs: 67, outputs: 71, bias: true, isTrained: true),
        Case(bias: true, isTrained: true, hasStridedInput: true), Case(isStoredTransposed: true, rank: 16),
        Case(rows: [4, 217], outputs: 1024, rank: 16),
        Case(bias: true, isTrained: true, rank: 5, hasStridedInput: true), Case(rows: [300], inputs: 64, outputs: 8194, isTrained: true, rank: 1),
    ]

    @Test("values and gradients equal libtorch's", arguments: cases) func gradients(_ example: Case) throws {
        let generator = try Generator(seed: 5)
        func drawn(_ shape: [Int], isTrained: Bool) throws -> Tensor { try Tensor.randn(shape, generator: generator).requiresGradient(isTrained) }
        let shape = example.rows + [example.inputs]
        let x =
            try example.hasStridedInput
            ? Tensor.randn(shape.reversed(), generator: generator).permuted(Array(shape.indices.reversed())).requiresGradient(true)
            : drawn(shape, isTrained: true)
        let weight =
            try example.isStoredTransposed
            ? Tensor.randn([example.inputs, example.outputs], generator: generator).transposed(0, 1).requiresGradient(example.isTrained)
            : drawn([example.outputs, example.inputs], isTrained: example.isTrained)
        let bias = try example.bias ? drawn([example.outputs], isTrained: example.isTrained) : nil
        let lowRank = try example.rank.map {
            (a: try drawn([$0, example.inputs], isTrained: true), b: try drawn([example.outputs, $0], isTrained: true), scale: 0.3)
        }
        // On other processors there is nothing to compare: libtorch's linear map is used.
        guard Libtorch.instructions == "AVX512" else {
            #expect(!x.isTakenByOneDNN(weight, bias))
            return
        }
        #expect(x.isTakenByOneDNN(weight, bias))
        let direction = try Tensor.randn(example.rows + [example.outputs], generator: generator)
        let leaves = [x, weight, bias, lowRank?.a, lowRank?.b].compactMap { $0 }
        func results(_ y: Tensor) throws -> [Tensor?] {
            for leaf in leaves { try leaf.clearGradient() }
            try (y * direction).sum().backward()
            return try [y.detached()] + leaves.map { try $0.gradient }
        }
        let found = try results(x.oneDNNLinear(weight, bias, lowRank: lowRank))
        let plain = try x.linear(weight, bias)
        let expected = try results(lowRank.map { try plain + (x.linear($0.a) * $0.scale).linear($0.b) } ?? plain)
        #expect(found.map { $0?.shape } == expected.map { $0?.shape })
        // Sums of up to 8194 products in another order.
        for case let (found?, expected?) in zip(found, expected) { try expectClose(found, expected, relative: 1e-5) }
    }

    @Test("operands that oneDNN does not support are refused: few rows, other precisions, other shapes") func refusals() throws {
        let weight = try Tensor.randn([128, 96], generator: Generator(seed: 1))
        let refused = [
            try Tensor.zeros([1, 63, 96]), try Tensor.zeros([4, 70, 96], dtype: .float64), try Tensor.zeros([4, 70, 95]),
            try Tensor.zeros([4, 70, 96], dtype: .bfloat16),
        ]
        for x in refused {
            #expect(!x.isTakenByOneDNN(weight))
            #expect(throws: TorchError.self) { try x.oneDNNLinear(weight) }
        }
        #expect(try !Tensor.zeros([4, 70, 96]).isTakenByOneDNN(weight.to(.float64)))
        #expect(try !Tensor.zeros([4, 70, 48]).isTakenByOneDNN(weight.narrow(axis: 1, from: 0, count: 48)))
    }

    @Test("low-rank matrices that do not match cause an error") func shapes() throws {
        guard Libtorch.instructions == "AVX512" else { return }
        let x = try Tensor.zeros([4, 70, 96]), weight = try Tensor.zeros([128, 96])
        #expect(throws: TorchError.self) { try x.oneDNNLinear(weight, lowRank: (try .zeros([4, 95]), try .zeros([128, 4]), 1)) }
        #expect(throws: TorchError.self) { try x.oneDNNLinear(weight, lowRank: (try .zeros([4, 96]), try .zeros([127, 4]), 1)) }
        #expect(throws: TorchError.self) { try x.oneDNNLinear(weight, .zeros([127])) }
    }
}
