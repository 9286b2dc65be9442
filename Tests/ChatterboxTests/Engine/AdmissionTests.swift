import Testing

@testable import Chatterbox

@Suite("Admission") struct AdmissionTests {
    private var scheduler = Scheduler()
    private let group: Scheduler.Group

    init() { group = scheduler.addGroup(limit: .init(positions: 1000, slots: 4), batchLimit: .init(positions: 600, slots: 2)) }

    /// Returns whether there was room at once.
    private mutating func ask(
        _ positions: Int, slots: Int = 1, _ priority: SpeechPriority = .interactive, at time: Double = 0
    ) throws -> (id: Scheduler.ID, isGranted: Bool) {
        let id = scheduler.open(priority)
        return (id, try scheduler.ask(for: .init(positions: positions, slots: slots), id, in: group, at: time) == [id])
    }

    @Test("a text needs its prefix, its tokens and its limit, twice with guidance") func room() {
        #expect(Admission.Room(prefix: 34, text: 20, tokenLimit: 1000, isGuided: false) == .init(positions: 1054, slots: 1))
        #expect(Admission.Room(prefix: 34, text: 20, tokenLimit: 1000, isGuided: true) == .init(positions: 2108, slots: 2))
    }

    @Test("room is granted up to the limits of positions and of slots") mutating func limits() throws {
        #expect(try ask(600).isGranted)
        #expect(try !ask(401).isGranted)
        #expect(try ask(10, slots: 2).isGranted)
        #expect(try !ask(10, slots: 2).isGranted)
        #expect(try ask(10).isGranted)
        #expect(try !ask(10).isGranted)
    }

    @Test("a request that can never fit is refused with both numbers") mutating func tooLarge() throws {
        #expect(throws: AdmissionError(asked: .init(positions: 1001, slots: 1), limit: .init(positions: 1000, slots: 4))) {
            try ask(1001)
        }
        #expect(throws: AdmissionError(asked: .init(positions: 10, slots: 3), limit: .init(positions: 600, slots: 2))) {
            try ask(10, slots: 3, .batch)
        }
        #expect(try ask(1000, slots: 4).isGranted)
    }

    @Test("released room is given to waiting requests, in order, as far as it suffices") mutating func order() throws {
        let holder = try ask(900)
        let first = try ask(500), second = try ask(300), third = try ask(300)
        #expect(!first.isGranted && !second.isGranted && !third.isGranted)
        #expect(scheduler.release(holder.id, in: group, at: 0.5) == [first.id, second.id])
        #expect(scheduler.close(first.id, at: 0.6) == [third.id])
    }

    @Test("a smaller request may overtake a larger one for a second; then room is kept for the larger one")
    mutating func overtaking() throws {
        let holder = try ask(600)
        let large = try ask(900)
        #expect(!large.isGranted)
        let early = try ask(200, at: 0.9)
        #expect(early.isGranted)
        let late = try ask(200, at: 1)
        #expect(!late.isGranted)
        #expect(scheduler.close(early.id, at: 1.5) == [])
        #expect(scheduler.close(holder.id, at: 2) == [large.id])
        #expect(scheduler.close(large.id, at: 3) == [late.id])
    }

    @Test("when a request leaves the queue, those behind it get room") mutating func leave() throws {
        _ = try ask(600)
        let large = try ask(900), small = try ask(500, at: 0.1), smaller = try ask(400, at: 2)
        #expect(!small.isGranted && !smaller.isGranted)
        #expect(scheduler.close(large.id, at: 3) == [])
        #expect(scheduler.close(small.id, at: 3) == [smaller.id])
    }

    @Test("batch requests are limited to their share, and get no room while an interactive one waits") mutating func batch() throws {
        let batch = try ask(400, .batch)
        #expect(batch.isGranted)
        let second = try ask(300, .batch)
        #expect(!second.isGranted)
        let interactive = try ask(600)
        #expect(interactive.isGranted)
        let waiting = try ask(500, at: 0.5)
        #expect(scheduler.close(batch.id, at: 1) == [])
        #expect(scheduler.close(interactive.id, at: 2) == [waiting.id, second.id])
    }

    @Test("a listener exchanges its room before waiting requests, and others get what it releases") mutating func exchange() throws {
        let listener = try ask(800), other = try ask(200)
        let first = try ask(300), second = try ask(100)
        #expect(!first.isGranted && !second.isGranted)
        scheduler.deliver(3, for: listener.id, at: 1)
        #expect(try scheduler.ask(for: .init(positions: 500, slots: 1), listener.id, in: group, at: 2) == [listener.id, first.id])
        // It needs more than there is: nobody gets the room that it released, nor that of others, before it.
        #expect(try scheduler.ask(for: .init(positions: 700, slots: 1), listener.id, in: group, at: 3) == [])
        #expect(scheduler.close(other.id, at: 3.1) == [listener.id])
        #expect(scheduler.close(first.id, at: 3.2) == [second.id])
    }

    @Test("a request with much unplayed sound waits behind others for its next utterance") mutating func plenty() throws {
        let writer = try ask(800)
        let listener = try ask(500)
        scheduler.deliver(30, for: writer.id, at: 1)
        #expect(try scheduler.ask(for: .init(positions: 800, slots: 1), writer.id, in: group, at: 2) == [listener.id])
        #expect(scheduler.close(listener.id, at: 3) == [writer.id])
    }

    @Test("a request that can never get more room keeps what it has") mutating func refusedExchange() throws {
        let holder = try ask(600)
        #expect(throws: AdmissionError.self) { try scheduler.ask(for: .init(positions: 2000, slots: 1), holder.id, in: group, at: 1) }
        #expect(try !ask(500).isGranted)
    }

    @Test("a request can ask again after releasing its room") mutating func again() throws {
        let (id, isGranted) = try ask(600)
        #expect(isGranted)
        #expect(scheduler.release(id, in: group, at: 1) == [])
        #expect(try scheduler.ask(for: .init(positions: 1000, slots: 1), id, in: group, at: 1) == [id])
    }
}
