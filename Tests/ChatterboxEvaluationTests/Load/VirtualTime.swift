import Dispatch
import Synchronization

/// A clock on which only waiting takes time: it runs the tasks that prefer it one at a time, and when all of them wait it advances to the next time
/// for which one of them waits.
final class VirtualTime: Clock, TaskExecutor {
    struct Instant: InstantProtocol {
        var sinceStart: Duration

        func advanced(by duration: Duration) -> Instant { Instant(sinceStart: sinceStart + duration) }
        func duration(to other: Instant) -> Duration { other.sinceStart - sinceStart }
        static func < (a: Instant, b: Instant) -> Bool { a.sinceStart < b.sinceStart }
    }

    private struct Sleeper: Sendable {
        let deadline: Instant
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var now = Instant(sinceStart: .zero)
        /// The number of unfinished jobs.
        var jobs = 0
        /// In the order in which they wake up: by time, then by when they began to sleep.
        var sleepers: [Sleeper] = []
    }

    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "virtual time")

    var now: Instant { state.withLock(\.now) }
    var minimumResolution: Duration { .zero }

    /// Cancelling does not wake a sleeping task.
    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        try await withCheckedThrowingContinuation { continuation in
            state.withLock { state in
                let place = state.sleepers.firstIndex { deadline < $0.deadline } ?? state.sleepers.endIndex
                state.sleepers.insert(Sleeper(deadline: deadline, continuation: continuation), at: place)
            }
        }
        try Task.checkCancellation()
    }

    func sleep(seconds: Double) async throws { try await sleep(until: now.advanced(by: .seconds(seconds)), tolerance: nil) }

    /// Runs a function, and all tasks that it starts, on this clock.
    func run<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
        try await Task(executorPreference: self) { try await body() }.value
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        state.withLock { $0.jobs += 1 }
        queue.async { [self] in
            job.runSynchronously(on: asUnownedTaskExecutor())
            wakeNextIfIdle()
        }
    }

    private func wakeNextIfIdle() {
        let next = state.withLock { state -> Sleeper? in
            state.jobs -= 1
            guard state.jobs == 0, !state.sleepers.isEmpty else { return nil }
            let next = state.sleepers.removeFirst()
            state.now = max(state.now, next.deadline)
            return next
        }
        next?.continuation.resume()
    }
}
