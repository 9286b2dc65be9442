@testable import Chatterbox

/// An engine whose clock is a number and whose work only takes time: it shows the results of the scheduler's decisions.
struct FakeEngine {
    /// A request with several texts, spoken one after the other.
    struct Request {
        var arrival = 0.0
        var priority = SpeechPriority.interactive
        /// The number of speech tokens of each utterance.
        var utterances = [100]
        /// The number of tokens that become sound together; 25 are a second.
        var chunk = 25
        /// The seconds of each unit for the sound of a chunk.
        var units = [0.08, 0.05]
        /// Whether tokens are drawn while the sound of earlier ones is computed.
        var isStreaming = true
        /// Whether sound is consumed as fast as it is played, with two seconds buffered; otherwise all at once.
        var isPlayed = true
        /// When the request is cancelled.
        var leaves = Double.infinity
        var room = Admission.Room(positions: 500, slots: 1)
    }

    /// The result of a request.
    struct Outcome: Equatable {
        /// Seconds from the arrival to the first sound.
        var firstSound: Double?
        /// The seconds in which a listener who plays at once has no sound, between the first sound and the last.
        var silence = 0.0
        /// The time of its last sound.
        var end: Double?
        /// The longest time for which it could have run and did not.
        var longestWait = 0.0
        var longestWaitForRoom = 0.0
    }

    private struct Progress {
        let request: Request
        var id: Scheduler.ID?
        var isOver = false
        var utterance = 0, tokens = 0, chunkedTokens = 0
        var holdsRoom = false
        /// Units to be run, each with the seconds of sound that it gives.
        var units: [(cost: Double, sound: Double)] = []
        var playedUntil: Double?
        var stepSince: Double?, unitSince: Double?, roomSince: Double?
        var outcome = Outcome()

        var isDrawn: Bool { tokens == request.utterances[utterance] }
    }

    /// The seconds of a step, and of each sequence in it.
    var stepCost = 0.012, rowCost = 0.0015

    private(set) var scheduler: Scheduler
    private(set) var time = 0.0
    /// Violations of the rules.
    private(set) var violations: [String] = []
    /// Plans in order.
    private(set) var plans: [Scheduler.Plan] = []
    private let group: Scheduler.Group
    private let limit: Admission.Room
    private var progress: [Progress]

    init(
        _ requests: [Request], limit: Admission.Room = .init(positions: 100_000, slots: 64), batchLimit: Admission.Room? = nil,
        rules: Scheduler.Rules = .init()
    ) {
        scheduler = Scheduler(rules: rules)
        self.limit = limit
        group = scheduler.addGroup(limit: limit, batchLimit: batchLimit)
        progress = requests.sorted { $0.arrival < $1.arrival }.map { Progress(request: $0) }
    }

    /// In order of arrival.
    var outcomes: [Outcome] { progress.map(\.outcome) }
    func id(_ number: Int) -> Scheduler.ID? { progress[number].id }
    var isIdle: Bool { progress.allSatisfy(\.isOver) }

    mutating func run(until end: Double = .infinity) throws {
        while time < end {
            try arriveAndLeave()
            for number in progress.indices { updateNeed(of: number) }
            guard let plan = scheduler.next(at: time) else {
                check(plan: nil)
                guard let next = nextEvent else { return }
                time = next
                continue
            }
            check(plan: plan)
            plans.append(plan)
            try perform(plan)
        }
    }

    // MARK: arrival and cancellation

    private mutating func arriveAndLeave() throws {
        for number in progress.indices where !progress[number].isOver && progress[number].request.arrival <= time {
            if progress[number].id == nil {
                progress[number].id = scheduler.open(progress[number].request.priority)
                try askForRoom(number)
            }
            if progress[number].request.leaves <= time { close(number) }
        }
    }

    private mutating func askForRoom(_ number: Int) throws {
        progress[number].roomSince = time
        progress[number].holdsRoom = false
        grant(try scheduler.ask(for: progress[number].request.room, progress[number].id!, in: group, at: time))
    }

    private mutating func grant(_ number: Int) {
        let wait = time - progress[number].roomSince!
        progress[number].outcome.longestWaitForRoom = max(progress[number].outcome.longestWaitForRoom, wait)
        progress[number].holdsRoom = true
        let rooms = progress.filter(\.holdsRoom).map(\.request.room)
        let used = rooms.reduce(Admission.Room(positions: 0, slots: 0), +)
        if !used.fits(in: limit) { violations.append("\(used) is granted, the limit is \(limit)") }
    }

    private mutating func grant(_ ids: [Scheduler.ID]) {
        for id in ids {
            guard let number = progress.firstIndex(where: { $0.id == id && !$0.isOver && !$0.holdsRoom }) else {
                violations.append("room is given to one that does not wait for it")
                continue
            }
            grant(number)
        }
    }

    private mutating func close(_ number: Int) {
        progress[number].isOver = true
        progress[number].holdsRoom = false
        grant(scheduler.close(progress[number].id!, at: time))
    }

    // MARK: what requests wait for

    private func unplayed(_ number: Int) -> Double { (progress[number].playedUntil ?? time) - time }

    /// Whether the consumer has taken so much that more may be computed, up to rounding.
    private func hasRoom(_ number: Int) -> Bool { !progress[number].request.isPlayed || unplayed(number) < 2 + 1e-9 }

    private mutating func updateNeed(of number: Int) {
        guard let id = progress[number].id, !progress[number].isOver else { return }
        let state = progress[number]
        let isOpen = hasRoom(number)
        let hasUnits = !state.units.isEmpty
        let steps = isOpen && !state.isDrawn && (state.request.isStreaming ? state.units.count <= state.request.units.count : !hasUnits)
        let need = Scheduler.Need(step: steps ? group : nil, unit: isOpen && hasUnits)
        scheduler.wait(id, for: need, at: time)
        progress[number].stepSince = steps && state.holdsRoom ? state.stepSince ?? time : nil
        progress[number].unitSince = need.unit ? state.unitSince ?? time : nil
    }

    private var nextEvent: Double? {
        var events = progress.filter { $0.id == nil }.map(\.request.arrival)
        for number in progress.indices where progress[number].id != nil && !progress[number].isOver {
            events.append(progress[number].request.leaves)
            if progress[number].request.isPlayed { events.append(time + unplayed(number) - 2) }
        }
        return events.filter { $0 > time && $0 < .infinity }.min()
    }

    // MARK: work

    private mutating func perform(_ plan: Scheduler.Plan) throws {
        switch plan {
        case .unit(let id):
            guard let number = progress.firstIndex(where: { $0.id == id }), let unit = progress[number].units.first else { return }
            progress[number].units.removeFirst()
            time += unit.cost
            if unit.sound > 0 { deliver(unit.sound, number) }
            progress[number].unitSince = nil
            try finishUtterance(number)
        case .step(_, let ids):
            time += stepCost + rowCost * Double(ids.count)
            for id in ids {
                guard let number = progress.firstIndex(where: { $0.id == id }) else { continue }
                progress[number].tokens += 1
                progress[number].stepSince = nil
                endChunk(number)
            }
        }
    }

    /// Creates units for the tokens since the last chunk, if there are enough or they are the last.
    private mutating func endChunk(_ number: Int) {
        let request = progress[number].request
        let count = progress[number].tokens - progress[number].chunkedTokens
        guard count == request.chunk || progress[number].isDrawn else { return }
        progress[number].chunkedTokens += count
        for (index, cost) in request.units.enumerated() {
            progress[number].units.append((cost, index == request.units.count - 1 ? Double(count) / 25 : 0))
        }
    }

    private mutating func deliver(_ seconds: Double, _ number: Int) {
        scheduler.deliver(seconds, for: progress[number].id!, at: time)
        if let until = progress[number].playedUntil {
            progress[number].outcome.silence += max(0, time - until)
        } else {
            progress[number].outcome.firstSound = time - progress[number].request.arrival
        }
        progress[number].playedUntil = max(progress[number].playedUntil ?? time, time) + seconds
        progress[number].outcome.end = time
    }

    private mutating func finishUtterance(_ number: Int) throws {
        guard progress[number].isDrawn, progress[number].units.isEmpty else { return }
        guard progress[number].utterance + 1 < progress[number].request.utterances.count else { return close(number) }
        progress[number].utterance += 1
        progress[number].tokens = 0
        progress[number].chunkedTokens = 0
        try askForRoom(number)
    }

    // MARK: rules

    /// Checks that every plan contains requests that can run, and that there is a plan if any can.
    private mutating func check(plan: Scheduler.Plan?) {
        func canStep(_ state: Progress) -> Bool { !state.isOver && state.stepSince != nil }
        func canDoUnit(_ state: Progress) -> Bool { !state.isOver && state.unitSince != nil }
        let isBatch = { (state: Progress) in state.request.priority == .batch }
        let runnable = progress.filter { canStep($0) || canDoUnit($0) }
        var served: [Progress] = []
        switch plan {
        case nil:
            if !runnable.isEmpty { violations.append("nothing is planned at \(time), though \(runnable.count) can run") }
        case .unit(let id):
            served = progress.filter { $0.id == id }
            if !served.allSatisfy(canDoUnit) || served.count != 1 { violations.append("a unit is planned that nobody waits for") }
        case .step(_, let ids):
            served = progress.filter { state in state.id.map(ids.contains) ?? false }
            if !served.allSatisfy(canStep) || served.count != ids.count || ids.isEmpty {
                violations.append("a step is planned for one that does not wait for it")
            }
            let others = progress.filter { canStep($0) && !isBatch($0) && !ids.contains($0.id!) }
            if !others.isEmpty { violations.append("a step leaves out \(others.count) that wait for it") }
        }
        if !served.isEmpty, served.allSatisfy(isBatch), runnable.contains(where: { !isBatch($0) }) {
            violations.append("a batch request is served before an interactive one")
        }
        for number in progress.indices where !progress[number].isOver {
            for since in [progress[number].stepSince, progress[number].unitSince] {
                guard let since else { continue }
                progress[number].outcome.longestWait = max(progress[number].outcome.longestWait, time - since)
            }
        }
    }
}
