import CTorch

/// A tensor operation that libtorch refused or could not finish.
public struct TorchError: Error, CustomStringConvertible {
    /// What kind of failure it was.
    public enum Kind: Sendable {
        /// The operation cannot be done on these operands.
        case invalid
        /// The device has no memory left for the result.
        case outOfMemory
        /// This libtorch or this machine lacks what the operation needs.
        case unavailable
    }

    public let kind: Kind
    /// The operation, by this package's name for it.
    public let operation: String
    /// The shapes of the operands, in order; empty if there were none.
    public let shapes: [[Int]]
    /// libtorch's own explanation.
    public let message: String

    public var description: String {
        let operands = shapes.map { "[" + $0.map(String.init).joined(separator: ", ") + "]" }.joined(separator: ", ")
        let what = operands.isEmpty ? operation : "\(operation) on \(operands)"
        switch kind {
        case .invalid: return "\(what): \(message)"
        case .outOfMemory: return "\(what): out of memory. \(message)"
        case .unavailable: return "\(what): \(message)"
        }
    }
}

/// The out-parameter for a C function's message.
typealias ErrorSlot = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
/// The out-parameter for a C function's new tensor.
typealias TensorSlot = UnsafeMutablePointer<OpaquePointer?>

/// Calls a C function without a result, and throws if its status is an error.
@inline(__always)
func perform(
    _ operation: StaticString, _ operands: @autoclosure () -> [Tensor] = [], _ call: (ErrorSlot) -> ct_status
) throws {
    var message: UnsafeMutablePointer<CChar>?
    let status = call(&message)
    if status != CT_OK { throw failure(operation, operands(), status, message) }
}

/// Calls a C function that returns a tensor.
@inline(__always)
func produce(
    _ operation: StaticString, _ operands: @autoclosure () -> [Tensor] = [], _ call: (TensorSlot, ErrorSlot) -> ct_status
) throws -> Tensor {
    var message: UnsafeMutablePointer<CChar>?
    var handle: OpaquePointer?
    let status = call(&handle, &message)
    guard status == CT_OK, let handle else { throw failure(operation, operands(), status, message) }
    return Tensor(owning: handle)
}

@inline(never)
func failure(
    _ operation: StaticString, _ operands: [Tensor], _ status: ct_status, _ message: UnsafeMutablePointer<CChar>?
) -> TorchError {
    defer { ct_free(message) }
    let kind: TorchError.Kind =
        switch Int(status) {
        case CT_OUT_OF_MEMORY: .outOfMemory
        case CT_UNAVAILABLE: .unavailable
        default: .invalid
        }
    // The first line of libtorch's message says what is wrong; further lines say where in its own code the check is.
    let text = message.map { String(cString: $0) } ?? "no explanation"
    let first = text.split(separator: "\n", omittingEmptySubsequences: true).first.map(String.init) ?? text
    return TorchError(kind: kind, operation: "\(operation)", shapes: operands.map(\.shape), message: first)
}
