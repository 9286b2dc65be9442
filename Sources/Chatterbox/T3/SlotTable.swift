import Synchronization

/// Which slots of a cache are taken. Sequences give theirs back wherever they are dropped.
final class SlotTable: Sendable {
    private let isTaken: Mutex<[Bool]>

    init(count: Int) { isTaken = Mutex(Array(repeating: false, count: count)) }

    /// Takes the first free slot.
    ///
    /// - Throws: `T3Error.noFreeSlots`.
    func reserve() throws -> Int {
        try isTaken.withLock { isTaken in
            guard let slot = isTaken.firstIndex(of: false) else { throw T3Error.noFreeSlots(wanted: 1, free: 0) }
            isTaken[slot] = true
            return slot
        }
    }

    /// Gives a slot back.
    func release(_ slot: Int) { isTaken.withLock { $0[slot] = false } }
}
