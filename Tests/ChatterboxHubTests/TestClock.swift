import Synchronization

@testable import ChatterboxHub

/// Time that passes only when somebody sleeps, or a little with every look at it.
final class TestClock: Sendable {
    private let state = Mutex((now: Duration.zero, sleeps: [Duration]()))
    private let tick: Duration

    init(tick: Duration = .zero) { self.tick = tick }

    /// Every pause that was made.
    var sleeps: [Duration] { state.withLock { $0.sleeps } }

    var clock: HubClock {
        HubClock(
            now: {
                self.state.withLock { state in
                    state.now += self.tick
                    return state.now
                }
            },
            sleep: { duration in
                self.state.withLock { state in
                    state.now += duration
                    state.sleeps.append(duration)
                }
                await Task.yield()
                try Task.checkCancellation()
            })
    }
}
