import CTorch

/// Operations of an optimiser on many tensors in one call. Nothing is recorded for differentiation.
package enum Optimization {
    /// One step of AdamW (Loshchilov and Hutter 2019), in place: the moments are updated from the gradients, and the parameters from the moments.
    ///
    /// - Parameters:
    ///   - step: counts from 1.
    ///   - decay: the weight decay of a step, in multiples of `rate`.
    /// - Precondition: the lists have the same length.
    package static func adamW(
        _ parameters: [Tensor], gradients: [Tensor], first: [Tensor], second: [Tensor], step: Int,
        rate: Double, beta1: Double, beta2: Double, decay: Double, epsilon: Double
    ) throws {
        precondition([gradients.count, first.count, second.count].allSatisfy { $0 == parameters.count })
        let count = parameters.count
        try withHandles(parameters) { parameters in
            try withHandles(gradients) { gradients in
                try withHandles(first) { first in
                    try withHandles(second) { second in
                        try perform("adamW") {
                            ct_adamw(
                                parameters, gradients, first, second, count, step, rate, beta1, beta2, decay,
                                epsilon, $0)
                        }
                    }
                }
            }
        }
    }

    /// The norm of all elements of the tensors together.
    package static func norm(_ tensors: [Tensor]) throws -> Double {
        var norm = 0.0
        try withHandles(tensors) { handles in
            try perform("norm") { ct_norm_all(handles, tensors.count, &norm, $0) }
        }
        return norm
    }

    /// Multiplies each tensor by a number, in place.
    package static func scale(_ tensors: [Tensor], by factor: Double) throws {
        try withHandles(tensors) { handles in
            try perform("scale") { ct_scale_all_in_place(handles, tensors.count, factor, $0) }
        }
    }

    /// Moves each tensor, in place, towards another: `x += weight × (target − x)`.
    package static func move(_ tensors: [Tensor], towards targets: [Tensor], weight: Double) throws {
        precondition(tensors.count == targets.count)
        let count = tensors.count
        try withHandles(tensors) { tensors in
            try withHandles(targets) { targets in
                try perform("move") { ct_lerp_all_in_place(tensors, targets, count, weight, $0) }
            }
        }
    }
}
