import CTorch

/// Computes gradients of a network in less memory: only the inputs of its segments are stored, and each segment is computed again in the
/// backward pass (activation checkpointing, Chen et al. 2016). That is a third more arithmetic, and the memory of one segment's activations
/// instead of all.
///
/// ```swift
/// let checkpoints = ActivationCheckpoints()
/// for layer in layers { x = try checkpoints.segment([x]) { try [layer($0[0])] }[0] }
/// let gradients = try checkpoints.gradients(of: loss(x), by: parameters)
/// ```
/// Operations between segments store their activations; the result of one may be used by one segment or by the loss, not by several segments.
/// For one loss; not for concurrent use.
package final class ActivationCheckpoints {
    private struct Segment {
        let inputs: [Tensor]
        /// Leaves that the rest of the network uses instead of the results, so that it can be differentiated with respect to them.
        let outputs: [Tensor]
        let body: ([Tensor]) throws -> [Tensor]
    }

    private var segments: [Segment] = []
    private var isInside = false
    /// The number of segments that the backward pass has computed again.
    package private(set) var recomputed = 0

    package init() {}

    /// Computes a segment, of which only `inputs` are stored. Within `withoutGradients` and inside another segment `body` is simply called.
    ///
    /// - Parameter body: gives the same results for the same inputs each time. Other tensors that it uses get no gradient unless they are
    ///   parameters.
    package func segment(_ inputs: [Tensor], _ body: @escaping ([Tensor]) throws -> [Tensor]) throws -> [Tensor] {
        guard ct_gradients_enabled(), !isInside else { return try body(inputs) }
        isInside = true
        defer { isInside = false }
        let results = try body(inputs.map { try $0.detached(requiring: $0.requiresGradient) })
        // There is no trained parameter in or before this segment.
        guard results.contains(where: \.requiresGradient) else { return results }
        let outputs = try results.map { try $0.detached(requiring: $0.requiresGradient) }
        segments.append(Segment(inputs: inputs, outputs: outputs, body: body))
        return outputs
    }

    /// Differentiates a loss that was computed with these segments, and forgets them.
    ///
    /// - Returns: a gradient for each parameter; nil for one on which the loss does not depend.
    /// - Throws: ``TorchError`` if the loss is not a single number that depends on tensors that require gradients, or if several segments use
    ///   the result of an operation between segments.
    package func gradients(of loss: Tensor, by parameters: [Tensor]) throws -> [Tensor?] {
        var sums = [Tensor?](repeating: nil, count: parameters.count)
        var outside = segments.map { [Tensor?](repeating: nil, count: $0.outputs.count) }
        func add(_ found: [Tensor?], to sums: inout [Tensor?]) throws {
            for (place, gradient) in found.enumerated() {
                if let gradient { sums[place] = try sums[place].map { try $0 + gradient } ?? gradient }
            }
        }
        /// Differentiates with respect to the parameters, the segments' outputs, and some inputs, whose gradients it returns.
        func goBack(from scalar: Tensor, to inputs: [Tensor] = []) throws -> [Tensor?] {
            let places = segments.indices.flatMap { segment in segments[segment].outputs.indices.map { (segment, $0) } }
                .filter { segments[$0].outputs[$1].requiresGradient }
            let found = try scalar.gradients(of: parameters + places.map { segments[$0].outputs[$1] } + inputs)
            try withoutGradients {
                try add(Array(found.prefix(parameters.count)), to: &sums)
                for ((segment, output), gradient) in zip(places, found.dropFirst(parameters.count)) {
                    if let gradient { outside[segment][output] = try outside[segment][output].map { try $0 + gradient } ?? gradient }
                }
            }
            return Array(found.suffix(inputs.count))
        }
        /// The scalar whose gradients are those of tensors with given gradients.
        func product(_ tensors: [Tensor], _ gradients: [Tensor?]) throws -> Tensor? {
            let terms = try zip(tensors, gradients).compactMap { tensor, gradient in
                try gradient.flatMap { tensor.requiresGradient ? try (tensor * $0).sum() : nil }
            }
            return try terms.dropFirst().reduce(terms.first) { try $0! + $1 }
        }
        _ = try goBack(from: loss)
        while let segment = segments.popLast(), let gradients = outside.popLast() {
            guard gradients.contains(where: { $0 != nil }) else { continue }
            let inputs = try segment.inputs.map { try $0.detached(requiring: $0.requiresGradient) }
            isInside = true
            defer { isInside = false }
            recomputed += 1
            guard let scalar = try product(segment.body(inputs), gradients) else { continue }
            let asked = inputs.indices.filter { inputs[$0].requiresGradient }
            let found = try goBack(from: scalar, to: asked.map { inputs[$0] })
            if let before = try product(asked.map { segment.inputs[$0] }, found) { _ = try goBack(from: before) }
        }
        return sums
    }
}

extension Tensor {
    /// The same values as a leaf, which may require a gradient.
    fileprivate func detached(requiring isRequired: Bool) throws -> Tensor {
        let leaf = try detached()
        return isRequired ? try leaf.requiresGradient(true) : leaf
    }
}
