import Foundation
import Synchronization
import Torch

/// Threads that compute a step in parts: each part is some of the step's examples, forward and backward.
///
/// If single operations were divided between threads, the threads would wait for the slowest one thousands of times a step; parts wait for each
/// other only once. Results depend only on the parts, not on which thread computes which part.
public final class TrainingThreads: Sendable {
    /// Parts that are computed at the same time.
    public let count: Int
    /// Threads of each operation of a part.
    private let threads: Int
    private let workers: [Worker]

    /// - Parameters:
    ///   - count: parts that are computed at the same time. One part is computed on the caller's thread, whose operations take as many
    ///     threads as the caller has set.
    ///   - processors: processor threads of all parts together, at least `count`; as many as parts when nil.
    public init(_ count: Int, of processors: Int? = nil) {
        precondition(count > 0 && processors ?? count >= count, "at least one part, and a processor thread for each")
        (self.count, threads) = (count, (processors ?? count) / count)
        workers = count == 1 ? [] : (0..<count).map { _ in Worker() }
    }

    deinit { for worker in workers { worker.run(nil) } }

    /// Computes something of each part, as many at the same time as there are threads.
    ///
    /// - Returns: the results in the order of the parts.
    /// - Throws: the error of the first part that fails; `TorchError` if the system cannot start a thread.
    func map<Part: Sendable, Result: Sendable>(_ parts: [Part], _ body: @escaping @Sendable (Part) throws -> Result) throws -> [Result] {
        guard count > 1, parts.count > 1 else { return try parts.map(body) }
        let job = Job<Result>(parts.count), running = workers.prefix(parts.count)
        for worker in running {
            worker.run { [threads] in
                while let number = job.next() {
                    let result = Swift.Result {
                        try Libtorch.setOwnThreads(threads)
                        return try body(parts[number])
                    }
                    job.finish(number, result)
                }
                job.leave()
            }
        }
        for _ in running { job.wait() }
        return try job.results()
    }

    /// Divides examples into parts whose cost is as even as possible: an example costs as much as the longest of its part.
    ///
    /// - Parameter lengths: the lengths of the examples.
    /// - Returns: the indices of each part's examples; all in one part if parts would be so uneven that most threads would wait.
    func divided(_ lengths: [Int]) -> [[Int]] {
        let all = Array(lengths.indices), parts = min(count, lengths.count)
        guard parts > 1 else { return [all] }
        let sorted = all.sorted { (lengths[$0], $0) < (lengths[$1], $1) }
        // least[n]: the lowest possible cost of the most expensive part for the first n examples, and the beginning of the last part.
        var least = sorted.indices.map { (cost: ($0 + 1) * lengths[sorted[$0]], starts: [0]) }
        for _ in 1..<parts {
            least = sorted.indices.map { last in
                (0..<last).reduce(least[last]) { best, before in
                    let cost = max(least[before].cost, (last - before) * lengths[sorted[last]])
                    return cost < best.cost ? (cost, least[before].starts + [before + 1]) : best
                }
            }
        }
        let (cost, starts) = least[lengths.count - 1]
        guard starts.count > 1, Double(cost * parts) <= 1.4 * Double(lengths.count * lengths[sorted.last!]) else { return [all] }
        return zip(starts, starts.dropFirst() + [lengths.count]).map { sorted[$0..<$1].sorted() }
    }

    /// The same with the examples themselves.
    func divided<Example>(_ examples: [Example], by length: (Example) -> Int) -> [[Example]] {
        divided(examples.map(length)).map { $0.map { examples[$0] } }
    }
}

/// Parts that threads take one after the other, and their results.
private final class Job<Result: Sendable>: Sendable {
    private let state: Mutex<(next: Int, results: [Swift.Result<Result, any Error>?])>
    private let left = DispatchSemaphore(value: 0)

    init(_ count: Int) { state = Mutex((0, Array(repeating: nil, count: count))) }

    func next() -> Int? {
        state.withLock { state in
            guard state.next < state.results.count else { return nil }
            state.next += 1
            return state.next - 1
        }
    }
    func finish(_ number: Int, _ result: Swift.Result<Result, any Error>) { state.withLock { $0.results[number] = result } }
    func leave() { left.signal() }
    func wait() { left.wait() }
    func results() throws -> [Result] { try state.withLock { try $0.results.map { try $0!.get() } } }
}

/// A thread that is kept while it is needed, because libraries keep memory and prepared kernels for each thread.
private final class Worker: Sendable {
    private let work = Mutex<(@Sendable () -> Void)?>(nil)
    private let isReady = DispatchSemaphore(value: 0)

    init() {
        let thread = Thread { [self] in
            while true {
                isReady.wait()
                guard let work = work.withLock({ $0.take() }) else { return }
                work()
            }
        }
        // Gradients go back through a whole network.
        thread.stackSize = 64 << 20
        thread.start()
    }

    /// Runs a closure on the thread; nil ends the thread.
    func run(_ work: (@Sendable () -> Void)?) {
        self.work.withLock { $0 = work }
        isReady.signal()
    }
}
