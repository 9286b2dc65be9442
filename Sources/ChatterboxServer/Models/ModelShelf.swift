import Chatterbox
import Foundation
import Synchronization
import Torch

/// A model that the server offers, loaded or not.
public struct ModelOffering: Sendable {
    /// What requests call it.
    public let name: String
    /// When it was made, for listings.
    public let created: Date
    /// Bytes of memory that it takes when loaded, about.
    public let bytes: Int
    /// Whether it stays once it is loaded.
    public let isPinned: Bool
    let load: @Sendable () async throws -> any ServedModel

    public init(
        name: String, created: Date = Date(timeIntervalSince1970: 0), bytes: Int = 0, isPinned: Bool = false,
        load: @escaping @Sendable () async throws -> any ServedModel
    ) {
        (self.name, self.created, self.bytes, self.isPinned, self.load) = (name, created, bytes, isPinned, load)
    }
}

/// The server's models: loaded when they are asked for, one load serving all who wait, and unloaded, the longest unused
/// first, where another would not fit into the memory budget. One that speaks is never unloaded.
final class ModelShelf: Sendable {
    /// Where a model stands.
    enum Phase: String { case inactive, activating, active, broken }

    /// What a listing tells of a model.
    struct Status: Sendable {
        let offer: ModelOffering
        let phase: Phase
        let users: Int
        let lastUse: Date?
        let marksSpeech: Bool?
        let reason: String?
    }

    private struct Loaded: Sendable {
        let model: any ServedModel
        var users = 0
        var lastUse = Date()
    }

    private enum Stage: Sendable {
        case inactive
        case activating(Task<Void, any Error>)
        case active(Loaded)
        case broken(String)
    }

    let offers: [ModelOffering]
    private let budget: Int?
    private let stages: Mutex<[String: Stage]>

    /// - Parameters:
    ///   - offers: at least one; the first is the default.
    ///   - budget: bytes that loaded models may take together; nil sets no limit.
    init(_ offers: [ModelOffering], budget: Int? = nil) {
        precondition(!offers.isEmpty, "a server offers a model at least")
        (self.offers, self.budget) = (offers, budget)
        stages = Mutex([:])
    }

    /// The model that a request means: by its name, or the default for OpenAI's names.
    ///
    /// - Throws: ``APIError``.
    func offer(named name: String) throws -> ModelOffering {
        if let offer = offers.first(where: { $0.name == name }) { return offer }
        if name.hasPrefix("tts-1") || name.hasPrefix("gpt-4o-mini-tts") || name == "default" { return offers[0] }
        throw APIError(
            .notFound, "there is no model \(name) here; there are \(offers.map(\.name).joined(separator: ", "))", parameter: "model", code: "model_not_found")
    }

    var isReady: Bool { stages.withLock { $0.values.contains { if case .active = $0 { true } else { false } } } }

    /// The model for use until the lease is let go; it is loaded first where it is not.
    ///
    /// - Throws: what loading throws; ``APIError`` where there is no room for it.
    func lease(_ offer: ModelOffering) async throws -> ModelLease {
        while true {
            let step: Step = stages.withLock { take(offer, &$0) }
            switch step {
            case .lease(let model): return ModelLease(name: offer.name, model: model) { [self] in release(offer.name) }
            case .wait(let task): try await task.value
            case .refuse(let error): throw error
            }
        }
    }

    private enum Step {
        case lease(any ServedModel), wait(Task<Void, any Error>), refuse(APIError)
    }

    private func take(_ offer: ModelOffering, _ stages: inout [String: Stage]) -> Step {
        switch stages[offer.name] ?? .inactive {
        case .active(var loaded):
            loaded.users += 1
            loaded.lastUse = Date()
            stages[offer.name] = .active(loaded)
            return .lease(loaded.model)
        case .activating(let task): return .wait(task)
        case .inactive, .broken:
            guard makeRoom(for: offer, &stages) else {
                return .refuse(.busy("there is no memory for \(offer.name) while the models that are loaded speak", code: "model_capacity", retryAfter: 5))
            }
            // The load is everybody's: it goes on where the request that began it goes away.
            let task = Task { [self] in
                do {
                    let model = try await offer.load()
                    self.stages.withLock { $0[offer.name] = .active(Loaded(model: model)) }
                } catch {
                    self.stages.withLock { $0[offer.name] = .broken("\(error)") }
                    throw error
                }
            }
            stages[offer.name] = .activating(task)
            return .wait(task)
        }
    }

    /// Unloads what has not been used for longest until a model fits; false where that cannot be.
    private func makeRoom(for offer: ModelOffering, _ stages: inout [String: Stage]) -> Bool {
        guard let budget else { return true }
        func taken() -> Int {
            offers.reduce(0) { sum, offer in
                switch stages[offer.name] {
                case .active, .activating: sum + offer.bytes
                default: sum
                }
            }
        }
        while taken() + offer.bytes > budget {
            let idle = offers.filter { !$0.isPinned }.compactMap { offer -> (name: String, lastUse: Date)? in
                if case .active(let loaded) = stages[offer.name], loaded.users == 0 { (offer.name, loaded.lastUse) } else { nil }
            }
            guard let oldest = idle.min(by: { $0.lastUse < $1.lastUse }) else { return false }
            stages[oldest.name] = .inactive
        }
        return true
    }

    private func release(_ name: String) {
        stages.withLock { stages in
            guard case .active(var loaded) = stages[name] else { return }
            loaded.users -= 1
            loaded.lastUse = Date()
            stages[name] = .active(loaded)
        }
    }

    /// Unloads a model.
    ///
    /// - Throws: ``APIError`` where it is in use.
    func unload(_ offer: ModelOffering) throws {
        try stages.withLock { stages in
            switch stages[offer.name] ?? .inactive {
            case .active(let loaded) where loaded.users > 0:
                throw APIError(.conflict, "\(offer.name) is speaking; \(loaded.users) requests use it", code: "model_in_use")
            case .activating: throw APIError(.conflict, "\(offer.name) is being loaded", code: "model_in_use")
            case .active, .inactive, .broken: stages[offer.name] = .inactive
            }
        }
        try? Memory.releaseCache()
    }

    /// Every model, in the order in which they are offered.
    var statuses: [Status] {
        stages.withLock { stages in
            offers.map { offer in
                switch stages[offer.name] ?? .inactive {
                case .inactive: Status(offer: offer, phase: .inactive, users: 0, lastUse: nil, marksSpeech: nil, reason: nil)
                case .activating: Status(offer: offer, phase: .activating, users: 0, lastUse: nil, marksSpeech: nil, reason: nil)
                case .active(let loaded):
                    Status(
                        offer: offer, phase: .active, users: loaded.users, lastUse: loaded.lastUse, marksSpeech: loaded.model.marksSpeech, reason: nil)
                case .broken(let reason): Status(offer: offer, phase: .broken, users: 0, lastUse: nil, marksSpeech: nil, reason: reason)
                }
            }
        }
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
