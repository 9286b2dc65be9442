import Dispatch
import Foundation
import Synchronization

/// The threads that coroutines run on. One that has done its work waits for the next: starting a thread costs more than
/// handing over, and libtorch keeps state for each. They end with this object, those at work once they are done.
final class CoroutineThreads: Sendable {
    private let name: String
    private let onStart: @Sendable () -> Void
    private let idle = IdleThreads()

    /// - Parameters:
    ///   - name: what the threads are called in a debugger.
    ///   - onStart: runs on each thread before anything else does: sets what libtorch keeps by thread.
    init(name: String, onStart: @escaping @Sendable () -> Void = {}) {
        self.name = name
        self.onStart = onStart
    }

    deinit { idle.close() }

    /// Does the work on a thread; then, with the thread free again and the work's captures released, calls `handBack`.
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

/// One thread and what it is to do next.
private final class CoroutineThread: Sendable {
    private typealias Job = (work: @Sendable () -> Void, handBack: @Sendable () -> Void)
    private let job = Mutex<Job?>(nil)
    private let hasJob = DispatchSemaphore(value: 0)

    func perform(_ work: @escaping @Sendable () -> Void, then handBack: @escaping @Sendable () -> Void) {
        job.withLock { $0 = (work, handBack) }
        hasJob.signal()
    }

    /// Ends the thread, which waits for a job.
    func end() { hasJob.signal() }

    func run(_ idle: IdleThreads) {
        var stays = true
        while stays, let handBack = work() {
            // First free, then handed back: who is handed control finds this thread when it needs one.
            stays = idle.add(self)
            handBack()
        }
    }

    /// Does the next job and gives what is to be called after it; nil where the thread is to end.
    private func work() -> (@Sendable () -> Void)? {
        hasJob.wait()
        guard let job = job.withLock({ $0.take() }) else { return nil }
        job.work()
        return job.handBack
    }
}

/// The threads that wait for work.
private final class IdleThreads: Sendable {
    /// nil once closed.
    private let threads = Mutex<[CoroutineThread]?>([])

    /// The thread that worked last: its memory is most likely cached.
    func take() -> CoroutineThread? { threads.withLock { $0?.popLast() } }

    /// Whether the thread is kept; else it is to end.
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
