import CTorch
import Synchronization

/// Moves weights from their GPU to the host while they are not needed, so that others can use the memory, and back when they are.
///
/// The first time, weights are copied to the host, where the copy is kept; moving them to the host again costs nothing, and moving them back takes
/// one transfer. On the host they are in page-locked memory, if the system has some. Either all weights are moved or none: if one move fails, the
/// others are undone. Views share their tensor's memory and are moved with it. The weights must not be written to.
public final class Offload: Sendable {
    private struct State {
        var users = 0
        var isAway = false
        var copies: [Tensor] = []
    }
    /// One tensor for each piece of memory.
    private let tensors: [Tensor]
    private let state = Mutex(State())

    /// - Parameter tensors: the tensors that are moved together; they are on their device now.
    public init(_ tensors: [Tensor]) {
        var seen: Set<UnsafeRawPointer> = []
        self.tensors = tensors.filter { ct_storage_identity($0.handle).map { seen.insert($0).inserted } ?? false }
    }

    /// Whether the weights are on the host now.
    public var isAway: Bool { state.withLock(\.isAway) }

    /// Begins to use the weights, which stay on their device until every ``enter()`` has been followed by ``exit()``.
    ///
    /// - Throws: ``TorchError`` if the device has no memory left.
    public func enter() throws {
        try state.withLock { state in
            try comeBack(&state)
            state.users += 1
        }
    }

    /// Ends the use that ``enter()`` began.
    public func exit() {
        state.withLock { state in
            state.users -= 1
            // Tensors that cannot be moved stay where they are, which is harmless.
            if state.users == 0 { try? leave(&state) }
        }
    }

    /// Moves the weights to the host if they are not in use.
    ///
    /// - Throws: ``TorchError`` if the host has no memory left, or a tensor does not own its memory.
    public func leave() throws {
        try state.withLock { state in
            if state.users == 0 { try leave(&state) }
        }
    }

    /// Moves the weights back until ``leave()`` is called again, and keeps no copy on the host; use ``enter()`` if the weights are used in turns.
    ///
    /// - Throws: ``TorchError`` if the device has no memory left.
    public func comeBack() throws {
        try state.withLock { state in
            try comeBack(&state)
            state.copies = []
            try releaseCaches()
        }
    }

    private func leave(_ state: inout State) throws {
        guard !state.isAway else { return }
        if state.copies.count == tensors.count {
            try drop(tensors)
        } else {
            var copies: [Tensor] = []
            for tensor in tensors {
                do { copies.append(try produce("leave", [tensor]) { ct_storage_leave(tensor.handle, $0, $1) }) } catch {
                    for (tensor, copy) in zip(tensors, copies) { try bringBack(tensor, copy) }
                    throw error
                }
            }
            state.copies = copies
        }
        state.isAway = true
        try releaseCaches()
    }

    private func comeBack(_ state: inout State) throws {
        guard state.isAway else { return }
        for (index, (tensor, copy)) in zip(tensors, state.copies).enumerated() {
            do { try bringBack(tensor, copy) } catch {
                try drop(tensors[..<index])
                try releaseCaches()
                throw error
            }
        }
        state.isAway = false
    }

    private func bringBack(_ tensor: Tensor, _ copy: Tensor) throws {
        try perform("bring back", [tensor]) { ct_storage_return(tensor.handle, copy.handle, $0) }
    }

    private func drop(_ tensors: some Sequence<Tensor>) throws {
        for tensor in tensors { try perform("leave", [tensor]) { ct_storage_drop(tensor.handle, $0) } }
    }

    private func releaseCaches() throws {
        for device in Set(tensors.map(\.device)) { try Memory.releaseCache(of: device) }
    }
}
