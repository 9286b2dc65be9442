import Synchronization

/// The most recently used values, up to a limit.
struct RecentlyUsed<Key: Hashable, Value> {
    /// The largest total cost.
    let limit: Int
    private let cost: @Sendable (Value) -> Int
    /// The most recently used entry is the last.
    private var entries: [(key: Key, value: Value)] = []

    /// - Parameter cost: the cost of a value, in the unit of the limit.
    init(limit: Int, cost: @escaping @Sendable (Value) -> Int) { (self.limit, self.cost) = (limit, cost) }

    /// Returns the value of a key, and marks it as used.
    mutating func use(_ key: Key) -> Value? {
        guard let index = entries.firstIndex(where: { $0.key == key }) else { return nil }
        entries.append(entries.remove(at: index))
        return entries[entries.count - 1].value
    }

    /// Adds the value of a new key, which is kept whatever it costs; the least recently used values are removed.
    mutating func insert(_ value: Value, for key: Key) {
        entries.append((key, value))
        while entries.count > 1, entries.reduce(0, { $0 + cost($1.value) }) > limit { entries.removeFirst() }
    }

    mutating func removeAll() { entries = [] }
}

/// A value that is computed when it is first used, only once for all callers: for packed weights that not every run needs.
final class OnFirstUse<Value: Sendable>: Sendable {
    private let made = Mutex<Value?>(nil)
    private let make: @Sendable () throws -> Value

    init(_ make: @escaping @Sendable () throws -> Value) { self.make = make }

    /// - Throws: errors of computing it; the next call tries again.
    func callAsFunction() throws -> Value {
        try made.withLock { made in
            if let made { return made }
            let value = try make()
            made = value
            return value
        }
    }
}
