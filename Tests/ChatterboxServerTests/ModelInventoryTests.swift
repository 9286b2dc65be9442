import Testing

@testable import ChatterboxServer

@Suite("ModelInventory") struct ModelInventoryTests {
    typealias Step = ModelInventory.Step

    private let start = ContinuousClock.now

    /// Models of 60 bytes each.
    private func offers(_ names: String..., onGPU: Bool = false, pinned: Set<String> = []) -> [ModelOffering] {
        names.map { name in ModelOffering(name: name, bytes: 60, usesGPU: onGPU, isPinned: pinned.contains(name)) { try StandInSpeaker() } }
    }

    /// Loads a model completely, used and released at a time.
    private func load(_ name: String, _ books: inout ModelInventory, at seconds: Double = 0, stamp: String? = nil) throws {
        let time = start + .seconds(seconds)
        guard case .activate(let activation) = books.ask(for: name, stamp: stamp, at: time) else { throw Unexpected() }
        for leaving in activation.leaving { books.deactivated(leaving, rests: leaving.rests) }
        books.activated(activation, .success(try StandInSpeaker()), at: time)
        try use(name, &books, at: seconds)
    }

    private func use(_ name: String, _ books: inout ModelInventory, at seconds: Double) throws {
        guard case .lease = books.ask(for: name, stamp: nil, at: start + .seconds(seconds)) else { throw Unexpected() }
        books.release(name, at: start + .seconds(seconds))
    }

    private func phases(_ books: ModelInventory) -> [ModelInventory.Phase] { books.all.map(\.phase) }

    private struct Unexpected: Error {}

    @Test("if there is not enough memory, nothing is changed") func refused() throws {
        var books = ModelInventory(offers("a", "b", "c", pinned: ["b"]), budget: .init(memory: 130))
        try load("a", &books)
        try load("b", &books)
        // One model speaks, the other is pinned.
        guard case .lease = books.ask(for: "a", stamp: nil) else { throw Unexpected() }
        guard case .refuse(let error) = books.ask(for: "c", stamp: nil) else { throw Unexpected() }
        #expect(error.status == .tooManyRequests && error.code == "model_capacity")
        #expect(phases(books) == [.active, .active, .inactive])
        books.release("a")
        guard case .activate(let activation) = books.ask(for: "c", stamp: nil) else { throw Unexpected() }
        #expect(activation.leaving.map(\.name) == ["a"])
        #expect(phases(books) == [.deactivating, .active, .activating])
    }

    @Test("a model that is larger than the budget causes an error, whatever is loaded") func tooLarge() throws {
        var books = ModelInventory(offers("a"), budget: .init(memory: 50))
        guard case .refuse(let error) = books.ask(for: "a", stamp: nil) else { throw Unexpected() }
        #expect(error.code == "model_too_large" && error.status.code == 507)
    }

    @Test("memory is free after a model has been unloaded: new requests wait for it") func ending() throws {
        var books = ModelInventory(offers("a", "b"), budget: .init(memory: 100))
        try load("a", &books)
        let leaving = try #require(try books.unload("a"))
        guard case .activate(let activation) = books.ask(for: "b", stamp: nil) else { throw Unexpected() }
        #expect(activation.leaving.isEmpty && activation.ending.map { $0 === leaving.change } == [true])
        // A request for the model that is being unloaded waits for that, too.
        guard case .wait(let change) = books.ask(for: "a", stamp: nil) else { throw Unexpected() }
        #expect(change === leaving.change)
    }

    @Test("a load that fails leaves no memory in use, and can be tried again") func failed() throws {
        var books = ModelInventory(offers("a", "b"), budget: .init(memory: 100))
        guard case .activate(let activation) = books.ask(for: "a", stamp: nil) else { throw Unexpected() }
        books.activated(activation, .failure(Unexpected()))
        #expect(books["a"].phase == .broken && books["a"].model == nil && books["a"].reason == "Unexpected()")
        try load("b", &books)
        try load("a", &books)
        #expect(phases(books) == [.active, .inactive] && books["a"].reason == nil)
    }

    @Test("an idle model is unloaded after its time; one that is pinned or in use is not") func idle() throws {
        var books = ModelInventory(offers("a", "b", "c", "d", pinned: ["c"]))
        for (index, name) in ["a", "b", "c", "d"].enumerated() { try load(name, &books, at: Double(index)) }
        guard case .lease = books.ask(for: "d", stamp: nil, at: start + .seconds(4)) else { throw Unexpected() }
        #expect(books.unloadIdle(since: start - .seconds(1)).isEmpty)
        #expect(books.unloadIdle(since: start + .seconds(0.5)).map(\.name) == ["a"])
        // Use resets the idle time.
        try use("b", &books, at: 10)
        #expect(books.unloadIdle(since: start + .seconds(9)).isEmpty)
        #expect(books.unloadIdle(since: start + .seconds(10)).map(\.name) == ["b"])
        #expect(phases(books) == [.deactivating, .deactivating, .active, .active])
    }

    @Test("a pinned model can be unloaded by name; one that speaks or is being loaded cannot") func unload() throws {
        var books = ModelInventory(offers("a", pinned: ["a"]))
        #expect(try books.unload("a") == nil)
        guard case .activate(let activation) = books.ask(for: "a", stamp: nil) else { throw Unexpected() }
        #expect(throws: APIError.self) { try books.unload("a") }
        books.activated(activation, .success(try StandInSpeaker()))
        guard case .lease = books.ask(for: "a", stamp: nil) else { throw Unexpected() }
        #expect(throws: APIError.self) { try books.unload("a") }
        books.release("a")
        let leaving = try #require(try books.unload("a"))
        #expect(!leaving.rests && !books["a"].isPinned)
        books.deactivated(leaving, rests: false)
        #expect(books["a"].phase == .inactive && books["a"].model == nil)
        books.pin("a")
        #expect(books["a"].isPinned)
    }

    // MARK: GPUs

    @Test("a model that leaves a GPU is kept in host memory if there is room, and is moved back") func resting() throws {
        var books = ModelInventory(offers("a", "b", "c", onGPU: true), budget: .init(memory: 60, gpuMemory: 60))
        try load("a", &books, at: 0)
        try load("b", &books, at: 1)
        #expect(books["a"].isResting && books["a"].phase == .inactive)
        // Host memory has room for one model.
        guard case .activate(let activation) = books.ask(for: "c", stamp: nil) else { throw Unexpected() }
        #expect(activation.leaving.map(\.rests) == [false] && !activation.wakes)
        for leaving in activation.leaving { books.deactivated(leaving, rests: leaving.rests) }
        books.activated(activation, .success(try StandInSpeaker()))
        // The model that is moved back frees host memory for the one that leaves the GPU.
        guard case .activate(let woken) = books.ask(for: "a", stamp: nil) else { throw Unexpected() }
        #expect(woken.wakes && woken.leaving.map(\.name) == ["c"] && woken.leaving.map(\.rests) == [true])
        #expect(books["a"].model != nil && !books["a"].isResting)
    }

    @Test("a resting model is dropped for a model in host memory") func hostRoom() throws {
        var books = ModelInventory(offers("a", onGPU: true) + offers("b"), budget: .init(memory: 100, gpuMemory: 60))
        try load("a", &books)
        books.deactivated(try #require(try books.unload("a")), rests: true)
        guard case .activate(let activation) = books.ask(for: "b", stamp: nil) else { throw Unexpected() }
        #expect(activation.leaving.isEmpty && books["a"].model == nil && !books["a"].isResting)
    }

    @Test("a resting model is not moved back if its files have changed") func changedFiles() throws {
        var books = ModelInventory(offers("a", onGPU: true))
        try load("a", &books, stamp: "1")
        books.identified("a", "sha256:1", stamp: "1")
        books.deactivated(try #require(try books.unload("a")), rests: true)
        #expect(books["a"].digest == "sha256:1")
        guard case .activate(let activation) = books.ask(for: "a", stamp: "2") else { throw Unexpected() }
        #expect(!activation.wakes && books["a"].model == nil && books["a"].digest == nil)
        // The digest of files that have been replaced arrives too late.
        books.identified("a", "sha256:1", stamp: "1")
        #expect(books["a"].digest == nil)
    }

    @Test("no model rests if this is switched off, or it cannot") func noResting() throws {
        var books = ModelInventory(offers("a", onGPU: true), budget: .init(rests: false))
        try load("a", &books)
        #expect(try #require(try books.unload("a")).rests == false)
    }
}

extension ModelInventory.Deactivation: Equatable {
    public static func == (one: Self, other: Self) -> Bool { one.change === other.change }
}
