import Dispatch
import Foundation
import Synchronization

/// The threads on which coroutines run. A thread that has finished its work waits for more: starting a thread takes longer than passing work to it,
/// and libtorch keeps state for each thread. The threads end when this object is released, after their current work.
final class CoroutineThreads: Sendable {
    private let name: String
    private let onStart: @Sendable () -> Void
    private let idle = IdleThreads()

    /// - Parameters:
    ///   - name: the threads' name in a debugger.
    ///   - onStart: runs first on each thread, and sets libtorch's state for the thread.
    init(name: String, onStart: @escaping @Sendable () -> Void = {}) {
        self.name = name
        self.onStart = onStart
    }

    deinit { idle.close() }

    /// Runs the work on a thread; then, after the thread is free again and the work's captures have been released, calls `handBack`.
    func run(_ work: @escaping @Sendable () -> Void, then handBack: @escaping @Sendable () -> Void) {
        (idle.take() ?? start()).perform(work, then: handBack)
    }

    private func start() -> CoroutineThread {
        let worker = CoroutineThread()
        let thread = Thread { [idle, onStart] in
            onStart()
            worker.run(idle)
        }
        thread.name = name
        thread.stackSize = 8 << 20
        thread.start()
        return worker
    }
}

/// One thread and its next job.
private final class CoroutineThread: Sendable {
    private typealias Job = (work: @Sendable () -> Void, handBack: @Sendable () -> Void)
    private let job = Mutex<Job?>(nil)
    private let hasJob = DispatchSemaphore(value: 0)

    func perform(_ work: @escaping @Sendable () -> Void, then handBack: @escaping @Sendable () -> Void) {
        job.withLock { $0 = (work, handBack) }
        hasJob.signal()
    }

    /// Ends the thread, which is waiting for a job.
    func end() { hasJob.signal() }

    func run(_ idle: IdleThreads) {
        var stays = true
        while stays, let handBack = work() {
            // The thread becomes free before control is returned, so that it can be used for the next work.
            stays = idle.add(self)
            handBack()
        }
    }

    /// Runs the next job and returns the function to call after it; nil if the thread is to end.
    private func work() -> (@Sendable () -> Void)? {
        hasJob.wait()
        guard let job = job.withLock({ $0.take() }) else { return nil }
        job.work()
        return job.handBack
    }
}

/// The threads that wait for work.
private final class IdleThreads: Sendable {
    /// nil after closing.
    private let threads = Mutex<[CoroutineThread]?>([])

    /// The thread that was used last: its memory is most likely in cache.
    func take() -> CoroutineThread? { threads.withLock { $0?.popLast() } }

    /// Returns whether the thread is kept; otherwise it must end.
    func add(_ thread: CoroutineThread) -> Bool {
        threads.withLock {
            $0?.append(thread)
            return $0 != nil
        }
    }

    func close() {
        for thread in threads.withLock({ $0.take() }) ?? [] { thread.end() }
    }
}
