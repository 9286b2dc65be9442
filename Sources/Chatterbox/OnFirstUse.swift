import Synchronization

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
