import Torch

/// Optimiser settings of a group of parameters.
public struct OptimizerSettings: Sendable, Codable, Hashable {
    public var schedule: LearningRateSchedule
    /// Decay rate of the running mean of gradients.
    public var beta1 = 0.9
    /// Decay rate of the running mean of squared gradients.
    public var beta2 = 0.98
    public var epsilon = 1e-8
    /// Weight decay of matrices and convolution kernels in a step, in multiples of the learning rate; vectors have none.
    public var weightDecay = 0.01
    /// Gradients are clipped to this global norm.
    public var maximumNorm = 1.0
    /// Decay rate of the running average of the parameters, which is the result of training; nil uses the parameters themselves.
    public var averaging: Double? = 0.999

    public init(schedule: LearningRateSchedule) { self.schedule = schedule }
}

/// AdamW over all parameters of a group at once (Loshchilov and Hutter 2019), with clipping and an average of the weights.
///
/// For parameters in half precision a master copy in float32 is updated (Micikevicius et al. 2018).
public final class AdamW {
    public let settings: OptimizerSettings
    /// The parameters by name; this object marks them as requiring gradients.
    public let parameters: [String: Tensor]
    /// Updates so far.
    public private(set) var updates = 0

    private let names: [String]
    /// float32: the parameter itself, or its master copy.
    private var masters: [String: Tensor] = [:]
    private var first: [String: Tensor] = [:]
    private var second: [String: Tensor] = [:]
    private var average: [String: Tensor] = [:]

    /// - Throws: `TorchError` if the device has no memory left for the moments.
    public init(_ parameters: [String: Tensor], _ settings: OptimizerSettings) throws {
        self.settings = settings
        self.parameters = parameters
        names = parameters.keys.sorted()
        for (name, parameter) in parameters {
            try parameter.requiresGradient(true)
            masters[name] = parameter.dtype == .float32 ? parameter : try parameter.detached().to(.float32)
            first[name] = try .zeros(parameter.shape, device: parameter.device)
            second[name] = try .zeros(parameter.shape, device: parameter.device)
            if settings.averaging != nil { average[name] = try parameter.detached().to(.float32).clone() }
        }
    }

    /// Updates the parameters from their gradients; parameters without a gradient are not changed.
    ///
    /// - Parameters:
    ///   - gradients: by the parameters' names; they are clipped in place.
    ///   - threads: each updates some of the parameters.
    /// - Returns: the norm of the gradients before clipping. If it is not finite, nothing was updated.
    public func update(_ gradients: [String: Tensor], threads: TrainingThreads = TrainingThreads(1)) throws -> Double {
        let gradients = try gradients.mapValues { try $0.to(.float32) }, parts = parts(threads.count), settings = settings
        let norms = try threads.map(parts) { try Optimization.norm($0.compactMap { gradients[$0] }) }
        let norm = norms.reduce(0) { $0 + $1 * $1 }.squareRoot()
        guard norm.isFinite else { return norm }
        let rate = settings.schedule.rate(at: updates), scale = settings.maximumNorm / max(norm, settings.maximumNorm)
        updates += 1
        let (step, masters, first, second, average) = (updates, masters, first, second, average)
        _ = try threads.map(parts) { names in
            let moved = names.filter { gradients[$0] != nil }
            if scale < 1 { try Optimization.scale(moved.map { gradients[$0]! }, by: scale) }
            for (isMatrix, decay) in [(true, settings.weightDecay), (false, 0)] {
                let names = moved.filter { (masters[$0]!.rank > 1) == isMatrix }
                try Optimization.adamW(
                    names.map { masters[$0]! }, gradients: names.map { gradients[$0]! }, first: names.map { first[$0]! },
                    second: names.map { second[$0]! }, step: step, rate: rate, beta1: settings.beta1, beta2: settings.beta2,
                    decay: decay, epsilon: settings.epsilon)
            }
            if let averaging = settings.averaging {
                // At first the average follows quickly, so that the random initial weights do not remain in it.
                let kept = min(averaging, Double(1 + step) / Double(10 + step))
                try Optimization.move(names.map { average[$0]! }, towards: names.map { masters[$0]! }, weight: 1 - kept)
            }
        }
        try refresh()
        return norm
    }

    /// The parameters' names in parts of about the same size.
    private func parts(_ count: Int) -> [[String]] {
        var parts = [[String]](repeating: [], count: min(count, max(1, names.count))), sizes = parts.map { _ in 0 }
        for name in names.sorted(by: { (masters[$1]!.count, $0) < (masters[$0]!.count, $1) }) {
            let smallest = sizes.indices.min { (sizes[$0], $0) < (sizes[$1], $1) }!
            parts[smallest].append(name)
            sizes[smallest] += masters[name]!.count
        }
        return parts
    }

    /// The resulting weights: the average if there is one.
    public var result: [String: Tensor] { settings.averaging == nil ? masters : average }

    /// Runs `body` with the averaged weights as the parameters.
    public func withResult<Value>(_ body: () throws -> Value) throws -> Value {
        guard settings.averaging != nil else { return try withoutGradients(body) }
        return try withoutGradients {
            let live = try parameters.mapValues { try $0.detached().clone() }
            for (name, parameter) in parameters { try parameter.assign(average[name]!) }
            defer { for (name, parameter) in parameters { try? parameter.assign(live[name]!) } }
            return try body()
        }
    }

    /// Copies the master weights to the parameters in half precision.
    private func refresh() throws {
        try withoutGradients {
            for (name, parameter) in parameters where parameter.dtype != .float32 { try parameter.assign(masters[name]!) }
        }
    }

    // MARK: state

    /// Everything that the next update depends on.
    var state: [String: Tensor] {
        var state: [String: Tensor] = [:]
        for (part, tensors) in [("parameter", masters), ("first", first), ("second", second), ("average", average)] {
            for (name, tensor) in tensors { state["\(part).\(name)"] = tensor }
        }
        return state
    }

    /// Restores a ``state``; `find` returns the tensor with a name.
    func restore(updates: Int, from find: (String) throws -> Tensor) throws {
        try withoutGradients {
            for (name, tensor) in state { try tensor.assign(find(name)) }
        }
        try refresh()
        self.updates = updates
    }
}
