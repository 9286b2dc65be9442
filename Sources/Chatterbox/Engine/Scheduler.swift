/// Decides what the compute thread does next. It uses no clock, thread or model; the loop passes it what happened and when, in seconds.
///
/// Interactive requests are served in this order:
/// 1. the request that can run and has waited longest, if longer than ``Rules/patience``;
/// 2. a listener who will run out of sound soon (``Rules/reserve``), first the one with least sound left;
/// 3. a request without sound so far: first the first unit of each, so that it joins the steps of the others, then in order of arrival;
/// 4. all others, first the one with least sound left.
///
/// A new request therefore gets its first sound at once, unless a listener's sound would be interrupted for it. Only listeners without an
/// interruption so far have this priority: a listener whose last sound came too late waits behind new requests. Batch requests are processed in order
/// of arrival while no interactive one can run; they also take part in steps that run for others, which then cost little more.
struct Scheduler: Sendable {
    /// A request, in order of arrival.
    struct ID: Hashable, Comparable, Sendable {
        fileprivate let number: Int

        static func < (a: Self, b: Self) -> Bool { a.number < b.number }
    }

    /// A model, whose requests are decoded in common steps.
    struct Group: Hashable, Sendable {
        fileprivate let number: Int
    }

    /// What a request waits for. With both, its unit has priority, because it becomes sound.
    struct Need: Hashable, Sendable {
        /// Its part in the next step of this model's decoder; it cannot run before the request has room.
        var step: Group?
        /// A unit of its own work: its coroutine is runnable.
        var unit: Bool

        static let nothing = Need(step: nil, unit: false)
        static let unit = Need(step: nil, unit: true)
        static func step(_ group: Group) -> Need { Need(step: group, unit: false) }
    }

    /// What has to be done next.
    enum Plan: Hashable, Sendable {
        /// One common step of a model for these requests, in order of arrival.
        case step(Group, [ID])
        case unit(ID)
    }

    struct Rules: Sendable {
        /// The seconds of unplayed sound below which a listener has priority over requests without sound: as long as computing the next sound takes,
        /// beside others.
        var reserve = 0.5
        /// The seconds that a request waits, multiplied by the number of requests that can run, until it has priority over all others of its class.
        /// With units of at most 0.1 s this takes at most a tenth of the device's time.
        var patience = 1.0
        /// The seconds for which a request that waits for room may be overtaken by smaller ones.
        var overtaking = 1.0
        /// The seconds of unplayed sound from which on a request waits for room for its next utterance behind others.
        var plenty = 10.0
        /// Whether batch requests take part in steps that run for interactive ones.
        var batchRidesAlong = true
    }

    private struct Ticket {
        let priority: SpeechPriority
        var need = Need.nothing
        /// The times since which its step and its unit could have run.
        var stepSince = 0.0, unitSince = 0.0
        /// When a listener who plays at once will have heard everything; nil before the first sound.
        var endOfSound: Double?
        /// Whether its last sound came before the listener had played all earlier sound.
        var isInTime = true
        /// Whether one of its units has run.
        var hasBegun = false
    }

    private let rules: Rules
    private var tickets: [ID: Ticket] = [:]
    private var admissions: [Group: Admission] = [:]
    private var nextNumber = 0

    init(rules: Rules = Rules()) { self.rules = rules }

    // MARK: models

    /// - Parameter batchLimit: the largest room of all batch requests together; nil for no limit.
    mutating func addGroup(limit: Admission.Room, batchLimit: Admission.Room? = nil) -> Group {
        let group = Group(number: takeNumber())
        admissions[group] = Admission(limit: limit, batchLimit: batchLimit, overtaking: rules.overtaking)
        return group
    }

    /// No request may have room in it or wait for it.
    mutating func removeGroup(_ group: Group) {
        precondition(admissions.removeValue(forKey: group)?.isEmpty == true, "a group is removed once, when no request uses it")
    }

    private mutating func takeNumber() -> Int {
        nextNumber += 1
        return nextNumber
    }

    // MARK: requests

    /// Takes in a request, which waits for nothing yet.
    mutating func open(_ priority: SpeechPriority) -> ID {
        let id = ID(number: takeNumber())
        tickets[id] = Ticket(priority: priority)
        return id
    }

    /// Removes a request that has ended or is cancelled; no plan contains it from now on.
    ///
    /// - Returns: the waiting requests that get room.
    mutating func close(_ id: ID, at time: Double) -> [ID] {
        precondition(tickets.removeValue(forKey: id) != nil, "a ticket is closed once")
        return admissions.keys.sorted { $0.number < $1.number }.flatMap { release(id, in: $0, at: time) }
    }

    /// Sets what a request waits for.
    mutating func wait(_ id: ID, for need: Need, at time: Double) {
        change(id) {
            if need.step != $0.need.step { $0.stepSince = time }
            if need.unit != $0.need.unit { $0.unitSince = time }
            $0.need = need
        }
    }

    /// Records that this many seconds of sound were delivered to a request's consumer.
    mutating func deliver(_ seconds: Double, for id: ID, at time: Double) {
        change(id) {
            $0.isInTime = $0.endOfSound.map { time < $0 } ?? true
            $0.endOfSound = max($0.endOfSound ?? time, time) + seconds
        }
    }

    /// Seconds of sound that a listener who plays at once has not heard yet, at least 0; nil before the first sound.
    func unplayed(_ id: ID, at time: Double) -> Double? { tickets[id]?.endOfSound.map { max(0, $0 - time) } }

    private mutating func change(_ id: ID, _ body: (inout Ticket) -> Void) {
        guard var ticket = tickets[id] else { preconditionFailure("the ticket is not open") }
        body(&ticket)
        tickets[id] = ticket
    }

    // MARK: room

    /// Requests room in a model's decoder; a request that has room exchanges it, for its next utterance.
    ///
    /// In this way a listener has priority until its speech ends. A request with much unplayed sound (a file that is being written) waits behind
    /// others instead.
    ///
    /// - Returns: the requests that get room: this one, unless it must wait until a later call returns it, and others if it has less than before.
    /// - Throws: ``AdmissionError`` if there will never be enough room; the request keeps the room that it has.
    mutating func ask(for room: Admission.Room, _ id: ID, in group: Group, at time: Double) throws -> [ID] {
        guard let priority = tickets[id]?.priority, admissions[group] != nil else {
            preconditionFailure("the ticket or the group is not open")
        }
        let keepsPlace = priority == .batch || (unplayed(id, at: time) ?? 0) < rules.plenty
        return begin(try admissions[group]!.ask(for: room, id, priority, keepsPlace: keepsPlace, at: time), at: time)
    }

    /// Releases a request's room, or stops its waiting.
    ///
    /// - Returns: the waiting requests that get room.
    mutating func release(_ id: ID, in group: Group, at time: Double) -> [ID] {
        begin(admissions[group]?.release(id, at: time) ?? [], at: time)
    }

    private mutating func begin(_ admitted: [ID], at time: Double) -> [ID] {
        for id in admitted { change(id) { $0.stepSince = time } }
        return admitted
    }

    // MARK: the plan

    /// What has to be done now; nil if nothing can run. The requests in the plan count as served.
    mutating func next(at time: Double) -> Plan? {
        for priority in [SpeechPriority.interactive, .batch] {
            guard let choice = choice(of: priority, at: time) else { continue }
            let plan: Plan
            switch choice.work {
            case .unit: plan = .unit(choice.id)
            case .step(let group):
                plan = .step(group, riders(in: group, withBatch: priority == .batch || rules.batchRidesAlong))
            }
            serve(plan, at: time)
            return plan
        }
        return nil
    }

    private enum Work { case unit, step(Group) }

    /// A possible action for one request.
    private struct Choice {
        let id: ID
        let ticket: Ticket
        let work: Work
        let since: Double
    }

    private func choice(of priority: SpeechPriority, at time: Double) -> Choice? {
        var choices: [Choice] = []
        for (id, ticket) in tickets where ticket.priority == priority {
            if ticket.need.unit { choices.append(Choice(id: id, ticket: ticket, work: .unit, since: ticket.unitSince)) }
            if let group = ticket.need.step, canStep(id, in: group) {
                choices.append(Choice(id: id, ticket: ticket, work: .step(group), since: ticket.stepSince))
            }
        }
        let patience = rules.patience * Double(choices.count)
        return choices.map { (urgency: urgency($0, patience, time), choice: $0) }.min { $0.urgency < $1.urgency }?.choice
    }

    private func canStep(_ id: ID, in group: Group) -> Bool { admissions[group]?.holdsRoom(id) == true }

    /// The smallest value comes first: the rule that applies, a number within the rule, the order of arrival, units before steps.
    private func urgency(_ choice: Choice, _ patience: Double, _ time: Double) -> (Int, Double, ID, Int) {
        let (rule, number) = standing(choice, patience, time)
        let isStep = if case .step = choice.work { 1 } else { 0 }
        return (rule, number, choice.id, isStep)
    }

    private func standing(_ choice: Choice, _ patience: Double, _ time: Double) -> (rule: Int, number: Double) {
        let ticket = choice.ticket
        if time - choice.since >= patience { return (1, choice.since) }
        guard ticket.priority == .interactive, let end = ticket.endOfSound else {
            if case .unit = choice.work, !ticket.hasBegun { return (3, 0) }
            return (3, 1)
        }
        let isSaved = ticket.isInTime && end > time && end - time < rules.reserve
        return (isSaved ? 2 : 4, end)
    }

    private func riders(in group: Group, withBatch: Bool) -> [ID] {
        tickets.filter { id, ticket in
            ticket.need.step == group && canStep(id, in: group) && (withBatch || ticket.priority == .interactive)
        }.keys.sorted()
    }

    private mutating func serve(_ plan: Plan, at time: Double) {
        switch plan {
        case .unit(let id): change(id) { ($0.unitSince, $0.hasBegun) = (time, true) }
        case .step(_, let ids): for id in ids { change(id) { $0.stepSince = time } }
        }
    }
}
