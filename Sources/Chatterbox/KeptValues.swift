import Synchronization

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

/// Something that is made when it is first asked for, once, whoever asks: packed weights that not every run needs.
final class OnFirstUse<Value: Sendable>: Sendable {
    private let made = Mutex<Value?>(nil)
    private let make: @Sendable () throws -> Value

    init(_ make: @escaping @Sendable () throws -> Value) { self.make = make }

    /// - Throws: what making it throws; it is then tried again the next time.
    func callAsFunction() throws -> Value {
        try made.withLock { made in
            if let made { return made }
            let value = try make()
            made = value
            return value
        }
    }
}
