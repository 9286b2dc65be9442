import TestSupport
import Testing
import Torch

/// One operation on the operands of Reference/fixtures/torch_operations.py, and the name of its result in Python's torch.
struct OperationCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let compute: @Sendable (Operands) throws -> Tensor

    init(_ name: String, _ compute: @escaping @Sendable (Operands) throws -> Tensor) { (testDescription, self.compute) = (name, compute) }

    /// Expects Python's values, shape and element type.
    func check() throws {
        let operands = try Operands()
        let expected = try operands.fixture.output(testDescription)
        var found = try compute(operands)
        if found.dtype == .complex64 { found = try found.viewAsReal() }
        #expect(found.dtype == expected.dtype)
        // Single precision, sums in another order.
        try expectClose(found, expected, relative: 2e-6, testDescription)
    }
}

/// The operands by name.
@dynamicMemberLookup
struct Operands {
    let fixture: Fixture
    private let inputs: [String: Tensor]

    init() throws {
        fixture = try Fixture("torch_operations")
        inputs = fixture.inputs
    }

    /// Other operands, with their own names.
    init(_ tensors: [String: Tensor]) throws {
        fixture = try Fixture("torch_operations")
        inputs = tensors
    }

    subscript(dynamicMember name: String) -> Tensor { inputs[name]! }
}
