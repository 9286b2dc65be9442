/// Which slots of a cache are taken, and how long their sequences are.
struct SlotTable {
    /// Longest sequence a slot can hold.
    let capacity: Int
    /// Positions written so far, for each slot.
    private(set) var lengths: [Int]
    private var isReserved: [Bool]

    init(count: Int, capacity: Int) {
        self.capacity = capacity
        lengths = Array(repeating: 0, count: count)
        isReserved = Array(repeating: false, count: count)
    }

    /// Takes adjacent empty slots.
    ///
    /// - Throws: `T3Error.noFreeSlots`.
    mutating func reserve(_ count: Int) throws -> Range<Int> {
        var free = 0
        for slot in isReserved.indices {
            free = isReserved[slot] ? 0 : free + 1
            guard free == count else { continue }
            let slots = slot + 1 - count..<slot + 1
            for slot in slots {
                isReserved[slot] = true
                lengths[slot] = 0
            }
            return slots
        }
        throw T3Error.noFreeSlots(wanted: count, free: isReserved.count { !$0 })
    }

    /// Gives slots back.
    mutating func release(_ slots: Range<Int>) {
        for slot in slots { isReserved[slot] = false }
    }

    /// - Throws: `T3Error.sequenceTooLong` where a slot has no room for `count` more positions.
    func checkRoom(for count: Int, in slots: some Sequence<Int>) throws {
        let positions = (slots.map { lengths[$0] }.max() ?? 0) + count
        guard positions <= capacity else { throw T3Error.sequenceTooLong(positions: positions, limit: capacity) }
    }

    /// Counts positions that have been written.
    mutating func extend(_ slots: some Sequence<Int>, by count: Int) {
        for slot in slots { lengths[slot] += count }
    }
}
