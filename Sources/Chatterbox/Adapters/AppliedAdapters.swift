import Kernels
import Synchronization
import Torch

/// A request's adapters, prepared for a model.
final class AppliedAdapters: Sendable {
    /// Identifies adapters together with their weights.
    typealias Key = [Part]
    struct Part: Hashable {
        let adapter: ObjectIdentifier
        let weight: Double
    }

    private let uses: [AdapterUse]
    /// The network with the adapters; it shares the model's weights.
    let t3: T3
    /// The adapters for packed weights; nil if the model is not packed.
    let packed: PackedAdaptation?

    /// - Parameter digest: the digest of the model's T3.
    /// - Throws: ``AdapterError`` if an adapter does not match; `KernelError`.
    init(_ uses: [AdapterUse], to model: T3, _ packedModel: PackedT3?, digest: String) throws {
        self.uses = uses
        t3 = try model.adapted(by: uses, digest: digest)
        packed = try packedModel?.adaptation(of: t3)
    }

    var byteCount: Int { packed?.byteCount ?? 0 }
}

extension [AdapterUse] {
    fileprivate var key: AppliedAdapters.Key { map { .init(adapter: ObjectIdentifier($0.adapter.identity), weight: $0.weight) } }
}

/// The most recently used adapters of a model's requests.
final class AppliedAdapterCache: Sendable {
    private let entries = Mutex(RecentlyUsed<AppliedAdapters.Key, AppliedAdapters>(limit: 256 << 20) { $0.byteCount })

    /// - Throws: errors of `make`.
    func adapters(_ uses: [AdapterUse], make: () throws -> AppliedAdapters) throws -> AppliedAdapters {
        if let applied = entries.withLock({ $0.use(uses.key) }) { return applied }
        let applied = try make()
        return entries.withLock { entries in
            // Another request may have been faster; equal adapters are one object, so that voices' keys and values are shared.
            if let other = entries.use(uses.key) { return other }
            entries.insert(applied, for: uses.key)
            return applied
        }
    }
}

extension Model {
    /// Checks that an adapter was made for this model.
    ///
    /// - Throws: ``AdapterError``.
    public func check(_ adapter: Adapter) throws { _ = try t3.adapted(by: [AdapterUse(adapter)], digest: t3Weights.digest()) }

    /// The adapters for this model's packed weights; nil if there are no adapters, or the weights are not packed.
    ///
    /// - Throws: ``AdapterError`` if an adapter does not match this model, or the device does not support adapters.
    package func adaptation(of uses: [AdapterUse]) throws -> PackedAdaptation? { try applied(uses)?.packed }

    /// The adapters of a request; nil if there are none.
    ///
    /// - Throws: ``AdapterError`` if an adapter does not match this model, or the device does not support adapters.
    func applied(_ uses: [AdapterUse]) throws -> AppliedAdapters? {
        // An adapter with weight 0 has no effect.
        let uses = uses.filter { $0.weight != 0 }
        guard !uses.isEmpty else { return nil }
        if plan.capturesSteps { throw AdapterError.noAdapters(device: "\(device)", adapter: uses[0].adapter.name) }
        return try appliedAdapters.adapters(uses) { try AppliedAdapters(uses, to: t3, packedT3, digest: t3Weights.digest()) }
    }
}
