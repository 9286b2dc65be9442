import Torch

/// For servers that share a machine's memory among models. Nothing may be spoken meanwhile.
extension Synthesizer {
    /// Frees what the engine keeps for the model between requests, before the model goes away.
    package func endSharing() async { await engine.forget(model) }

    /// Sends the weights from a GPU to page-locked memory of the host, from where ``returnToDevice()`` brings them back without
    /// reading files. What has been computed from weights ahead, tables of positions and the like, stays.
    ///
    /// - Returns: whether they have left; on a CPU they cannot.
    /// - Throws: `TorchError` where the host has no room; the weights are then where they were.
    package func leaveDevice() async throws -> Bool {
        guard let residence = model.residence else { return false }
        await engine.forget(model)
        try await Self.blocking { try residence.leave() }
        return true
    }

    /// Brings the weights back and captures the steps of a request anew.
    ///
    /// - Throws: `TorchError` where the device has no room; the weights are then on the host.
    package func returnToDevice() async throws {
        guard let residence = model.residence else { return }
        try await Self.blocking { try residence.comeBack() }
        try await engine.warm(model)
    }
}
