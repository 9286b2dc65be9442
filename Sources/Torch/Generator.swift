import CTorch

/// A source of random numbers with its own state.
///
/// On the CPU, a generator seeded with n gives the numbers that PyTorch gives after `torch.manual_seed(n)`.
/// A generator may move between tasks, but two must not draw from it at once: it belongs to one request.
public final class Generator: @unchecked Sendable {
    let handle: OpaquePointer
    public let device: Device

    /// - Throws: ``TorchError`` where the device is not available.
    public init(seed: UInt64, device: Device = .cpu) throws {
        var made: OpaquePointer?
        try perform("generator") { ct_generator_make(seed, device.code, &made, $0) }
        handle = made!
        self.device = device
    }

    deinit { ct_generator_release(handle) }

    /// The state, for resuming later: `[bytes]`, uint8.
    public func state() throws -> Tensor { try produce("generator state") { ct_generator_state(handle, $0, $1) } }

    /// Goes back to a state that ``state()`` gave.
    public func restore(_ state: Tensor) throws {
        try perform("generator state", [state]) { ct_generator_set_state(handle, state.handle, $0) }
    }
}
