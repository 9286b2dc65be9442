import Torch

/// A part of a loss: over some of a step's examples, with figures to log.
public struct PartOfLoss: Sendable {
    /// A scalar; the parts' sum is the step's loss.
    public let loss: Tensor
    /// The parts' sums are the step's figures.
    public let figures: [TrainingMetric]

    /// - Parameters:
    ///   - loss: a scalar, already multiplied by the part's share of the step.
    ///   - figures: also multiplied by it, with the same names in each part.
    public init(_ loss: Tensor, _ figures: [TrainingMetric] = []) { (self.loss, self.figures) = (loss, figures) }
}

/// Gradients of a loss or of a part of one, with figures to log.
struct LossGradients: Sendable {
    /// By the parameters' names; without those on which the loss does not depend.
    var gradients: [String: Tensor] = [:]
    var figures: [TrainingMetric] = []
    /// Segments of the network that were computed a second time.
    var recomputed = 0

    init() {}

    /// - Parameters:
    ///   - parameters: the parameters for which gradients are computed.
    ///   - checkpoints: those with which the loss was computed; nil if all activations are stored.
    init(_ loss: Tensor, by parameters: [String: Tensor], checkpoints: ActivationCheckpoints? = nil) throws {
        let names = Array(parameters.keys), tensors = names.map { parameters[$0]! }
        let found = try checkpoints?.gradients(of: loss, by: tensors) ?? loss.gradients(of: tensors)
        for (name, gradient) in zip(names, found) { gradients[name] = gradient }
        recomputed = checkpoints?.recomputed ?? 0
    }

    /// Adds those of another part.
    mutating func add(_ other: LossGradients) throws {
        try withoutGradients {
            // Added gradients are freed at once, because they may be as large as the network.
            var other = other
            for name in other.gradients.keys.sorted() {
                let added = other.gradients.removeValue(forKey: name)!
                gradients[name] = try gradients.removeValue(forKey: name).map { try $0 + added } ?? added
            }
        }
        recomputed += other.recomputed
        for figure in other.figures {
            if let place = figures.firstIndex(where: { $0.name == figure.name }) {
                figures[place] = TrainingMetric(figure.name, figures[place].value + figure.value)
            } else {
                figures.append(figure)
            }
        }
    }
}

extension TrainingThreads {
    /// The sum of parts' gradients and figures, added in the order of the parts.
    func sum<Part: Sendable>(_ parts: [Part], _ body: @escaping @Sendable (Part) throws -> LossGradients) throws -> LossGradients {
        try map(parts, body).reduce(into: LossGradients()) { try $0.add($1) }
    }
}

/// Updates groups of parameters by gradient descent.
public struct Descent {
    /// The threads that compute parts of a step.
    let threads: TrainingThreads
    private let groups: [String: [String: Tensor]]
    private let move: (_ group: String, _ gradients: [String: Tensor]) throws -> Void

    /// - Parameters:
    ///   - groups: of the task.
    ///   - threads: the threads that compute the parts of a step.
    ///   - move: called with a group's name, and gradients by the names of its parameters.
    init(_ groups: [ParameterGroup], threads: TrainingThreads, move: @escaping (_ group: String, _ gradients: [String: Tensor]) throws -> Void) {
        self.groups = Dictionary(uniqueKeysWithValues: groups.map { ($0.name, $0.parameters) })
        (self.threads, self.move) = (threads, move)
    }

    private func parameters(of group: String) -> [String: Tensor] {
        guard let parameters = groups[group] else { preconditionFailure("no group \"\(group)\" in this task") }
        return parameters
    }

    /// Updates a group from the gradient of its loss, a scalar.
    public func callAsFunction(_ group: String, _ loss: Tensor) throws {
        try move(group, LossGradients(loss, by: parameters(of: group)).gradients)
    }

    /// Updates a group from the gradient of a loss that is a sum of parts, which threads compute in parallel.
    ///
    /// - Parameters:
    ///   - parts: some of a step's examples each.
    ///   - loss: computes a part; parts may share only what the task itself contains, such as the parameters.
    /// - Returns: the sums of the parts' figures.
    @discardableResult
    public func callAsFunction<Part: Sendable>(
        _ group: String, _ parts: [Part], _ loss: @escaping @Sendable (Part) throws -> PartOfLoss
    ) throws -> [TrainingMetric] {
        let parameters = parameters(of: group)
        let sum = try threads.sum(parts) { part in
            let part = try loss(part)
            var found = try LossGradients(part.loss, by: parameters)
            found.figures = part.figures
            return found
        }
        try move(group, sum.gradients)
        return sum.figures
    }
}
