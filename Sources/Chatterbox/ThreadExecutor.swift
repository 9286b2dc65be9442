import Foundation

/// Runs an actor on one thread of its own.
///
/// Speaking takes seconds of arithmetic, which must not occupy the threads that Swift shares among all tasks. One lasting
/// thread also lets libtorch keep its worker threads between calls.
final class ThreadExecutor: SerialExecutor {
    private let queue = JobQueue()

    init(name: String) {
        let queue = queue
        let thread = Thread { queue.run() }
        thread.name = name
        thread.stackSize = 8 << 20
        thread.start()
    }

    deinit { queue.finish() }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let executor = asUnownedSerialExecutor()
        queue.add { job.runSynchronously(on: executor) }
    }
}

/// Jobs in order, for one thread to take.
private final class JobQueue: @unchecked Sendable {
    private let condition = NSCondition()
    private var jobs: [@Sendable () -> Void] = []
    private var isFinished = false

    func add(_ job: @escaping @Sendable () -> Void) {
        condition.withLock { jobs.append(job) }
        condition.signal()
    }

    func finish() {
        condition.withLock { isFinished = true }
        condition.signal()
    }

    func run() {
        while let job = next() { job() }
    }

    private func next() -> (@Sendable () -> Void)? {
        condition.lock()
        defer { condition.unlock() }
        while jobs.isEmpty, !isFinished { condition.wait() }
        return jobs.isEmpty ? nil : jobs.removeFirst()
    }
}
