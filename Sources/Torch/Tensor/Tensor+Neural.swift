import CTorch

extension Tensor {
    public func softmax(axis: Int) throws -> Tensor { try produce("softmax", [self]) { ct_softmax(handle, axis, $0, $1) } }
    public func logSoftmax(axis: Int) throws -> Tensor { try produce("logSoftmax", [self]) { ct_log_softmax(handle, axis, $0, $1) } }

    /// x Wᵀ + b, with `weight` `[to, from]`.
    public func linear(_ weight: Tensor, _ bias: Tensor? = nil) throws -> Tensor {
        try produce("linear", [self, weight]) { ct_linear(handle, weight.handle, bias?.handle, $0, $1) }
    }
    /// The rows of `weight` that these int64 indices name.
    public func embedding(weight: Tensor) throws -> Tensor {
        try produce("embedding", [self, weight]) { ct_embedding(weight.handle, handle, $0, $1) }
    }
    /// Ba et al. 2016, over the last axes, whose sizes are `shape`.
    public func layerNorm(shape: [Int], weight: Tensor? = nil, bias: Tensor? = nil, epsilon: Double = 1e-5) throws -> Tensor {
        try produce("layerNorm", [self]) { ct_layer_norm(handle, shape, shape.count, weight?.handle, bias?.handle, epsilon, $0, $1) }
    }
    /// Zhang and Sennrich 2019, over the last axis.
    public func rmsNorm(weight: Tensor, epsilon: Double) throws -> Tensor {
        let shape = weight.shape
        return try produce("rmsNorm", [self, weight]) { ct_rms_norm(handle, shape, shape.count, weight.handle, epsilon, $0, $1) }
    }
    /// Ioffe and Szegedy 2015 on `[batch, channels, …]`. Training normalises by the batch and moves the running figures.
    public func batchNorm(
        mean: Tensor?, variance: Tensor?, weight: Tensor? = nil, bias: Tensor? = nil,
        training: Bool = false, momentum: Double = 0.1, epsilon: Double = 1e-5
    ) throws -> Tensor {
        try produce("batchNorm", [self]) {
            ct_batch_norm(handle, mean?.handle, variance?.handle, weight?.handle, bias?.handle, training, momentum, epsilon, $0, $1)
        }
    }
    /// Wu and He 2018 on `[batch, channels, …]`.
    public func groupNorm(groups: Int, weight: Tensor? = nil, bias: Tensor? = nil, epsilon: Double = 1e-5) throws -> Tensor {
        try produce("groupNorm", [self]) { ct_group_norm(handle, groups, weight?.handle, bias?.handle, epsilon, $0, $1) }
    }
    /// Vectors along an axis, each at a length of 1; one that is nearly 0 stays so (`torch.nn.functional.normalize`).
    public func normalised(axis: Int) throws -> Tensor { try self / norm(2, axis: axis, keepAxis: true).clamped(min: 1e-12) }

    /// Each channel of each example normalised by itself.
    public func instanceNorm(epsilon: Double = 1e-5) throws -> Tensor {
        try produce("instanceNorm", [self]) { ct_instance_norm(handle, epsilon, $0, $1) }
    }

    /// `[batch, from, time]` with `weight` `[to, from ÷ groups, kernel]`.
    public func conv1d(
        _ weight: Tensor, _ bias: Tensor? = nil, stride: Int = 1, padding: Int = 0, dilation: Int = 1, groups: Int = 1
    ) throws -> Tensor {
        try produce("conv1d", [self, weight]) {
            ct_conv1d(handle, weight.handle, bias?.handle, stride, padding, dilation, groups, $0, $1)
        }
    }
    /// `[batch, from, height, width]` with `weight` `[to, from ÷ groups, height, width]`.
    public func conv2d(
        _ weight: Tensor, _ bias: Tensor? = nil, stride: [Int] = [1, 1], padding: [Int] = [0, 0], dilation: [Int] = [1, 1], groups: Int = 1
    ) throws -> Tensor {
        precondition(stride.count == 2 && padding.count == 2 && dilation.count == 2, "two numbers each: height and width")
        return try produce("conv2d", [self, weight]) {
            ct_conv2d(handle, weight.handle, bias?.handle, stride, padding, dilation, groups, $0, $1)
        }
    }
    /// `[batch, from, time]` with `weight` `[from, to ÷ groups, kernel]`.
    public func convTranspose1d(
        _ weight: Tensor, _ bias: Tensor? = nil, stride: Int = 1, padding: Int = 0, outputPadding: Int = 0, groups: Int = 1, dilation: Int = 1
    ) throws -> Tensor {
        try produce("convTranspose1d", [self, weight]) {
            ct_conv_transpose1d(handle, weight.handle, bias?.handle, stride, padding, outputPadding, groups, dilation, $0, $1)
        }
    }
    public func avgPool1d(
        kernel: Int, stride: Int? = nil, padding: Int = 0, ceilMode: Bool = false, countIncludePad: Bool = true
    ) throws -> Tensor {
        try produce("avgPool1d", [self]) {
            ct_avg_pool1d(handle, kernel, stride ?? kernel, padding, ceilMode, countIncludePad, $0, $1)
        }
    }
    public func avgPool2d(kernel: [Int], stride: [Int]? = nil) throws -> Tensor {
        let step = stride ?? kernel
        precondition(kernel.count == 2 && step.count == 2, "two numbers each: height and width")
        return try produce("avgPool2d", [self]) { ct_avg_pool2d(handle, kernel, step, $0, $1) }
    }
    public func maxPool1d(kernel: Int, stride: Int? = nil, padding: Int = 0) throws -> Tensor {
        try produce("maxPool1d", [self]) { ct_max_pool1d(handle, kernel, stride ?? kernel, padding, $0, $1) }
    }

    /// How values between samples are found.
    public enum Interpolation: Sendable {
        case nearest
        case linear(alignCorners: Bool)
    }
    /// `[batch, channels, time]` resampled to `size` steps.
    public func interpolated(size: Int, mode: Interpolation = .nearest) throws -> Tensor { try interpolated(size, nil, mode) }
    /// `[batch, channels, time]` resampled to ⌊time × scale⌋ steps.
    public func interpolated(scale: Double, mode: Interpolation = .nearest) throws -> Tensor {
        try interpolated(Int((Double(size(-1)) * scale).rounded(.down)), scale, mode)
    }
    private func interpolated(_ size: Int, _ scale: Double?, _ mode: Interpolation) throws -> Tensor {
        try withOptional(scale) { scale in
            try produce("interpolated", [self]) {
                switch mode {
                case .nearest: ct_interpolate_nearest(handle, size, scale, $0, $1)
                case .linear(let alignCorners): ct_interpolate_linear(handle, size, scale, alignCorners, $0, $1)
                }
            }
        }
    }

    /// length × direction ÷ ‖direction‖, with one length for each position of the first axis.
    static func weightNormalized(direction: Tensor, length: Tensor) throws -> Tensor {
        try produce("weightNormalized", [direction, length]) { ct_weight_norm(direction.handle, length.handle, $0, $1) }
    }

    /// softmax(q kᵀ × scale + mask) v: this tensor contains the queries; all are `[batch, heads, time, size]`.
    ///
    /// A bool mask is true where attention is allowed; a float mask is added. Vaswani et al. 2017.
    public func attention(
        key: Tensor, value: Tensor, mask: Tensor? = nil, causal: Bool = false, scale: Double? = nil
    ) throws -> Tensor {
        try withOptional(scale) { scale in
            try produce("attention", [self, key, value]) {
                ct_attention(handle, key.handle, value.handle, mask?.handle, causal, scale, $0, $1)
            }
        }
    }

    /// Hochreiter and Schmidhuber 1997. `weights` lists, for each layer, `[4 × hidden, input]`, `[4 × hidden, hidden]`
    /// and two biases; `hidden` and `cell` are `[layers, batch, hidden]`.
    public func lstm(
        hidden: Tensor, cell: Tensor, weights: [Tensor], layers: Int, bidirectional: Bool = false, batchFirst: Bool = true
    ) throws -> (output: Tensor, hidden: Tensor, cell: Tensor) {
        var output: OpaquePointer?
        var lastHidden: OpaquePointer?
        var lastCell: OpaquePointer?
        try withHandles(weights) { handles in
            try perform("lstm", [self, hidden, cell]) {
                ct_lstm(
                    handle, hidden.handle, cell.handle, handles, weights.count, layers, bidirectional, batchFirst,
                    &output, &lastHidden, &lastCell, $0)
            }
        }
        return (Tensor(owning: output!), Tensor(owning: lastHidden!), Tensor(owning: lastCell!))
    }

    /// The mean cross-entropy of logits `[n, classes]` (or `[n, classes, time]`) against int64 classes; targets equal to
    /// `ignoring` do not count.
    public func crossEntropy(_ targets: Tensor, weight: Tensor? = nil, ignoring: Int = -100) throws -> Tensor {
        try produce("crossEntropy", [self, targets]) {
            ct_cross_entropy(handle, targets.handle, weight?.handle, ignoring, $0, $1)
        }
    }

    /// Connectionist temporal classification (Graves et al. 2006): the negative log likelihood of the targets for these log probabilities, `[time,
    /// batch, classes]`, summed over all alignments; a mean over the batch, each divided by the length of its target. Utterances too short for their
    /// target count 0.
    ///
    /// - Parameters:
    ///   - targets: `[batch, longest target]` int64; entries after a target's length are not read.
    ///   - lengths: the number of time steps of each utterance.
    ///   - targetLengths: the length of the target in each row of `targets`.
    ///   - blank: the number of the class for no output.
    public func ctcLoss(targets: Tensor, lengths: [Int], targetLengths: [Int], blank: Int = 0) throws -> Tensor {
        precondition(lengths.count == targetLengths.count, "a length and a target length for each utterance")
        return try produce("ctcLoss", [self, targets]) {
            ct_ctc_loss(handle, targets.handle, lengths, targetLengths, lengths.count, blank, $0, $1)
        }
    }

    /// Each element is kept with probability 1 − `probability` and scaled to keep the mean, otherwise zero. Training only.
    public func dropout(_ probability: Double, generator: Generator) throws -> Tensor {
        guard probability > 0 else { return self }
        let shape = self.shape
        let mask = try produce("dropout") {
            ct_dropout_mask(shape, shape.count, 1 - probability, generator.handle, dtype.code, $0, $1)
        }
        return try self * mask.to(device)
    }
}
