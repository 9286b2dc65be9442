import CTorch

extension Tensor {
    /// Whether operations on this tensor are recorded for ``backward()``.
    public var requiresGradient: Bool { ct_requires_gradient(handle) }

    /// Sets whether gradients are computed for this leaf tensor.
    @discardableResult
    public func requiresGradient(_ required: Bool) throws -> Tensor {
        try perform("requiresGradient", [self]) { ct_set_requires_gradient(handle, required, $0) }
        return self
    }

    /// The gradient that ``backward()`` accumulated here.
    public var gradient: Tensor? {
        get throws {
            var made: OpaquePointer?
            try perform("gradient", [self]) { ct_gradient(handle, &made, $0) }
            return made.map(Tensor.init(owning:))
        }
    }

    /// Forgets the gradient.
    public func clearGradient() throws { try perform("clearGradient", [self]) { ct_clear_gradient(handle, $0) } }

    /// Differentiates this single number by every leaf that requires gradients, and adds to their gradients.
    public func backward() throws { try perform("backward", [self]) { ct_backward(handle, $0) } }

    /// Differentiates this single number by leaves that require gradients, without adding to their gradients.
    ///
    /// Several threads may do so at the same time with numbers that share only their leaves.
    ///
    /// - Returns: a gradient for each leaf; nil for one on which the number does not depend.
    /// - Throws: ``TorchError`` if this is not a single number that was computed from a leaf that requires gradients.
    public func gradients(of leaves: [Tensor]) throws -> [Tensor?] {
        var made = [OpaquePointer?](repeating: nil, count: leaves.count)
        try withHandles(leaves) { handles in
            try perform("gradients", [self]) { ct_gradients(handle, handles, leaves.count, &made, $0) }
        }
        return made.map { $0.map(Tensor.init(owning:)) }
    }

    /// Whether ``oneDNNLinear(_:_:lowRank:)`` supports these operands and is faster than `linear`: float32 on a CPU with AVX-512, and enough rows.
    package func isTakenByOneDNN(_ weight: Tensor, _ bias: Tensor? = nil) -> Bool {
        ct_onednn_takes_linear(handle, weight.handle, bias?.handle)
    }

    /// x Wᵀ + b + s (x Aᵀ) Bᵀ for training, computed by oneDNN: equal to `linear` up to rounding, and differentiable once in all operands.
    ///
    /// - Parameters:
    ///   - weight: `[to, from]`; may be a transposed view.
    ///   - bias: `[to]`.
    ///   - lowRank: `a` `[rank, from]` and `b` `[to, rank]`.
    /// - Returns: `[…, to]` for `[…, from]`.
    /// - Throws: ``TorchError`` if ``isTakenByOneDNN(_:_:)`` is false, or the shapes do not match.
    package func oneDNNLinear(_ weight: Tensor, _ bias: Tensor? = nil, lowRank: (a: Tensor, b: Tensor, scale: Double)? = nil) throws -> Tensor {
        try produce("oneDNNLinear", [self, weight] + [bias, lowRank?.a, lowRank?.b].compactMap { $0 }) {
            ct_onednn_linear(
                handle, weight.handle, bias?.handle, lowRank?.a.handle, lowRank?.b.handle, lowRank?.scale ?? 1, $0, $1)
        }
    }
}

/// Runs `body` without recording anything for differentiation: less memory and time. Nests.
///
/// The setting belongs to the thread, hence no `await` inside.
public func withoutGradients<Result>(_ body: () throws -> Result) rethrows -> Result {
    let before = ct_gradients_enabled()
    ct_set_gradients_enabled(false)
    defer { ct_set_gradients_enabled(before) }
    return try body()
}
