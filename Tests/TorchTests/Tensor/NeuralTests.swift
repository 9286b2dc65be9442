import TestSupport
import Testing
import Torch

@Suite("Networks' operations")
struct NeuralTests {
    static let cases: [OperationCase] = [
        OperationCase("softmax") { try $0.a.softmax(axis: 1) }, OperationCase("logSoftmax") { try $0.a.logSoftmax(axis: 0) },
        OperationCase("linear") { try $0.a.linear($0.matrix, $0.right[0, 0]) },
        OperationCase("embedding") { try $0.places.embedding(weight: $0.table) },
        OperationCase("layerNorm") { try $0.left.layerNorm(shape: [4], weight: $0.row, bias: $0.bias) },
        OperationCase("rmsNorm") { try $0.left.rmsNorm(weight: $0.row, epsilon: 1e-6) },
        OperationCase("batchNorm") { try $0.long.batchNorm(mean: $0.six, variance: $0.six_positive, weight: $0.six, bias: $0.six) },
        OperationCase("groupNorm") { try $0.long.groupNorm(groups: 3, weight: $0.six, bias: $0.six) },
        OperationCase("instanceNorm") { try $0.long.instanceNorm() },
        OperationCase("conv1d") { try $0.long.conv1d($0.kernel, $0.bias) },
        OperationCase("conv1d strided") { try $0.long.conv1d($0.kernel, $0.bias, stride: 2, padding: 2, dilation: 2) },
        OperationCase("conv1d grouped") { try $0.long.conv1d($0.grouped, groups: 2) },
        OperationCase("conv2d") { try $0.image.conv2d($0.window2d, $0.bias, stride: [1, 2], padding: [1, 0]) },
        OperationCase("convTranspose1d") { try $0.long.convTranspose1d($0.transposed, $0.bias, stride: 3, padding: 1, outputPadding: 1) },
        OperationCase("avgPool1d") { try $0.long.avgPool1d(kernel: 3, stride: 2, padding: 1) },
        OperationCase("avgPool1d ceil") { try $0.long.avgPool1d(kernel: 4, ceilMode: true) },
        OperationCase("avgPool2d") { try $0.image.avgPool2d(kernel: [2, 3]) },
        OperationCase("maxPool1d") { try $0.long.maxPool1d(kernel: 3, stride: 2) },
        OperationCase("nearest") { try $0.long.interpolated(scale: 2) },
        OperationCase("linear interpolation") { try $0.long.interpolated(size: 17, mode: .linear(alignCorners: false)) },
        OperationCase("aligned") { try $0.long.interpolated(size: 17, mode: .linear(alignCorners: true)) },
        OperationCase("attention") { try $0.queries.attention(key: $0.keys, value: $0.values) },
        OperationCase("attention masked") { try $0.queries.attention(key: $0.keys, value: $0.values, mask: $0.allowed, scale: 0.3) },
        OperationCase("attention causal") { try $0.queries.attention(key: $0.queries, value: $0.queries, causal: true) },
        OperationCase("crossEntropy") { try $0.a.crossEntropy($0.classes) },
        OperationCase("lstm") { try $0.lstm().output }, OperationCase("lstm hidden") { try $0.lstm().hidden },
        OperationCase("lstm cell") { try $0.lstm().cell },
    ]

    @Test("networks' operations are Python's", arguments: cases) func operations(operation: OperationCase) throws { try operation.check() }

    @Test("a convolution is a product with windows, and the transposed one is its adjoint") func convolution() throws {
        let x = try Operands()
        let windows = try x.long.unfolded(axis: 2, size: 3, step: 1)
        try expectClose(x.long.conv1d(x.kernel), .einsum("bctk,ock->bot", [windows, x.kernel]), relative: 1e-5)
        // ⟨conv x, y⟩ = ⟨x, transposed y⟩
        let y = try Tensor.randn([2, 4, 5], generator: Generator(seed: 5))
        let there = try (x.long.conv1d(x.kernel, stride: 2) * y).sum().item(Double.self)
        let back = try (x.long * y.convTranspose1d(x.kernel, stride: 2)).sum().item(Double.self)
        #expect(abs(there - back) < 1e-4)
    }

    @Test("attention is a softmax of products") func attention() throws {
        let x = try Operands()
        let scores = try (x.queries.matmul(x.keys.transposed(2, 3)) * 0.3).maskedFill(x.allowed.logicalNot(), -.infinity)
        try expectClose(
            x.queries.attention(key: x.keys, value: x.values, mask: x.allowed, scale: 0.3), scores.softmax(axis: -1).matmul(x.values), relative: 1e-5)
        let added = try Tensor.zeros([5, 7]).maskedFill(x.allowed.logicalNot(), -.infinity)
        try expectClose(
            x.queries.attention(key: x.keys, value: x.values, mask: added, scale: 0.3), scores.softmax(axis: -1).matmul(x.values), relative: 1e-5)
    }

    @Test("normalised features have mean 0 and variance 1") func normalisation() throws {
        let x = try Tensor.randn([2, 6, 40], generator: Generator(seed: 6)) * 3 + 5
        for (normal, axes) in [(try x.layerNorm(shape: [40]), [2]), (try x.instanceNorm(), [2]), (try x.groupNorm(groups: 1), [1, 2])] {
            #expect(try normal.mean(axes: axes).abs().max().item(Float.self) < 1e-5)
            #expect(try (normal.variance(axes: axes, unbiased: false) - 1).abs().max().item(Float.self) < 1e-3)
        }
    }

    @Test("training updates a batch norm's statistics, inference does not") func runningFigures() throws {
        let x = try Tensor.randn([4, 2, 10], generator: Generator(seed: 7)) + 3
        let mean = try Tensor.zeros([2]), variance = try Tensor.ones([2])
        _ = try x.batchNorm(mean: mean, variance: variance)
        #expect(try mean.array(of: Float.self) == [0, 0])
        _ = try x.batchNorm(mean: mean, variance: variance, training: true, momentum: 0.5)
        try expectClose(mean, x.mean(axes: [0, 2]) * 0.5, relative: 1e-5)
    }

    @Test("probabilities sum to 1, whatever the scale of the logits") func softmax() throws {
        let logits = try Tensor([1000, 1001, -1000, 0] as [Float])
        #expect(try abs(logits.softmax(axis: 0).sum().item(Float.self) - 1) < 1e-6)
        try expectClose(logits.logSoftmax(axis: 0), logits - logits.logsumexp(axis: 0), relative: 1e-6)
    }

    @Test("dropout keeps the mean, and changes nothing if it is off") func dropout() throws {
        let generator = try Generator(seed: 8), x = try Tensor.ones([20_000])
        let dropped = try x.dropout(0.3, generator: generator)
        #expect(try abs(dropped.mean().item(Float.self) - 1) < 0.03)
        #expect(Set(try dropped.array(of: Float.self)) == [0, 1 / 0.7])
        #expect(try x.dropout(0, generator: generator).array(of: Float.self) == x.array(of: Float.self))
    }

    @Test("layers read their weights by name and compute their operation") func layers() throws {
        let x = try Operands()
        let weights = Weights(
            tensors: [
                "linear.weight": x.matrix, "norm.weight": x.row, "norm.bias": x.bias, "embedding.weight": x.table, "conv.weight": x.kernel,
                "conv.bias": x.bias,
                "image.weight": x.window2d, "image.bias": x.bias, "up.weight": x.transposed, "up.bias": x.bias,
                "batch.running_mean": x.six, "batch.running_var": x.six_positive, "batch.weight": x.six, "batch.bias": x.six,
                "normed.bias": x.bias, "normed.parametrizations.weight.original0": x.length, "normed.parametrizations.weight.original1": x.kernel,
            ].merging(x.fixture.weightTensors(below: "lstm")) { $1 }, named: "layers")
        try expectClose(Linear(weights["linear"], from: 4, to: 5, bias: false)(x.a), x.a.linear(x.matrix), relative: 0)
        try expectClose(LayerNorm(weights["norm"], size: 4)(x.left), x.fixture.output("layerNorm"), relative: 2e-6)
        try expectClose(RMSNorm(weights["norm"], size: 4, epsilon: 1e-6)(x.left), x.fixture.output("rmsNorm"), relative: 2e-6)
        try expectClose(Embedding(weights["embedding"], count: 7, size: 4)(x.places), x.fixture.output("embedding"), relative: 0)
        try expectClose(Conv1d(weights["conv"], from: 6, to: 4, kernel: 3)(x.long), x.fixture.output("conv1d"), relative: 2e-6)
        try expectClose(
            Conv2d(weights["image"], from: 3, to: 4, kernel: [2, 3], stride: [1, 2], padding: [1, 0])(x.image), x.fixture.output("conv2d"),
            relative: 2e-6)
        try expectClose(
            ConvTranspose1d(weights["up"], from: 6, to: 4, kernel: 4, stride: 3, padding: 1, outputPadding: 1)(x.long),
            x.fixture.output("convTranspose1d"), relative: 2e-6)
        try expectClose(BatchNorm(weights["batch"], channels: 6)(x.long), x.fixture.output("batchNorm"), relative: 2e-6)
        let normed = try Conv1d(weights["normed"], from: 6, to: 4, kernel: 3, weightNorm: true)
        try expectClose(normed.weight, x.fixture.output("weightNorm"), relative: 2e-6)
        let zeros = try Tensor.zeros([2, 2, 3])
        let lstm = try LSTM(weights["lstm"], input: 4, hidden: 3, layers: 2)(x.sequence)
        let expected = try x.sequence.lstm(hidden: zeros, cell: zeros, weights: x.lstmWeights, layers: 2)
        try expectClose(lstm.output, expected.output, relative: 0)
        try expectClose(lstm.hidden, expected.hidden, relative: 0)
        try weights.requireAllUsed()
    }
}

extension Operands {
    /// In the operation's order.
    var lstmWeights: [Tensor] {
        get throws {
            let tensors = fixture.weightTensors(below: "lstm")
            return (0..<2).flatMap { layer in ["weight_ih", "weight_hh", "bias_ih", "bias_hh"].map { tensors["lstm.\($0)_l\(layer)"]! } }
        }
    }

    func lstm() throws -> (output: Tensor, hidden: Tensor, cell: Tensor) {
        try self.sequence.lstm(hidden: self.hidden, cell: self.cell, weights: lstmWeights, layers: 2)
    }
}
