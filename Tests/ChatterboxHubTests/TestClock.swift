import Synchronization

@testable import ChatterboxHub

/// A clock that advances only when a task sleeps, or slightly with every reading.
final class TestClock: Sendable {
    private let state = Mutex((now: Duration.zero, sleeps: [Duration]()))
    private let tick: Duration

    init(tick: Duration = .zero) { self.tick = tick }

    /// All pauses so far.
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
