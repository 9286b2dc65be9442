import Synchronization
import TestSupport
import Testing

@testable import Chatterbox

@Suite("A stream of values that are made a few ahead") struct BoundedStreamTests {
    private struct Failure: Error, Equatable {}

    /// A stream of so many numbers from 0.
    private func numbers(_ count: Int, capacity: Int = 2) -> BoundedStream<Int> {
        BoundedStream(capacity: capacity) { send in
            for number in 0..<count {
                try await send(number)
            }
        }
    }

    @Test("values come in order, then the end, in every loop", arguments: [1, 2, 7]) func order(capacity: Int) async throws {
        let stream = numbers(50, capacity: capacity)
        for _ in 0..<2 {
            var read: [Int] = []
            for try await number in stream { read.append(number) }
            #expect(read == Array(0..<50))
        }
        for try await number in numbers(0) { Issue.record("\(number)") }
    }

    @Test("nothing is made before a value is asked for") func cold() async throws {
        let made = Counter()
        let stream = BoundedStream(capacity: 2) { send in
            made.increment()
            try await send(1)
        }
        let iterator = stream.makeAsyncIterator()
        for _ in 0..<100 { await Task.yield() }
        #expect(made.count == 0)
        #expect(try await iterator.next() == 1)
        #expect(made.count == 1)
    }

    @Test("no more values than there is room for lie unread", arguments: [1, 3]) func bound(capacity: Int) async throws {
        let made = Counter()
        let iterator = BoundedStream(capacity: capacity) { send in
            for number in 0..<100 {
                made.increment()
                try await send(number)
            }
        }.makeAsyncIterator()
        for read in 1...20 {
            #expect(try await iterator.next() == read - 1)
            for _ in 0..<200 { await Task.yield() }
            // One more is in the hands of the work.
            #expect(made.count <= read + capacity + 1)
        }
    }

    @Test("leaving the loop ends the work") func leaving() async throws {
        let ended = Promise<(any Error)?>()
        for try await _ in BoundedStream(capacity: 1, work: { send in
            do {
                while true { try await send(0) }
            } catch {
                ended.fulfil(error)
                throw error
            }
        }) { break }
        #expect(await ended.value is CancellationError)
    }

    @Test("a task that is cancelled in its loop sees that, not an end") func cancelledInLoop() async throws {
        let task = Task {
            var read = 0
            for try await _ in numbers(100) {
                read += 1
                if read == 3 { withUnsafeCurrentTask { $0?.cancel() } }
            }
            return read
        }
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test("a task that is cancelled while it waits for a value sees that, and the work is cancelled") func cancelledWaiting() async throws {
        let waits = Promise<Void>(), ended = Promise<Bool>()
        let (never, continuation) = AsyncStream<Never>.makeStream()
        let task = Task {
            for try await _ in BoundedStream<Int>(capacity: 1, work: { _ in
                waits.fulfil(())
                // Ends when the task of the work is cancelled.
                for await _ in never {}
                ended.fulfil(Task.isCancelled)
            }) { Issue.record("there is no value") }
        }
        await waits.value
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(await ended.value)
        continuation.finish()
    }

    @Test("a task that is cancelled before its loop starts no work") func cancelledBefore() async throws {
        let made = Counter()
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            for try await _ in BoundedStream<Int>(capacity: 1, work: { _ in made.increment() }) {}
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(made.count == 0)
    }

    @Test("an error comes after the values that were made before it") func failure() async throws {
        var read: [Int] = []
        await #expect(throws: Failure()) {
            for try await number in BoundedStream(capacity: 5, work: { send in
                for number in 0..<4 { try await send(number) }
                throw Failure()
            }) { read.append(number) }
        }
        #expect(read == [0, 1, 2, 3])
    }

    @Test("whatever the order of reading, leaving and cancelling, values are the first ones and nobody waits for ever") func stress() async throws {
        await withTaskGroup(of: Void.self) { group in
            for round in 0..<200 {
                group.addTask {
                    var random = SeededRandom(seed: Search.seed &+ UInt64(round))
                    let (count, capacity) = (random.below(20), 1 + random.below(4))
                    let (last, isCancelled) = (random.below(25), random.below(2) == 0)
                    var read: [Int] = []
                    do {
                        for try await number in numbers(count, capacity: capacity) {
                            read.append(number)
                            guard read.count > last else { continue }
                            guard isCancelled else { break }
                            withUnsafeCurrentTask { $0?.cancel() }
                        }
                        #expect(read.count == min(count, last + 1))
                    } catch {
                        #expect(error is CancellationError && isCancelled)
                    }
                    #expect(read == Array(0..<read.count))
                }
            }
        }
    }
}

/// How often something happened.
private final class Counter: Sendable {
    private let state = Mutex(0)

    var count: Int { state.withLock(\.self) }

    func increment() { state.withLock { $0 += 1 } }
}

/// A value that one task waits for and another gives, once.
private final class Promise<Value: Sendable>: Sendable {
    private let stream: AsyncStream<Value>
    private let continuation: AsyncStream<Value>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream() }

    func fulfil(_ value: Value) {
        continuation.yield(value)
        continuation.finish()
    }

    var value: Value {
        get async {
            for await value in stream { return value }
            fatalError("a promise that nobody keeps")
        }
    }
}
