import Kernels
import Synchronization
import Torch

/// A request's adapters as a model computes with them.
final class AppliedAdapters: Sendable {
    /// Tells the same adapters with the same weights.
    typealias Key = [Part]
    struct Part: Hashable {
        let adapter: ObjectIdentifier
        let weight: Double
    }

    private let uses: [AdapterUse]
    /// The network with them, which shares the model's weights.
    let t3: T3
    /// What they add to packed weights; nil where the model has none.
    let packed: PackedAdaptation?

    /// - Parameter digest: of the model's T3.
    /// - Throws: ``AdapterError`` where one does not fit; `KernelError`.
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

/// The adapters that requests of a model used last.
final class AppliedAdapterCache: Sendable {
    private let entries = Mutex(RecentlyUsed<AppliedAdapters.Key, AppliedAdapters>(limit: 256 << 20) { $0.byteCount })

    /// - Throws: what `make` throws.
    func adapters(_ uses: [AdapterUse], make: () throws -> AppliedAdapters) throws -> AppliedAdapters {
        if let applied = entries.withLock({ $0.use(uses.key) }) { return applied }
        let applied = try make()
        return entries.withLock { entries in
            // Another request may have been faster; equal adapters are one, for their voices' rows are shared.
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

    /// What adapters add to this model's packed weights; nil where there are none, or the weights are not packed.
    ///
    /// - Throws: ``AdapterError`` where one does not fit this model, or the device computes without them.
    package func adaptation(of uses: [AdapterUse]) throws -> PackedAdaptation? { try applied(uses)?.packed }

    /// Adapters that a request asks for; nil for none.
    ///
    /// - Throws: ``AdapterError`` where one does not fit this model, or the device computes without them.
    func applied(_ uses: [AdapterUse]) throws -> AppliedAdapters? {
        // What has no weight adds nothing.
        let uses = uses.filter { $0.weight != 0 }
        guard !uses.isEmpty else { return nil }
        if plan.capturesSteps { throw AdapterError.noAdapters(device: "\(device)", adapter: uses[0].adapter.name) }
        return try appliedAdapters.adapters(uses) { try AppliedAdapters(uses, to: t3, packedT3, digest: t3Weights.digest()) }
    }
}
