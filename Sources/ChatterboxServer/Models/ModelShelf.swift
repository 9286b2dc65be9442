import Chatterbox
import Foundation
import Synchronization
import Torch

/// The server's models. A model is loaded when it is requested, once for all requests that wait for it. It is unloaded after a time without use, or,
/// the least recently used first, when another model would not fit into the memory budget. A model that is speaking is never unloaded.
///
/// Each change is complete or has no effect: the memory of a model that is being unloaded is free before another model is loaded, and a model that
/// cannot be loaded leaves no memory in use.
final class ModelShelf: Sendable {
    let offers: [ModelOffering]
    private let inventory: Mutex<ModelInventory>
    /// Releases objects that belong to a model, such as its voices.
    private let onUnload: @Sendable (String) async -> Void

    /// - Parameter offers: at least one; the first is the default.
    init(
        _ offers: [ModelOffering], budget: ModelInventory.Budget = .init(), onUnload: @escaping @Sendable (String) async -> Void = { _ in }
    ) {
        precondition(!offers.isEmpty, "a server offers at least one model")
        self.offers = offers
        self.onUnload = onUnload
        inventory = Mutex(ModelInventory(offers, budget: budget))
    }

    /// The model for a request: by its name, or the default for OpenAI's names.
    ///
    /// - Throws: ``APIError``.
    func offer(named name: String) throws -> ModelOffering {
        if let offer = offers.first(where: { $0.name == name }) { return offer }
        if name.hasPrefix("tts-1") || name.hasPrefix("gpt-4o-mini-tts") || name == "default" { return offers[0] }
        throw APIError(
            .notFound, "there is no model \(name) here; there are \(offers.map(\.name).joined(separator: ", "))", parameter: "model",
            code: "model_not_found")
    }

    /// Every model, in the order in which they were configured.
    var entries: [ModelInventory.Entry] { inventory.withLock(\.all) }

    func entry(of offer: ModelOffering) -> ModelInventory.Entry { inventory.withLock { $0[offer.name] } }

    /// Returns the model for use until the lease is released, and loads it first if necessary.
    ///
    /// - Throws: errors of loading; ``APIError`` if there is not enough memory; `CancellationError` at once if the task is cancelled, while loading
    ///   continues for others.
    func lease(_ offer: ModelOffering) async throws -> ModelLease {
        while true {
            let stamp = offer.files?.stamp
            let step = inventory.withLock { $0.ask(for: offer.name, stamp: stamp) }
            switch step {
            case .lease(let model): return ModelLease(name: offer.name, model: model) { [self] in inventory.withLock { $0.release(offer.name) } }
            case .wait(let change): try await change.value()
            case .activate(let activation):
                // Loading is shared by all requests: it continues even if the request that began it is cancelled.
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

    /// The model, if it rests in host memory and can be moved back.
    private func wokenModel(_ activation: ModelInventory.Activation) async -> (any ServedModel)? {
        guard activation.wakes, let model = entry(of: activation.offer).model, (try? await model.wake()) != nil else { return nil }
        return model
    }

    /// Computes the digest of a model's files while the model is loaded, which reads the same pages; nothing waits for it.
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

    /// Moves a model to host memory, or releases it. After this returns nothing refers to it.
    private func rest(_ deactivation: ModelInventory.Deactivation) async -> Device {
        let model = inventory.withLock { $0[deactivation.name].model! }
        // A model that cannot be moved is released.
        let hasLeft = deactivation.rests ? await (try? model.rest()) ?? false : false
        if !hasLeft { await model.close() }
        inventory.withLock { $0.deactivated(deactivation, rests: hasLeft) }
        return model.device
    }

    /// Returns unused memory to the system, and to the GPU's driver.
    private static func returnMemory(of device: Device = .cpu) {
        try? Memory.releaseCache()
        if device.isCUDA { try? Memory.releaseCache(of: device) }
    }

    /// Loads a model, and pins it if requested.
    ///
    /// - Throws: as ``lease(_:)``.
    func load(_ offer: ModelOffering, pins: Bool) async throws {
        let lease = try await lease(offer)
        if pins { inventory.withLock { $0.pin(offer.name) } }
        withExtendedLifetime(lease) {}
    }

    /// Unloads a model, pinned or not, and returns when its memory is free. It continues even if the client disconnects.
    ///
    /// - Throws: ``APIError`` if the model is in use; `CancellationError`.
    func unload(_ offer: ModelOffering) async throws {
        let (deactivation, change) = try inventory.withLock { (try $0.unload(offer.name), $0[offer.name].change) }
        if let deactivation { Task { await deactivate(deactivation) } }
        try await change?.value()
        if change == nil { Self.returnMemory() }
    }

    /// Unloads models that have been idle for this many seconds.
    func unloadIdle(after seconds: Double, at now: ContinuousClock.Instant = .now) async {
        for deactivation in inventory.withLock({ $0.unloadIdle(since: now - .seconds(seconds)) }) { await deactivate(deactivation) }
    }
}

/// A model in use, until this object is released.
final class ModelLease: Sendable {
    let name: String
    let model: any ServedModel
    private let release: @Sendable () -> Void

    init(name: String, model: any ServedModel, release: @escaping @Sendable () -> Void) {
        (self.name, self.model, self.release) = (name, model, release)
    }

    deinit { release() }
}
