import Torch

/// The results of a check.
public struct CheckReport: Sendable, Hashable, Codable {
    public let device: String
    public let size: CheckSize
    public internal(set) var results: [CheckResult] = []
    public internal(set) var attention: [AttentionFinding] = []

    /// The names of the checks that failed.
    public var failures: [String] {
        results.filter { $0.outcome == .failed }.map(\.name)
            + attention.filter { $0.problem != nil }.map { "\($0.name) of \($0.model) in \($0.dtype.rawValue)" }
    }
}

/// The error of one stage against the exact path.
public struct CheckResult: Sendable, Hashable, Codable {
    public let model, stage: String
    public let arithmetic: CheckedArithmetic
    /// The largest error, divided by the largest value; nil if it could not be computed.
    public let error: Double?
    /// The largest allowed error.
    public let bound: Double
    public let outcome: Outcome
    /// Why it failed or was left out.
    public let reason: String?
    /// Seconds that the stage took on the device, the first time.
    public let seconds: Double

    public enum Outcome: String, Sendable, Hashable, Codable {
        case passed, failed, skipped
    }

    /// As "flow of Llama in TF32".
    public var name: String { "\(stage) of \(model) in \(arithmetic.rawValue)" }
}

extension Tensor {
    /// The largest difference from another tensor, divided by that tensor's largest value; nil if the shapes differ or a value is NaN.
    func error(against expected: Tensor) throws -> Double? {
        guard shape == expected.shape, expected.count > 0 else { return nil }
        let (found, expected) = (try to(.cpu).to(.float64), try expected.to(.float64))
        let difference = try (found - expected).abs().max().item(Double.self)
        let largest = try expected.abs().max().item(Double.self)
        guard difference.isFinite, largest > 0 else { return nil }
        return difference / largest
    }
}
