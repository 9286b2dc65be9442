/// Who has room in a model's decoder, and who waits for it.
///
/// Interactive requests come first, and each class is served in the order in which it asked. One that needs more room than
/// is left may be overtaken by smaller ones of its class, but only for a while: then room is kept until it fits. One that
/// holds room and exchanges it, for its next utterance, goes ahead of all who wait.
struct Admission: Sendable {
    typealias ID = Scheduler.ID

    /// What all together, or one of them, may hold.
    struct Room: Hashable, Sendable {
        /// Rows of keys and values in the decoder's cache.
        var positions: Int
        /// Sequences that are decoded side by side.
        var slots: Int
    }

    let limit: Room
    /// The most that batch requests may hold together, so that an interactive one finds room at once.
    let batchLimit: Room

    private struct Claim {
        let id: ID
        let room: Room
        let priority: SpeechPriority
        let since: Double
        /// Whether it goes ahead of those that wait, and nobody ahead of it.
        let isKept: Bool
    }

    private let overtaking: Double
    private var waiting: [Claim] = []
    private var holding: [ID: Claim] = [:]
    private var used = Room(positions: 0, slots: 0)
    private var usedByBatch = Room(positions: 0, slots: 0)

    /// - Parameter overtaking: for how many seconds of waiting smaller requests may go ahead.
    init(limit: Room, batchLimit: Room? = nil, overtaking: Double = 1) {
        self.limit = limit
        self.batchLimit = batchLimit ?? limit
        self.overtaking = overtaking
    }

    /// Whether nobody holds room or waits for it.
    var isEmpty: Bool { waiting.isEmpty && holding.isEmpty }

    func holdsRoom(_ id: ID) -> Bool { holding[id] != nil }

    /// Asks for room, in exchange for what the request holds.
    ///
    /// - Parameter keepsPlace: whether one that holds room goes ahead of all of its class who wait.
    /// - Returns: who has room now: the request, unless it must wait, and others if it gives some up.
    /// - Throws: ``AdmissionError`` where there never will be as much.
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

    /// Gives up what is held or waited for, if anything is.
    ///
    /// - Returns: who has room now, in the order of asking.
    mutating func release(_ id: ID, at time: Double) -> [ID] {
        _ = giveUp(id)
        waiting.removeAll { $0.id == id }
        return admit(at: time)
    }

    /// Whether it held any.
    private mutating func giveUp(_ id: ID) -> Bool {
        guard let claim = holding.removeValue(forKey: id) else { return false }
        used -= claim.room
        if claim.priority == .batch { usedByBatch -= claim.room }
        return true
    }

    private mutating func admit(at time: Double) -> [ID] {
        var admitted: [ID] = []
        for priority in [SpeechPriority.interactive, .batch] {
            // Batch requests would take the room for which an interactive one waits.
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
    /// What a text may come to, all in positions: the conditions' prefix, the text, and as many speech tokens as it may draw.
    /// With guidance two sequences are decoded.
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
