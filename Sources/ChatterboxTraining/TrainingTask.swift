import Torch

/// Parameters that are trained together, with their own optimiser. Most tasks have one group; adversarial ones two.
public struct ParameterGroup {
    public let name: String
    public let parameters: [String: Tensor]
    public let settings: OptimizerSettings

    /// - Parameters:
    ///   - name: the name of the group.
    ///   - parameters: trainable tensors by name, as in `Weights.parameters`, without buffers.
    ///   - settings: the optimiser's settings.
    public init(_ name: String, _ parameters: [String: Tensor], _ settings: OptimizerSettings) {
        (self.name, self.parameters, self.settings) = (name, parameters, settings)
    }
}

/// A figure to log, as a loss.
public struct TrainingMetric: Sendable, Hashable {
    public let name: String
    public let value: Double
    public init(_ name: String, _ value: Double) { (self.name, self.value) = (name, value) }
}

/// What a ``Trainer`` trains: networks, data and losses.
///
/// A task takes all random numbers from the given generator, or from the step's number, so that interrupted training continues exactly.
public protocol TrainingTask: AnyObject {
    /// The groups of parameters; asked once, before the first step.
    var groups: [ParameterGroup] { get }
    /// Other tensors on which the next step depends, such as running statistics. They are stored in checkpoints and restored in place.
    var buffers: [String: Tensor] { get }

    /// One step: computes losses and passes each to `descent` with the group of parameters to update.
    ///
    /// - Parameters:
    ///   - number: counts from 0.
    ///   - generator: source of all random numbers.
    ///   - descent: takes a group's name and its loss, as a whole or in parts that are computed at the same time.
    /// - Returns: figures to log; those of a training loss should be named the same in every step.
    func step(_ number: Int, generator: Generator, descent: Descent) throws -> [TrainingMetric]

    /// Figures over held-out examples, with the averaged weights in place; called when a checkpoint is written.
    func validate() throws -> [TrainingMetric]
}

extension TrainingTask {
    public var buffers: [String: Tensor] { [:] }
    public func validate() throws -> [TrainingMetric] { [] }
}
