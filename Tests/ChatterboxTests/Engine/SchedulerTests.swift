import TestSupport
import Testing

@testable import Chatterbox

@Suite("Scheduler") struct SchedulerTests {
    private var scheduler = Scheduler()
    private let group: Scheduler.Group

    init() { group = scheduler.addGroup(limit: .init(positions: 1000, slots: 16)) }

    private mutating func open(
        _ need: Scheduler.Need = .unit, _ priority: SpeechPriority = .interactive, at time: Double = 0, sound: Double? = nil
    ) throws -> Scheduler.ID {
        let id = scheduler.open(priority)
        if let group = need.step { _ = try scheduler.ask(for: .init(positions: 10, slots: 1), id, in: group, at: time) }
        if let sound { scheduler.deliver(sound, for: id, at: time) }
        scheduler.wait(id, for: need, at: time)
        return id
    }

    // MARK: order

    @Test("there is no plan if nothing can run") mutating func idle() throws {
        #expect(scheduler.next(at: 0) == nil)
        _ = try open(.nothing)
        #expect(scheduler.next(at: 0) == nil)
    }

    @Test("new requests are served in order of arrival") mutating func arrival() throws {
        let first = try open(), second = try open(at: 0.1)
        #expect(scheduler.next(at: 0.2) == .unit(first))
        scheduler.wait(first, for: .nothing, at: 0.2)
        #expect(scheduler.next(at: 0.2) == .unit(second))
    }

    @Test("the first unit of a request without sound precedes the steps of earlier ones, which it can then share")
    mutating func joining() throws {
        let first = try open(.step(group)), second = try open(at: 0.1), third = try open(at: 0.2)
        #expect(scheduler.next(at: 0.3) == .unit(second))
        #expect(scheduler.next(at: 0.3) == .unit(third))
        // The next unit of the second request waits.
        #expect(scheduler.next(at: 0.3) == .step(group, [first]))
        for id in [second, third] {
            _ = try scheduler.ask(for: .init(positions: 10, slots: 1), id, in: group, at: 0.3)
            scheduler.wait(id, for: .step(group), at: 0.3)
        }
        #expect(scheduler.next(at: 0.4) == .step(group, [first, second, third]))
    }

    @Test("a new request precedes listeners with enough sound") mutating func newFirst() throws {
        _ = try open(sound: 1)
        let new = try open(at: 0.1)
        #expect(scheduler.next(at: 0.1) == .unit(new))
    }

    @Test("a listener who would run out of sound precedes a new request") mutating func rescue() throws {
        let listener = try open(sound: 1)
        _ = try open(at: 0.1)
        #expect(scheduler.next(at: 0.9) == .unit(listener))
    }

    @Test("a listener whose sound came too late waits behind a new request, until it is in time again")
    mutating func lostCause() throws {
        let listener = try open(sound: 1)
        scheduler.deliver(1, for: listener, at: 2)
        #expect(scheduler.next(at: 2) == .unit(listener))
        let new = try open(at: 2)
        #expect(scheduler.next(at: 2.9) == .unit(new))
        scheduler.deliver(1, for: listener, at: 2.9)
        #expect(scheduler.next(at: 3.8) == .unit(listener))
    }

    @Test("of two listeners the one with least sound left is served") mutating func leastSound() throws {
        let rich = try open(sound: 5), poor = try open(sound: 2)
        #expect(scheduler.next(at: 0.5) == .unit(poor))
        scheduler.deliver(10, for: poor, at: 0.6)
        #expect(scheduler.next(at: 0.6) == .unit(rich))
    }

    @Test("after an interruption a listener plays from where the sound stopped") mutating func unplayed() throws {
        let id = try open()
        #expect(scheduler.unplayed(id, at: 0) == nil)
        scheduler.deliver(1, for: id, at: 0)
        #expect(scheduler.unplayed(id, at: 0.25) == 0.75)
        #expect(scheduler.unplayed(id, at: 3) == 0)
        scheduler.deliver(2, for: id, at: 3)
        #expect(scheduler.unplayed(id, at: 4) == 1)
    }

    // MARK: steps

    @Test("a step includes all requests that wait for it, and has the urgency of the most urgent") mutating func step() throws {
        let rich = try open(.step(group), sound: 8)
        _ = try open(.unit, sound: 2)
        let other = try open(.nothing)
        let new = try open(.step(group))
        #expect(scheduler.next(at: 0) == .step(group, [rich, new]))
        _ = other
    }

    @Test("models have separate steps") mutating func groups() throws {
        let other = scheduler.addGroup(limit: .init(positions: 1000, slots: 16))
        let first = try open(.step(group)), second = try open(.step(other))
        #expect(scheduler.next(at: 0) == .step(group, [first]))
        scheduler.wait(first, for: .nothing, at: 0)
        #expect(scheduler.next(at: 0) == .step(other, [second]))
    }

    @Test("a request that waits for both gets its unit first, and then its step") mutating func both() throws {
        let id = try open(.init(step: group, unit: true))
        #expect(scheduler.next(at: 0) == .unit(id))
        let late = try open(.step(group), at: 0.1)
        scheduler.wait(id, for: .step(group), at: 0.1)
        #expect(scheduler.next(at: 0.1) == .step(group, [id, late]))
    }

    @Test("a request without room is in no step") mutating func withoutRoom() throws {
        var scheduler = Scheduler()
        let group = scheduler.addGroup(limit: .init(positions: 100, slots: 1))
        let first = scheduler.open(.interactive), second = scheduler.open(.interactive)
        #expect(try scheduler.ask(for: .init(positions: 10, slots: 1), first, in: group, at: 0) == [first])
        #expect(try scheduler.ask(for: .init(positions: 10, slots: 1), second, in: group, at: 0) == [])
        scheduler.wait(second, for: .step(group), at: 0)
        #expect(scheduler.next(at: 0) == nil)
        scheduler.wait(first, for: .step(group), at: 0)
        #expect(scheduler.next(at: 0) == .step(group, [first]))
        #expect(scheduler.close(first, at: 1) == [second])
        #expect(scheduler.next(at: 1) == .step(group, [second]))
    }

    // MARK: classes

    @Test("a batch request runs only while no interactive one can, however long it waits") mutating func batch() throws {
        let batch = try open(.unit, .batch), listener = try open(.unit, sound: 1000)
        for time in 0..<200 { #expect(scheduler.next(at: Double(time)) == .unit(listener)) }
        scheduler.wait(listener, for: .nothing, at: 200)
        #expect(scheduler.next(at: 200) == .unit(batch))
    }

    @Test("a batch request takes part in others' steps, if this is allowed", arguments: [true, false])
    mutating func ridesAlong(_ ridesAlong: Bool) throws {
        var rules = Scheduler.Rules()
        rules.batchRidesAlong = ridesAlong
        var scheduler = Scheduler(rules: rules)
        let group = scheduler.addGroup(limit: .init(positions: 100, slots: 4))
        let batch = scheduler.open(.batch), listener = scheduler.open(.interactive)
        for id in [batch, listener] {
            #expect(try scheduler.ask(for: .init(positions: 10, slots: 1), id, in: group, at: 0) == [id])
            scheduler.wait(id, for: .step(group), at: 0)
        }
        #expect(scheduler.next(at: 0) == .step(group, ridesAlong ? [batch, listener] : [listener]))
        scheduler.wait(listener, for: .nothing, at: 0)
        #expect(scheduler.next(at: 0) == .step(group, [batch]))
    }

    // MARK: waiting and cancellation

    @Test("a request that has waited long enough goes first; the time grows with the number of requests that can run") mutating func ageing() throws {
        let rich = try open(sound: 1000), new = try open()
        #expect(scheduler.next(at: 1.9) == .unit(new))
        #expect(scheduler.next(at: 2) == .unit(rich))
        #expect(scheduler.next(at: 2.1) == .unit(new))
    }

    @Test("a closed request is in no plan") mutating func close() throws {
        let first = try open(.step(group)), second = try open(.step(group))
        #expect(scheduler.close(first, at: 0) == [])
        #expect(scheduler.next(at: 0) == .step(group, [second]))
        #expect(scheduler.close(second, at: 0) == [])
        #expect(scheduler.next(at: 0) == nil)
        scheduler.removeGroup(group)
    }

    // MARK: an engine

    /// Hundreds of sentences, read as fast as they are computed.
    private static func book(_ priority: SpeechPriority = .interactive, isPlayed: Bool = false) -> FakeEngine.Request {
        .init(priority: priority, utterances: Array(repeating: 150, count: 300), units: [0.1, 0.1, 0.06], isPlayed: isPlayed)
    }

    @Test(
        "a sentence beside a long text is delivered at most 200 ms later than alone",
        arguments: [(SpeechPriority.interactive, false), (.interactive, true), (.batch, false)])
    func bookBesideSentence(_ priority: SpeechPriority, isPlayed: Bool) throws {
        for number in 0..<20 {
            let sentence = FakeEngine.Request(arrival: 3 + 0.0377 * Double(number), utterances: [60], units: [0.1, 0.1, 0.06])
            var alone = FakeEngine([sentence])
            try alone.run()
            var beside = FakeEngine([Self.book(priority, isPlayed: isPlayed), sentence])
            try beside.run(until: 6)
            let added = try #require(beside.outcomes[1].firstSound) - #require(alone.outcomes[0].firstSound)
            #expect(added <= 0.2, "\(added) s, arrival \(sentence.arrival)")
            #expect(beside.outcomes[1].silence == 0)
            #expect(beside.violations.isEmpty)
        }
    }

    @Test("a long text that is computed more slowly than it is played does not delay other sentences") func slowBook() throws {
        var book = Self.book()
        book.units = Array(repeating: 0.1, count: 9)
        let sentence = FakeEngine.Request(arrival: 20.05, utterances: [50], units: book.units)
        var alone = FakeEngine([sentence])
        try alone.run()
        var beside = FakeEngine([book, sentence])
        try beside.run(until: 25)
        #expect(beside.outcomes[0].silence > 1)
        #expect(try #require(beside.outcomes[1].firstSound) - #require(alone.outcomes[0].firstSound) <= 0.2)
    }

    @Test("eight listeners whom the device can serve never run out of sound", arguments: [0, 0.05, 0.3])
    func eightListeners(apart: Double) throws {
        // A step of eight takes 24 ms and gives 8 × 40 ms of sound; with the units, 1.2 times real time in all.
        var engine = FakeEngine(
            (0..<8).map {
                .init(arrival: apart * Double($0), utterances: Array(repeating: 125, count: 8), units: [0.02, 0.008])
            })
        try engine.run()
        #expect(engine.isIdle)
        #expect(engine.violations.isEmpty)
        for outcome in engine.outcomes {
            #expect(outcome.silence == 0)
            #expect(try #require(outcome.firstSound) < 1.5)
        }
    }

    @Test("a new request every 50 ms, more than the device can compute, does not interrupt a listener's sound") func flood() throws {
        let listener = FakeEngine.Request(utterances: Array(repeating: 75, count: 5), units: [0.05, 0.02])
        let others = (0..<120).map {
            FakeEngine.Request(arrival: 2 + 0.05 * Double($0), utterances: [25], units: [0.1, 0.05], leaves: 3.5 + 0.05 * Double($0))
        }
        var engine = FakeEngine([listener] + others, limit: .init(positions: 100_000, slots: 8))
        try engine.run()
        #expect(engine.violations.isEmpty)
        #expect(engine.outcomes[0].silence == 0)
        #expect(engine.outcomes[1...].contains { $0.firstSound != nil })
    }

    @Test("with listeners that come and go at random, waiting is bounded, plans contain only requests that can run, and all are spoken")
    func property() {
        search(rounds: 30) { random in
            let count = 2 + random.below(24)
            let longest = 0.02 + 0.08 * Double(random.below(100)) / 100
            let requests = (0..<count).map { _ in
                FakeEngine.Request(
                    arrival: Double(random.below(8000)) / 1000,
                    priority: random.below(4) == 0 ? .batch : .interactive,
                    utterances: (0...random.below(4)).map { _ in 1 + random.below(200) },
                    chunk: 20 + random.below(80),
                    units: (0...random.below(5)).map { _ in longest * Double(1 + random.below(100)) / 100 },
                    isStreaming: random.below(2) == 0, isPlayed: random.below(2) == 0,
                    leaves: random.below(3) == 0 ? Double(random.below(20000)) / 1000 : .infinity,
                    room: .init(positions: 50 + random.below(2000), slots: 1 + random.below(2)))
            }
            var engine = FakeEngine(
                requests, limit: .init(positions: 2100 + random.below(4000), slots: 2 + random.below(14)),
                batchLimit: random.below(2) == 0 ? nil : .init(positions: 2050, slots: 2))
            engine.stepCost = 0.001 * Double(1 + random.below(30))
            try engine.run()
            #expect(engine.violations == [])
            #expect(engine.isIdle)
            // Each request that can run waits for its patience, multiplied by their number, and then for the others' turns.
            let unit = max(longest, engine.stepCost + Double(count) * engine.rowCost)
            let bound = 2 * Double(count) * (1 + unit) + unit
            for (outcome, request) in zip(engine.outcomes, requests.sorted { $0.arrival < $1.arrival }) {
                if request.priority == .interactive { #expect(outcome.longestWait <= bound) }
                if request.leaves == .infinity { #expect(outcome.end != nil) }
            }
        }
    }
}
