import Foundation

/// The learning rate at each step: a linear warm-up, then half a cosine down.
public struct LearningRateSchedule: Sendable, Codable, Hashable {
    /// The highest rate.
    public var peak: Double
    /// Steps of the rise.
    public var warmUp: Int
    /// The step at which the cosine ends; the rate stays there afterwards.
    public var steps: Int
    /// The rate at the end, as a share of the peak.
    public var floor: Double

    public init(peak: Double, warmUp: Int, steps: Int, floor: Double = 0.02) {
        (self.peak, self.warmUp, self.steps, self.floor) = (peak, warmUp, steps, floor)
    }

    /// The rate of a step, counted from 0.
    public func rate(at step: Int) -> Double {
        if step < warmUp { return peak * Double(step + 1) / Double(warmUp) }
        let progress = min(1, Double(step - warmUp) / Double(max(1, steps - warmUp)))
        return peak * (floor + (1 - floor) * 0.5 * (1 + cos(.pi * progress)))
    }
}
