/// Decides which requests get room in a model's decoder, and which wait for it.
///
/// Interactive requests have priority, and each class is served in order of arrival. If there is not enough room for a request, smaller ones of its
/// class may overtake it, but only for a limited time: then room is kept free until it fits. A request that exchanges room, for its next utterance,
/// has priority over all waiting ones.
struct Admission: Sendable {
    typealias ID = Scheduler.ID

    /// The room of all requests together, or of one of them.
    struct Room: Hashable, Sendable {
        /// The number of positions of keys and values in the decoder's cache.
        var positions: Int
        /// The number of sequences that are decoded together.
        var slots: Int
    }

    let limit: Room
    /// The largest room of all batch requests together, so that interactive requests find room at once.
    let batchLimit: Room

    private struct Claim {
        let id: ID
        let room: Room
        let priority: SpeechPriority
        let since: Double
        /// Whether it has priority over waiting requests, and cannot be overtaken.
        let isKept: Bool
    }

    private let overtaking: Double
    private var waiting: [Claim] = []
    private var holding: [ID: Claim] = [:]
    private var used = Room(positions: 0, slots: 0)
    private var usedByBatch = Room(positions: 0, slots: 0)

    /// - Parameter overtaking: how many seconds a waiting request may be overtaken by smaller ones.
    init(limit: Room, batchLimit: Room? = nil, overtaking: Double = 1) {
        self.limit = limit
        self.batchLimit = batchLimit ?? limit
        self.overtaking = overtaking
    }

    /// Whether no request has room or waits for it.
    var isEmpty: Bool { waiting.isEmpty && holding.isEmpty }

    func holdsRoom(_ id: ID) -> Bool { holding[id] != nil }

    /// Requests room, in exchange for the room that the request has.
    ///
    /// - Parameter keepsPlace: whether a request that has room gets priority over all waiting ones of its class.
    /// - Returns: the requests that get room: this one, unless it must wait, and others if it gives some up.
    /// - Throws: ``AdmissionError`` if there will never be enough room.
    mutating func ask(
        for room: Room, _ id: ID, _ priority: SpeechPriority, keepsPlace: Bool = true, at time: Double
    ) throws -> [ID] {
        precondition(!waiting.contains { $0.id == id }, "a request that waits for room asks for no other")
        let most = priority == .batch ? batchLimit : limit
        guard room.fits(in: most) else { throw AdmissionError(asked: room, limit: most) }
        let isKept = giveUp(id) && keepsPlace
        let claim = Claim(id: id, room: room, priority: priority, since: time, isKept: isKept)
        let place = isKept ? waiting.firstIndex { !$0.isKept } : nil
        waiting.insert(claim, at: place ?? waiting.endIndex)
        return admit(at: time)
    }

    /// Releases the request's room, or stops its waiting.
    ///
    /// - Returns: the requests that get room, in order of arrival.
    mutating func release(_ id: ID, at time: Double) -> [ID] {
        _ = giveUp(id)
        waiting.removeAll { $0.id == id }
        return admit(at: time)
    }

    /// Returns whether it had room.
    private mutating func giveUp(_ id: ID) -> Bool {
        guard let claim = holding.removeValue(forKey: id) else { return false }
        used -= claim.room
        if claim.priority == .batch { usedByBatch -= claim.room }
        return true
    }

    private mutating func admit(at time: Double) -> [ID] {
        var admitted: [ID] = []
        for priority in [SpeechPriority.interactive, .batch] {
            // Batch requests would otherwise take the room for which an interactive one waits.
            guard priority == .interactive || !waiting.contains(where: { $0.priority == .interactive }) else { break }
            for claim in waiting where claim.priority == priority {
                if fits(claim) {
                    grant(claim)
                    admitted.append(claim.id)
                } else if claim.isKept || time - claim.since >= overtaking {
                    break
                }
            }
            waiting.removeAll { holding[$0.id] != nil }
        }
        return admitted
    }

    private func fits(_ claim: Claim) -> Bool {
        (used + claim.room).fits(in: limit) && (claim.priority == .interactive || (usedByBatch + claim.room).fits(in: batchLimit))
    }

    private mutating func grant(_ claim: Claim) {
        holding[claim.id] = claim
        used += claim.room
        if claim.priority == .batch { usedByBatch += claim.room }
    }
}

extension Admission.Room {
    /// The largest room of a text in positions: the conditions' prefix, the text, and the limit of speech tokens. With guidance two sequences are
    /// decoded.
    init(prefix: Int, text: Int, tokenLimit: Int, isGuided: Bool) {
        let slots = isGuided ? 2 : 1
        self.init(positions: slots * (prefix + text + tokenLimit), slots: slots)
    }

    func fits(in other: Self) -> Bool { positions <= other.positions && slots <= other.slots }

    static func + (a: Self, b: Self) -> Self { Self(positions: a.positions + b.positions, slots: a.slots + b.slots) }
    static func - (a: Self, b: Self) -> Self { Self(positions: a.positions - b.positions, slots: a.slots - b.slots) }
    static func += (a: inout Self, b: Self) { a = a + b }
    static func -= (a: inout Self, b: Self) { a = a - b }
}

/// A request that is larger than the decoder's whole cache.
public struct AdmissionError: Error, Hashable, CustomStringConvertible {
    /// Positions (rows of keys and values) and slots (parallel sequences) that the request needs.
    public let positions, slots: Int
    /// How many the decoder has.
    public let positionLimit, slotLimit: Int

    init(asked: Admission.Room, limit: Admission.Room) {
        (positions, slots, positionLimit, slotLimit) = (asked.positions, asked.slots, limit.positions, limit.slots)
    }

    public var description: String {
        "the text needs \(positions) positions and \(slots) slots of the decoder's cache, which has room for \(positionLimit) and \(slotLimit); "
            + "speak it in shorter pieces or with a lower token limit"
    }
}
