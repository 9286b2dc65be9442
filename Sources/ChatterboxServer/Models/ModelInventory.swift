import Chatterbox
import Foundation

/// The state of each model, and the memory of all. This type loads and unloads nothing: it returns what has to be done, and is informed when it has
/// been done.
struct ModelInventory: Sendable {
    /// The state of a model.
    enum Phase: String, Sendable { case inactive, activating, active, deactivating, broken }

    struct Entry: Sendable {
        let offer: ModelOffering
        fileprivate(set) var phase = Phase.inactive
        /// Set while the model is active, being deactivated, or resting.
        fileprivate(set) var model: (any ServedModel)?
        /// Whether the weights of a model for a GPU are in host memory.
        fileprivate(set) var isResting = false
        fileprivate(set) var users = 0
        fileprivate(set) var lastUse: Date?
        /// The time since which the model has been idle.
        fileprivate var idleSince: ContinuousClock.Instant?
        fileprivate(set) var isPinned: Bool
        fileprivate(set) var marksSpeech: Bool?
        /// The digest of the files from which it was loaded, once it is known.
        fileprivate(set) var digest: String?
        /// The stamp of the same files.
        fileprivate(set) var stamp: String?
        /// Why the model is broken.
        fileprivate(set) var reason: String?
        /// Completed when the change in progress has ended.
        fileprivate(set) var change: Outcome<Void>?
    }

    /// The memory in bytes that all loaded models together may use; nil sets no limit.
    struct Budget: Sendable {
        var memory, gpuMemory: Int?
        /// Whether models that are unloaded from a GPU are kept in host memory, if there is room.
        var rests = true
    }

    /// The result of requesting a model.
    enum Step: Sendable {
        case lease(any ServedModel)
        case wait(Outcome<Void>)
        case activate(Activation)
        case refuse(APIError)
    }

    /// A model that is to be loaded, or moved back to the GPU, after others have been unloaded.
    struct Activation: Sendable {
        let offer: ModelOffering
        /// Models that are now marked as being deactivated.
        let leaving: [Deactivation]
        /// Changes in progress that must end before there is enough memory.
        let ending: [Outcome<Void>]
        /// Whether the model rests in host memory, its files have not changed, and it is to be moved back.
        let wakes: Bool
        let stamp: String?
        let change: Outcome<Void>
    }

    struct Deactivation: Sendable {
        let name: String
        /// Whether the model is to be kept in host memory.
        let rests: Bool
        let change: Outcome<Void>
    }

    private let budget: Budget
    private var entries: [Entry]

    init(_ offers: [ModelOffering], budget: Budget = Budget()) {
        self.budget = budget
        entries = offers.map { Entry(offer: $0, isPinned: $0.isPinned) }
    }

    /// In the order in which they were configured.
    var all: [Entry] { entries }

    subscript(name: String) -> Entry { entries[index(name)] }

    private func index(_ name: String) -> Int { entries.firstIndex { $0.offer.name == name }! }

    // MARK: memory in use

    /// The bytes of main memory, or of the GPUs', that models use, or will use after all changes in progress.
    private func taken(ofGPU: Bool) -> Int {
        entries.reduce(0) { sum, entry in
            let isThere =
                switch entry.phase {
                case .active, .activating: entry.offer.usesGPU == ofGPU
                case .deactivating, .inactive, .broken: entry.isResting && !ofGPU
                }
            return sum + (isThere ? entry.offer.bytes : 0)
        }
    }

    private func limit(ofGPU: Bool) -> Int? { ofGPU ? budget.gpuMemory : budget.memory }

    // MARK: changes

    /// Called when a request needs a model.
    mutating func ask(for name: String, stamp: String?, at time: ContinuousClock.Instant = .now) -> Step {
        let index = index(name), entry = entries[index]
        switch entry.phase {
        case .active:
            entries[index].users += 1
            entries[index].touch(time)
            return .lease(entry.model!)
        case .activating, .deactivating: return .wait(entry.change!)
        case .inactive, .broken: return activate(index, stamp)
        }
    }

    private mutating func activate(_ index: Int, _ stamp: String?) -> Step {
        let offer = entries[index].offer
        if let limit = limit(ofGPU: offer.usesGPU), offer.bytes > limit {
            return .refuse(
                APIError(
                    .insufficientMemory, "\(offer.name) takes \(offer.bytes) bytes, more than the \(limit) that models may take together",
                    parameter: "model",
                    code: "model_too_large"))
        }
        // Changed files count as another model. Weights that are moved from host memory to the GPU free host memory.
        let before = self, resting = entries[index].isResting && entries[index].stamp == stamp ? entries[index].model : nil
        entries[index].drop()
        entries[index].model = resting
        var leaving: [Deactivation] = []
        while let limit = limit(ofGPU: offer.usesGPU), taken(ofGPU: offer.usesGPU) + offer.bytes > limit {
            guard let gone = makeRoom(ofGPU: offer.usesGPU) else {
                self = before
                return .refuse(
                    .busy("there is not enough memory for \(offer.name) while the loaded models are speaking", code: "model_capacity", retryAfter: 5))
            }
            leaving += gone
        }
        let ending = entries.filter { $0.phase == .deactivating }.compactMap(\.change).filter { change in !leaving.contains { $0.change === change } }
        let change = Outcome<Void>()
        entries[index].phase = .activating
        entries[index].change = change
        entries[index].reason = nil
        if entries[index].stamp != stamp { (entries[index].stamp, entries[index].digest) = (stamp, nil) }
        return .activate(Activation(offer: offer, leaving: leaving, ending: ending, wakes: resting != nil, stamp: stamp, change: change))
    }

    /// Frees memory from the least recently used model: a resting model is dropped, another one deactivated. nil if no model can be unloaded.
    private mutating func makeRoom(ofGPU: Bool) -> [Deactivation]? {
        let candidates = entries.indices.filter { index in
            let entry = entries[index]
            if entry.isResting && entry.phase == .inactive { return !ofGPU }
            return entry.phase == .active && entry.users == 0 && !entry.isPinned && entry.offer.usesGPU == ofGPU
        }
        guard let oldest = candidates.min(by: { (entries[$0].lastUse ?? .distantPast) < (entries[$1].lastUse ?? .distantPast) }) else { return nil }
        guard !entries[oldest].isResting else {
            entries[oldest].drop()
            return []
        }
        return [deactivate(oldest)]
    }

    private mutating func deactivate(_ index: Int) -> Deactivation {
        let change = Outcome<Void>(), offer = entries[index].offer
        entries[index].phase = .deactivating
        entries[index].change = change
        let hasRoom = budget.memory.map { taken(ofGPU: false) + offer.bytes <= $0 } ?? true
        let rests = offer.usesGPU && budget.rests && hasRoom
        entries[index].isResting = rests
        return Deactivation(name: offer.name, rests: rests, change: change)
    }

    /// Begins to unload a model, pinned or not.
    ///
    /// - Returns: what has to be done; nil if nothing has.
    /// - Throws: ``APIError`` if the model is in use, or being loaded.
    mutating func unload(_ name: String) throws -> Deactivation? {
        let index = index(name)
        let (phase, users) = (entries[index].phase, entries[index].users)
        guard phase != .activating else { throw APIError(.conflict, "\(name) is being loaded", code: "model_in_use") }
        guard users == 0 else { throw APIError(.conflict, "\(name) is speaking; \(users) requests use it", code: "model_in_use") }
        entries[index].isPinned = false
        switch phase {
        case .active: return deactivate(index)
        case .deactivating, .activating: return nil
        case .inactive, .broken:
            entries[index].drop()
            (entries[index].phase, entries[index].reason) = (.inactive, nil)
            return nil
        }
    }

    /// Begins to unload models that have been idle since the given time.
    mutating func unloadIdle(since earliest: ContinuousClock.Instant) -> [Deactivation] {
        entries.indices.compactMap { index in
            let entry = entries[index]
            guard entry.phase == .active, entry.users == 0, !entry.isPinned, let idle = entry.idleSince, idle <= earliest else { return nil }
            return deactivate(index)
        }
    }

    mutating func pin(_ name: String) { entries[index(name)].isPinned = true }

    // MARK: results

    /// Called after a model has been loaded, or has failed to load.
    mutating func activated(_ activation: Activation, _ result: Result<any ServedModel, any Error>, at time: ContinuousClock.Instant = .now) {
        let index = index(activation.offer.name)
        entries[index].change = nil
        switch result {
        case .success(let model):
            entries[index].phase = .active
            entries[index].model = model
            entries[index].marksSpeech = model.marksSpeech
            entries[index].touch(time)
        case .failure(let error):
            entries[index].drop()
            entries[index].phase = .broken
            entries[index].reason = "\(error)"
        }
    }

    /// Called when the digest of a model's files has been computed.
    mutating func identified(_ name: String, _ digest: String, stamp: String?) {
        let index = index(name)
        if entries[index].stamp == stamp { entries[index].digest = digest }
    }

    /// Called when a model has been moved to host memory or dropped.
    mutating func deactivated(_ deactivation: Deactivation, rests: Bool) {
        let index = index(deactivation.name)
        entries[index].phase = .inactive
        entries[index].change = nil
        entries[index].isResting = rests
        if !rests { entries[index].drop() }
    }

    /// Called when a request no longer needs a model.
    mutating func release(_ name: String, at time: ContinuousClock.Instant = .now) {
        let index = index(name)
        entries[index].users -= 1
        entries[index].touch(time)
    }
}

extension ModelInventory.Entry {
    fileprivate mutating func touch(_ time: ContinuousClock.Instant) { (lastUse, idleSince) = (Date(), time) }

    /// Releases the model.
    fileprivate mutating func drop() { (model, isResting, idleSince) = (nil, false, nil) }
}
