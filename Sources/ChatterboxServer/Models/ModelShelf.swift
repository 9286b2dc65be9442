import Chatterbox
import Foundation
import Synchronization
import Torch

/// The server's models: loaded when they are asked for, one load serving all who wait, and unloaded, the longest unused
/// first, where another would not fit into the memory budget, or after a time without use. One that speaks is never unloaded.
///
/// Each change is whole or does not happen: a model that is being unloaded is gone, with its memory, before another takes its
/// room, and one that cannot be loaded leaves nothing behind.
final class ModelShelf: Sendable {
    let offers: [ModelOffering]
    private let inventory: Mutex<ModelInventory>
    /// Lets go of what belongs to a model beside it, its voices.
    private let onUnload: @Sendable (String) async -> Void

    /// - Parameter offers: at least one; the first is the default.
    init(
        _ offers: [ModelOffering], budget: ModelInventory.Budget = .init(), onUnload: @escaping @Sendable (String) async -> Void = { _ in }
    ) {
        precondition(!offers.isEmpty, "a server offers a model at least")
        self.offers = offers
        self.onUnload = onUnload
        inventory = Mutex(ModelInventory(offers, budget: budget))
    }

    /// The model that a request means: by its name, or the default for OpenAI's names.
    ///
    /// - Throws: ``APIError``.
    func offer(named name: String) throws -> ModelOffering {
        if let offer = offers.first(where: { $0.name == name }) { return offer }
        if name.hasPrefix("tts-1") || name.hasPrefix("gpt-4o-mini-tts") || name == "default" { return offers[0] }
        throw APIError(
            .notFound, "there is no model \(name) here; there are \(offers.map(\.name).joined(separator: ", "))", parameter: "model",
            code: "model_not_found")
    }

    /// Every model, in the order in which they are offered.
    var entries: [ModelInventory.Entry] { inventory.withLock(\.all) }

    func entry(of offer: ModelOffering) -> ModelInventory.Entry { inventory.withLock { $0[offer.name] } }

    /// The model for use until the lease is let go; it is loaded first where it is not.
    ///
    /// - Throws: what loading throws; ``APIError`` where there is no room for it; `CancellationError` at once where the task is
    ///   cancelled, though the load goes on for others.
    func lease(_ offer: ModelOffering) async throws -> ModelLease {
        while true {
            let stamp = offer.files?.stamp
            let step = inventory.withLock { $0.ask(for: offer.name, stamp: stamp) }
            switch step {
            case .lease(let model): return ModelLease(name: offer.name, model: model) { [self] in inventory.withLock { $0.release(offer.name) } }
            case .wait(let change): try await change.value()
            case .activate(let activation):
                // The load is everybody's: it goes on where the request that began it goes away.
                Task { await activate(activation) }
                try await activation.change.value()
            case .refuse(let error): throw error
            }
        }
    }

    private func activate(_ activation: ModelInventory.Activation) async {
        for deactivation in activation.leaving { await deactivate(deactivation) }
        for change in activation.ending { try? await change.value() }
        identify(activation)
        let result: Result<any ServedModel, any Error>
        if let model = await wokenModel(activation) {
            result = .success(model)
        } else {
            do { result = .success(try await activation.offer.load()) } catch { result = .failure(error) }
        }
        inventory.withLock { $0.activated(activation, result) }
        if case .failure = result { Self.returnMemory() }
        activation.change.settle(result.map { _ in })
    }

    /// The model where it rests and can be woken.
    private func wokenModel(_ activation: ModelInventory.Activation) async -> (any ServedModel)? {
        guard activation.wakes, let model = entry(of: activation.offer).model, (try? await model.wake()) != nil else { return nil }
        return model
    }

    /// Computes the digest of a model's files beside its load, which has their pages in memory; nobody waits for it.
    private func identify(_ activation: ModelInventory.Activation) {
        guard let files = activation.offer.files, entry(of: activation.offer).digest == nil else { return }
        DispatchQueue.global(qos: .utility).async { [self] in
            guard let digest = try? files.digest() else { return }
            inventory.withLock { $0.identified(activation.offer.name, digest, stamp: activation.stamp) }
        }
    }

    private func deactivate(_ deactivation: ModelInventory.Deactivation) async {
        await onUnload(deactivation.name)
        let device = await rest(deactivation)
        Self.returnMemory(of: device)
        deactivation.change.settle(.success(()))
    }

    /// Lets a model rest, or go. When this returns nobody has it any more.
    private func rest(_ deactivation: ModelInventory.Deactivation) async -> Device {
        let model = inventory.withLock { $0[deactivation.name].model! }
        // What cannot rest goes.
        let hasLeft = deactivation.rests ? await (try? model.rest()) ?? false : false
        if !hasLeft { await model.close() }
        inventory.withLock { $0.deactivated(deactivation, rests: hasLeft) }
        return model.device
    }

    /// Gives memory that nothing uses any more back to the system, and to the GPU's driver.
    private static func returnMemory(of device: Device = .cpu) {
        try? Memory.releaseCache()
        if device.isCUDA { try? Memory.releaseCache(of: device) }
    }

    /// Loads a model, and lets it stay where that is wished.
    ///
    /// - Throws: as ``lease(_:)``.
    func load(_ offer: ModelOffering, pins: Bool) async throws {
        let lease = try await lease(offer)
        if pins { inventory.withLock { $0.pin(offer.name) } }
        withExtendedLifetime(lease) {}
    }

    /// Unloads a model, pinned or not, and returns when its memory is free. It goes on where the client that asked for it goes away.
    ///
    /// - Throws: ``APIError`` where it is in use, `CancellationError`.
    func unload(_ offer: ModelOffering) async throws {
        let (deactivation, change) = try inventory.withLock { (try $0.unload(offer.name), $0[offer.name].change) }
        if let deactivation { Task { await deactivate(deactivation) } }
        try await change?.value()
        if change == nil { Self.returnMemory() }
    }

    /// Unloads what nobody has used for so many seconds.
    func unloadIdle(after seconds: Double, at now: ContinuousClock.Instant = .now) async {
        for deactivation in inventory.withLock({ $0.unloadIdle(since: now - .seconds(seconds)) }) { await deactivate(deactivation) }
    }
}

/// A model in use, until this object goes away.
final class ModelLease: Sendable {
    let name: String
    let model: any ServedModel
    private let release: @Sendable () -> Void

    init(name: String, model: any ServedModel, release: @escaping @Sendable () -> Void) {
        (self.name, self.model, self.release) = (name, model, release)
    }

    deinit { release() }
}
