import Dispatch
import Synchronization

/// Synchronous code that shares the time of one compute thread.
///
/// The body runs on a separate thread, but only while ``resume()`` waits for it: a loop and all its coroutines together run on exactly one thread at
/// any time. Between units of work the body calls ``Context/pause()``, which may return control, or ``Context/park()``, which waits for ``unpark()``.
///
/// Only one thread at a time may call `resume()`; ``unpark()``, ``cancel()`` and ``state`` can be used on any thread. A coroutine that is released
/// before its body has ended is cancelled, and the body ends before it is released. The body must therefore not refer to its own coroutine.
final class Coroutine: Sendable {
    typealias Body = @Sendable (Context) throws -> Void

    enum State: Sendable {
        /// Can be resumed, or is running.
        case runnable
        /// Waits until it is unparked or cancelled.
        case parked
        /// The body has ended.
        case finished(Result<Void, any Error>)
    }

    private let control: Control

    /// Creates a coroutine that has not begun; it gets a thread when it is first resumed.
    ///
    /// - Parameters:
    ///   - slice: how long it runs before a pause returns control, so that small units cause no overhead; with nil pauses never return control.
    ///   - onRunnable: called when it was parked and can be resumed again, on the thread that unparks or cancels it; wakes the loop. It should return
    ///     at once.
    init(
        on threads: CoroutineThreads, slice: Duration? = .milliseconds(10), onRunnable: @escaping @Sendable () -> Void = {},
        body: @escaping Body
    ) {
        control = Control(threads: threads, slice: slice, onRunnable: onRunnable, body: body)
    }

    deinit { control.abandon() }

    var state: State { control.state }

    /// Runs the body until it pauses, parks or ends. The coroutine must be runnable.
    @discardableResult func resume() -> State { control.resume() }

    /// Makes a parked coroutine runnable. If it is not parked, its next park returns at once: an unpark between the body's check and its park is
    /// therefore not lost.
    func unpark() { control.unpark() }

    /// Makes pauses and parks throw `CancellationError`, including those that are waiting: a parked coroutine becomes runnable, so that it can be
    /// resumed to its end. A body that has not begun is never run.
    func cancel() { control.cancel() }

    /// With this the body returns control. It must be used only on the body's thread.
    struct Context {
        fileprivate let control: Control

        /// Returns control if the slice is over; the coroutine remains runnable.
        ///
        /// - Throws: `CancellationError` once the coroutine is cancelled.
        func pause() throws { try control.pause() }

        /// Returns control until the coroutine is unparked. It may return without a cause: check your condition again.
        ///
        /// - Throws: `CancellationError` once the coroutine is cancelled.
        func park() throws { try control.park() }
    }
}

@available(*, unavailable) extension Coroutine.Context: Sendable {}

/// Which of the two has control, the resuming thread or the body. Both refer to this object, so that a body never keeps its coroutine alive.
private final class Control: Sendable {
    private struct Condition {
        var state = Coroutine.State.runnable
        /// nil after it has begun.
        var body: Coroutine.Body?
        var isRunning = false
        var isCancelled = false
        /// Whether it was unparked while it was not parked.
        var skipsPark = false
        var sliceStart = ContinuousClock.now

        /// Makes it runnable if it is parked, and returns whether it was.
        mutating func wake() -> Bool {
            guard case .parked = state else { return false }
            state = .runnable
            return true
        }
    }

    private let threads: CoroutineThreads
    private let slice: Duration?
    private let onRunnable: @Sendable () -> Void
    private let condition: Mutex<Condition>
    private let bodyTurn = DispatchSemaphore(value: 0)
    private let resumerTurn = DispatchSemaphore(value: 0)

    init(threads: CoroutineThreads, slice: Duration?, onRunnable: @escaping @Sendable () -> Void, body: @escaping Coroutine.Body) {
        self.threads = threads
        self.slice = slice
        self.onRunnable = onRunnable
        condition = Mutex(Condition(body: body))
    }

    var state: Coroutine.State { condition.withLock(\.state) }

    // MARK: the resuming thread

    @discardableResult func resume() -> Coroutine.State {
        let (body, isCancelled) = condition.withLock {
            guard case .runnable = $0.state, !$0.isRunning else { preconditionFailure("only a runnable coroutine can be resumed") }
            $0.isRunning = true
            $0.sliceStart = .now
            return ($0.body.take(), $0.isCancelled)
        }
        if let body {
            guard !isCancelled else { return finish(.failure(CancellationError())) }
            begin(body)
        } else {
            bodyTurn.signal()
        }
        resumerTurn.wait()
        return state
    }

    private func begin(_ body: @escaping Coroutine.Body) {
        threads.run {
            self.finish(Result { try body(Coroutine.Context(control: self)) })
        } then: {
            self.resumerTurn.signal()
        }
    }

    @discardableResult private func finish(_ result: Result<Void, any Error>) -> Coroutine.State {
        condition.withLock {
            $0.isRunning = false
            $0.state = .finished(result)
            return $0.state
        }
    }

    func unpark() {
        let wasParked = condition.withLock {
            $0.skipsPark = !$0.wake()
            return !$0.skipsPark
        }
        if wasParked { onRunnable() }
    }

    func cancel() {
        if cancelAndWake() { onRunnable() }
    }

    /// Cancels the body and runs it to its end.
    func abandon() {
        _ = cancelAndWake()
        // Once is enough: a cancelled body cannot return control before its end.
        if case .runnable = state { resume() }
    }

    /// Returns whether it was parked.
    private func cancelAndWake() -> Bool {
        condition.withLock {
            $0.isCancelled = true
            return $0.wake()
        }
    }

    // MARK: the body

    func pause() throws {
        let isOver = try condition.withLock {
            if $0.isCancelled { throw CancellationError() }
            guard let slice, .now - $0.sliceStart >= slice else { return false }
            $0.isRunning = false
            return true
        }
        if isOver { try handBack() }
    }

    func park() throws {
        let parks = try condition.withLock {
            if $0.isCancelled { throw CancellationError() }
            guard !$0.skipsPark else {
                $0.skipsPark = false
                return false
            }
            $0.isRunning = false
            $0.state = .parked
            return true
        }
        if parks { try handBack() }
    }

    private func handBack() throws {
        resumerTurn.signal()
        bodyTurn.wait()
        if condition.withLock(\.isCancelled) { throw CancellationError() }
    }
}
