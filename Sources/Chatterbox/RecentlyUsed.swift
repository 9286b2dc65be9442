/// What was used last, as much of it as there is room for.
struct RecentlyUsed<Key: Hashable, Value> {
    /// What all together may cost.
    let limit: Int
    private let cost: @Sendable (Value) -> Int
    /// The one used last stands last.
    private var entries: [(key: Key, value: Value)] = []

    /// - Parameter cost: of one, in the units of the limit.
    init(limit: Int, cost: @escaping @Sendable (Value) -> Int) { (self.limit, self.cost) = (limit, cost) }

    /// The value of a key, which counts as used.
    mutating func use(_ key: Key) -> Value? {
        guard let index = entries.firstIndex(where: { $0.key == key }) else { return nil }
        entries.append(entries.remove(at: index))
        return entries[entries.count - 1].value
    }

    /// Adds the value of a new key, which stays whatever it costs; those used longest ago make room.
    mutating func insert(_ value: Value, for key: Key) {
        entries.append((key, value))
        while entries.count > 1, entries.reduce(0, { $0 + cost($1.value) }) > limit { entries.removeFirst() }
    }

    mutating func removeAll() { entries = [] }
}
