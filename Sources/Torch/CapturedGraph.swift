import CTorch

/// A fixed sequence of CUDA operations, recorded once and replayed with one launch.
///
/// Replaying runs the same kernels on the same memory: inputs are written into tensors that existed while recording.
public final class CapturedGraph {
    private let handle: OpaquePointer

    /// Whether this program was built with CUDA's headers.
    public static var isCompiled: Bool { ct_graph_compiled() }

    /// Whether this program was built with CUDA's headers and a GPU can be used.
    public static var isSupported: Bool { ct_graph_available() }

    /// Records the operations of `body`. They must use one GPU only, and memory that exists longer than the graph.
    ///
    /// - Throws: ``TorchError`` if graphs are not available, and errors of `body`.
    public init(on device: Device, _ body: () throws -> Void) throws {
        var made: OpaquePointer?
        try perform("graph") { ct_graph_make(device.code, &made, $0) }
        handle = made!
        try perform("graph capture") { ct_graph_begin(handle, $0) }
        let outcome = Result { try body() }
        try perform("graph capture") { ct_graph_end(handle, $0) }
        try outcome.get()
    }

    deinit { ct_graph_release(handle) }

    /// Runs the recorded operations again.
    public func replay() throws { try perform("graph replay") { ct_graph_replay(handle, $0) } }
}
