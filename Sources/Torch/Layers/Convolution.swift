/// A convolution over time: `[batch, from, time]` → `[batch, to, time′]`.
public struct Conv1d: Sendable {
    /// `[to, from ÷ groups, kernel]`.
    public let weight: Tensor
    public let bias: Tensor?
    public let stride, padding, dilation, groups: Int

    /// Reads `weight` and, unless `bias` is false, `bias`. With `weightNorm` the weight is the product of a direction and a length (Salimans and
    /// Kingma 2016), stored as `parametrizations.weight.original1` and `original0`.
    public init(
        _ weights: Weights, from inputs: Int, to outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0,
        dilation: Int = 1, groups: Int = 1, bias: Bool = true, weightNorm: Bool = false
    ) throws {
        let shape = [outputs, inputs / groups, kernel]
        weight = try weightNorm ? weights.normalizedWeight(shape) : weights.tensor("weight", shape: shape)
        let bound = 1 / Double(inputs / groups * kernel).squareRoot()
        self.bias = bias ? try weights.tensor("bias", shape: [outputs], initial: .uniform(bound)) : nil
        (self.stride, self.padding, self.dilation, self.groups) = (stride, padding, dilation, groups)
    }

    public func callAsFunction(_ x: Tensor) throws -> Tensor {
        try x.conv1d(weight, bias, stride: stride, padding: padding, dilation: dilation, groups: groups)
    }
}

/// A convolution over height and width: `[batch, from, height, width]` → `[batch, to, height′, width′]`.
public struct Conv2d: Sendable {
    let weight: Tensor
    let bias: Tensor?
    let stride, padding: [Int]

    /// Reads `weight`, `[to, from, height, width]`, and, unless `bias` is false, `bias`. `kernel`, `stride` and `padding` are for height and width.
    public init(
        _ weights: Weights, from inputs: Int, to outputs: Int, kernel: [Int], stride: [Int] = [1, 1],
        padding: [Int] = [0, 0], bias: Bool = true
    ) throws {
        weight = try weights.tensor("weight", shape: [outputs, inputs] + kernel)
        let bound = 1 / Double(inputs * kernel[0] * kernel[1]).squareRoot()
        self.bias = bias ? try weights.tensor("bias", shape: [outputs], initial: .uniform(bound)) : nil
        (self.stride, self.padding) = (stride, padding)
    }

    public func callAsFunction(_ x: Tensor) throws -> Tensor { try x.conv2d(weight, bias, stride: stride, padding: padding) }
}

/// The transpose of a convolution over time, which stretches it: `[batch, from, time]` → `[batch, to, time′]`.
public struct ConvTranspose1d: Sendable {
    /// `[from, to, kernel]`.
    public let weight: Tensor
    public let bias: Tensor?
    public let stride, padding, outputPadding: Int

    /// Reads `weight` and, unless `bias` is false, `bias`; `weightNorm` as in ``Conv1d``, with a length for each input channel.
    public init(
        _ weights: Weights, from inputs: Int, to outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0,
        outputPadding: Int = 0, bias: Bool = true, weightNorm: Bool = false
    ) throws {
        let shape = [inputs, outputs, kernel]
        weight = try weightNorm ? weights.normalizedWeight(shape) : weights.tensor("weight", shape: shape)
        let bound = 1 / Double(outputs * kernel).squareRoot()
        self.bias = bias ? try weights.tensor("bias", shape: [outputs], initial: .uniform(bound)) : nil
        (self.stride, self.padding, self.outputPadding) = (stride, padding, outputPadding)
    }

    public func callAsFunction(_ x: Tensor) throws -> Tensor {
        try x.convTranspose1d(weight, bias, stride: stride, padding: padding, outputPadding: outputPadding)
    }
}

extension Weights {
    /// length × direction ÷ ‖direction‖, with one length for each position of the first axis. Where gradients are recorded, the product is
    /// differentiable, and layers must be constructed again for every step.
    func normalizedWeight(_ shape: [Int]) throws -> Tensor {
        let scope = self["parametrizations"]["weight"]
        let direction = try scope.tensor("original1", shape: shape)
        let length = try scope.tensor("original0", shape: [shape[0]] + shape.dropFirst().map { _ in 1 }, initial: .constant(0.6))
        return try Tensor.weightNormalized(direction: direction, length: length)
    }
}
