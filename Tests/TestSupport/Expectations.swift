import Testing
import Torch

/// Expects max |a − b| ≤ relative × max |b|, and equal shapes.
public func expectClose(
    _ actual: Tensor, _ expected: Tensor, relative: Double, _ what: String = "", sourceLocation: SourceLocation = #_sourceLocation
) throws {
    #expect(actual.shape == expected.shape, "\(what) shape", sourceLocation: sourceLocation)
    guard actual.shape == expected.shape else { return }
    let error = try relativeError(actual, expected)
    #expect(error <= relative, "\(what) relative error \(error)", sourceLocation: sourceLocation)
}

/// max |a − b| ÷ max |b|; NaN anywhere gives infinity.
public func relativeError(_ actual: Tensor, _ expected: Tensor) throws -> Double {
    guard expected.count > 0 else { return 0 }
    let a = try actual.to(.float64), b = try expected.to(.float64)
    let difference = try (a - b).abs().max().item(Double.self)
    let scale = try b.abs().max().item(Double.self)
    return difference.isNaN ? .infinity : difference / max(1e-6, scale)
}

/// Expects the same whole numbers.
public func expectEqual(
    _ actual: Tensor, _ expected: Tensor, _ what: String = "", sourceLocation: SourceLocation = #_sourceLocation
) throws {
    #expect(actual.shape == expected.shape, "\(what) shape", sourceLocation: sourceLocation)
    #expect(try actual.array(of: Int.self) == expected.array(of: Int.self), "\(what)", sourceLocation: sourceLocation)
}
