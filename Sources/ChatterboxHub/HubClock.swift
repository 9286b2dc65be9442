/// Time as downloads know it, so that tests need not wait.
public struct HubClock: Sendable {
    /// Time since some moment.
    public let now: @Sendable () -> Duration
    public let sleep: @Sendable (Duration) async throws -> Void

    public init(now: @escaping @Sendable () -> Duration, sleep: @escaping @Sendable (Duration) async throws -> Void) {
        self.now = now
        self.sleep = sleep
    }

    /// The machine's.
    public static var continuous: HubClock {
        let clock = ContinuousClock()
        let start = clock.now
        return HubClock(now: { clock.now - start }, sleep: { try await clock.sleep(for: $0) })
    }
}
