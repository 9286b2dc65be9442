import CTorch
import Synchronization

/// Weights that leave their card while they are not needed, so that others have room, and come back when they are.
///
/// The first time they leave they are copied to the host, where the copy stays; leaving again is free, and coming back
/// takes one transfer. From a GPU they go to page-locked memory, where the system has some. All leave or come back, or none:
/// where one cannot, the others are where they were. Views share their tensor's memory and go and come with it. Nobody may
/// write to them.
public final class Offload: Sendable {
    private struct State {
        var users = 0
        var isAway = false
        var copies: [Tensor] = []
    }
    /// One tensor for each piece of memory.
    private let tensors: [Tensor]
    private let state = Mutex(State())

    /// - Parameter tensors: what leaves together. They are on their device now.
    public init(_ tensors: [Tensor]) {
        var seen: Set<UnsafeRawPointer> = []
        self.tensors = tensors.filter { ct_storage_identity($0.handle).map { seen.insert($0).inserted } ?? false }
    }

    /// Whether the weights are on the host now.
    public var isAway: Bool { state.withLock(\.isAway) }

    /// Begins to use the weights, which are on their device until everybody who entered has left by ``exit()``.
    ///
    /// - Throws: ``TorchError`` where the device has no room.
    public func enter() throws {
        try state.withLock { state in
            try comeBack(&state)
            state.users += 1
        }
    }

    /// Ends what ``enter()`` began.
    public func exit() {
        state.withLock { state in
            state.users -= 1
            // What cannot leave stays, to no harm.
            if state.users == 0 { try? leave(&state) }
        }
    }

    /// Sends the weights away where nobody uses them.
    ///
    /// - Throws: ``TorchError`` where the host has no room, or the memory is not a tensor's own.
    public func leave() throws {
        try state.withLock { state in
            if state.users == 0 { try leave(&state) }
        }
    }

    /// Brings the weights back until they are sent away again, and keeps no copy on the host; ``enter()`` is for those who use
    /// them in turns.
    ///
    /// - Throws: ``TorchError`` where the device has no room.
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
