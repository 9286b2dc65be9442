import CTorch

/// A random number generator with its own state.
///
/// On the CPU, a generator seeded with n gives the numbers that PyTorch gives after `torch.manual_seed(n)`. A generator may be passed
/// between tasks, but must not be used by two at the same time: it belongs to one request.
public final class Generator: @unchecked Sendable {
    let handle: OpaquePointer
    public let device: Device

    /// - Throws: ``TorchError`` if the device is not available.
    public init(seed: UInt64, device: Device = .cpu) throws {
        var made: OpaquePointer?
        try perform("generator") { ct_generator_make(seed, device.code, &made, $0) }
        handle = made!
        self.device = device
    }

    deinit { ct_generator_release(handle) }

    /// The state, for resuming later: `[bytes]`, uint8.
    public func state() throws -> Tensor { try produce("generator state") { ct_generator_state(handle, $0, $1) } }

    /// Restores a state that ``state()`` returned.
    public func restore(_ state: Tensor) throws {
        try perform("generator state", [state]) { ct_generator_set_state(handle, state.handle, $0) }
    }

    /// Copies the 624 words of a CPU generator's Mersenne Twister (Matsumoto and Nishimura 1998) and returns how many of them have been used; for
    /// this package's own kernels, which draw random numbers from them.
    ///
    /// - Throws: ``TorchError`` for a generator on another device.
    package func copyTwister(to words: UnsafeMutablePointer<UInt32>) throws -> Int32 {
        var used: Int32 = 0
        try perform("generator state") { ct_generator_twister(handle, words, &used, $0) }
        return used
    }

    /// Sets the generator's state to the words that ``copyTwister(to:)`` returned, after a kernel has drawn from them.
    package func setTwister(_ words: UnsafePointer<UInt32>, used: Int32) throws {
        try perform("generator state") { ct_generator_set_twister(handle, words, used, $0) }
    }
}
