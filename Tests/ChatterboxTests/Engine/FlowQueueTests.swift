import Synchronization
import Testing
import Torch

@testable import Chatterbox

@Suite("Batches of the flow") struct FlowQueueTests {
    /// Requests that enter a queue one after the other, on coroutines of one thread. Their mels are their numbers.
    private final class Requests: @unchecked Sendable {
        let queue: FlowQueue
        private let threads = CoroutineThreads(name: "requests")
        private var coroutines: [Int: Coroutine] = [:]
        private(set) var results: [Int: Result<Float, any Error>] = [:]
        private(set) var steps: [Int: [Int]] = [:]

        struct Refused: Error {}

        /// - Parameter refused: the request that makes a flow fail.
        init(most: Int = 4, refused: Float? = nil) {
            queue = FlowQueue(batchSize: { min(most, $0.count) }) { orders, steps, checkpoint in
                for _ in 0..<steps { try checkpoint() }
                let numbers = try orders.map { try $0.noise.item(Float.self) }
                if let refused, numbers.contains(refused) { throw Refused() }
                return try numbers.map { try Tensor(Double($0)) }
            }
        }

        func enter(_ number: Int, expected: Int, steps: Int = 2) throws {
            let order = try FlowOrder(noise: Tensor(Double(number)), conditions: .init(mean: Tensor(0), speaker: Tensor(0), prompt: Tensor(0)))
            let box = Order(order: order)
            coroutines[number] = Coroutine(on: threads, slice: .zero) { [unowned self] context in
                let result = Result {
                    try self.queue.mel(
                        of: box.order, steps: steps, expected: expected, onStep: { self.steps[number, default: []].append($0) },
                        wake: { [weak self] in self?.coroutines[number]?.unpark() }, park: context.park, pause: context.pause
                    ).item(Float.self)
                }
                self.results[number] = result
            }
            resume(number)
        }

        private struct Order: @unchecked Sendable { let order: FlowOrder }

        func resume(_ number: Int) { coroutines[number]?.resume() }
        func cancel(_ number: Int) { coroutines[number]?.cancel() }
        func isRunnable(_ number: Int) -> Bool { if case .runnable = coroutines[number]?.state { true } else { false } }

        /// Runs all until none can continue.
        func settle() {
            while let number = coroutines.keys.sorted().first(where: isRunnable) { resume(number) }
        }

        func value(_ number: Int) -> Float? { try? results[number]?.get() }
    }

    @Test("a request is computed at once if no others are expected") func alone() throws {
        let requests = Requests()
        try requests.enter(1, expected: 0)
        requests.settle()
        #expect(requests.value(1) == 1 && requests.queue.batchCounts == [1: 1] && requests.steps == [1: [1, 2]])
    }

    @Test("expected requests are computed in one batch, each with its own mel") func together() throws {
        let requests = Requests()
        try requests.enter(1, expected: 2)
        requests.queue.otherWorkRan(expected: 2)
        #expect(!requests.isRunnable(1))
        try requests.enter(2, expected: 1)
        try requests.enter(3, expected: 0)
        requests.queue.otherWorkRan(expected: 0)
        requests.settle()
        #expect((1...3).map(requests.value) == [1, 2, 3] && requests.queue.batchCounts == [3: 1])
        #expect(requests.steps == [1: [1, 2], 2: [1, 2], 3: [1, 2]])
    }

    @Test("a request waits for at most as many units of other work as requests were expected") func patience() throws {
        let requests = Requests()
        try requests.enter(1, expected: 2)
        requests.queue.otherWorkRan(expected: 5)
        #expect(!requests.isRunnable(1))
        requests.queue.otherWorkRan(expected: 5)
        requests.settle()
        #expect(requests.value(1) == 1)
    }

    @Test("requests that arrive during a batch, or did not fit into it, are in the next") func next() throws {
        let requests = Requests(most: 2)
        for number in 1...3 { try requests.enter(number, expected: 1) }
        requests.queue.otherWorkRan(expected: 0)
        requests.resume(1)
        try requests.enter(4, expected: 0)
        #expect(requests.results.isEmpty)
        requests.settle()
        #expect((1...4).map(requests.value) == [1, 2, 3, 4] && requests.queue.batchCounts == [2: 2])
    }

    @Test("all requests of a batch have the same number of steps") func steps() throws {
        let requests = Requests()
        try requests.enter(1, expected: 1, steps: 2)
        try requests.enter(2, expected: 1, steps: 3)
        requests.queue.otherWorkRan(expected: 0)
        requests.settle()
        #expect((1...2).map(requests.value) == [1, 2] && requests.queue.batchCounts == [1: 2] && requests.steps[2] == [1, 2, 3])
    }

    @Test("the requests of a failed batch are computed separately, so that only one fails") func failure() throws {
        let requests = Requests(refused: 2)
        for number in 1...3 { try requests.enter(number, expected: 1) }
        requests.queue.otherWorkRan(expected: 0)
        requests.settle()
        #expect([1, 3].map(requests.value) == [1, 3] && requests.queue.batchCounts == [1: 2])
        #expect(throws: Requests.Refused.self) { try requests.results[2]!.get() }
    }

    @Test("the other requests of a batch get their mels if one is cancelled, even the one that computes it", arguments: [1, 2]) func cancelled(
        who: Int
    )
        throws
    {
        let requests = Requests()
        for number in 1...3 { try requests.enter(number, expected: 1) }
        requests.queue.otherWorkRan(expected: 0)
        requests.resume(1)
        requests.cancel(who)
        requests.settle()
        #expect(throws: CancellationError.self) { try requests.results[who]!.get() }
        #expect([1, 2, 3].filter { $0 != who }.allSatisfy { requests.value($0) == Float($0) })
    }
}
