import Dispatch
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Chatterbox

@Suite("Coroutine") struct CoroutineTests {
    private struct Trouble: Error {}

    private let threads = CoroutineThreads(name: "test.coroutine")
    private let log = Log()

    /// What happened, in order.
    private final class Log: Sendable {
        private let lines = Mutex<[String]>([])
        var all: [String] { lines.withLock(\.self) }
        func add(_ line: String) { lines.withLock { $0.append(line) } }
    }

    @Test("the body runs only while it is resumed") func turns() {
        let coroutine = Coroutine(on: threads, slice: .zero) { [log] context in
            log.add("body 1")
            try context.pause()
            log.add("body 2")
        }
        log.add("loop 1")
        #expect(coroutine.resume().isRunnable)
        log.add("loop 2")
        #expect(coroutine.resume().isSuccess)
        log.add("loop 3")
        #expect(log.all == ["loop 1", "body 1", "loop 2", "body 2", "loop 3"])
    }

    @Test("pauses within a slice, or without slices, do not return control", arguments: [Duration.seconds(3600), nil])
    func longSlice(_ slice: Duration?) {
        let coroutine = Coroutine(on: threads, slice: slice) { context in
            for _ in 0..<1000 { try context.pause() }
        }
        #expect(coroutine.resume().isSuccess)
    }

    @Test("a pause returns control after its slice") func sliceEnds() {
        let coroutine = Coroutine(on: threads, slice: .milliseconds(1)) { context in
            let start = ContinuousClock.now
            while .now - start < .milliseconds(1) {}
            try context.pause()
        }
        #expect(coroutine.resume().isRunnable)
        #expect(coroutine.resume().isSuccess)
    }

    @Test("the coroutine ends with the body's error") func error() {
        let coroutine = Coroutine(on: threads) { _ in throw Trouble() }
        #expect(coroutine.resume().error is Trouble)
        #expect(coroutine.state.error is Trouble)
    }

    @Test("a parked coroutine waits until it is unparked, and reports once that it can run") func park() {
        let coroutine = Coroutine(on: threads, slice: nil, onRunnable: { [log] in log.add("runnable") }) { context in
            try context.park()
            try context.park()
        }
        #expect(coroutine.resume().isParked)
        #expect(coroutine.state.isParked)
        coroutine.unpark()
        #expect(coroutine.state.isRunnable)
        #expect(log.all == ["runnable"])
        #expect(coroutine.resume().isParked)
        coroutine.unpark()
        #expect(coroutine.resume().isSuccess)
        #expect(log.all == ["runnable", "runnable"])
    }

    @Test("an unpark before the park is not lost, and applies to one park") func earlyUnpark() {
        let coroutine = Coroutine(on: threads, slice: .zero) { context in
            try context.pause()
            try context.park()
            try context.park()
        }
        coroutine.resume()
        coroutine.unpark()
        coroutine.unpark()
        #expect(coroutine.resume().isParked)
        coroutine.unpark()
        #expect(coroutine.resume().isSuccess)
    }

    // MARK: cancellation

    @Test("a cancelled coroutine that has paused or parked ends with CancellationError", arguments: [false, true])
    func cancel(isParked: Bool) {
        let coroutine = Coroutine(on: threads, slice: .zero, onRunnable: { [log] in log.add("runnable") }) { [log] context in
            defer { log.add("cleaned up") }
            if isParked { try context.park() } else { try context.pause() }
            log.add("went on")
        }
        coroutine.resume()
        coroutine.cancel()
        coroutine.cancel()
        #expect(coroutine.state.isRunnable)
        #expect(coroutine.resume().error is CancellationError)
        #expect(log.all == (isParked ? ["runnable"] : []) + ["cleaned up"])
    }

    @Test("a body that is cancelled while it runs gets the error at its next pause, even within its slice", arguments: [false, true])
    func cancelWhileRunning(parks: Bool) {
        let other = DispatchSemaphore(value: 0), done = DispatchSemaphore(value: 0)
        let coroutine = Coroutine(on: threads, slice: nil) { context in
            other.signal()
            done.wait()
            if parks { try context.park() } else { try context.pause() }
        }
        let canceller = Thread {
            other.wait()
            coroutine.cancel()
            done.signal()
        }
        canceller.start()
        #expect(coroutine.resume().error is CancellationError)
    }

    @Test("a coroutine that is cancelled before it begins never runs, and uses no thread") func cancelBeforeBeginning() {
        let threads = CoroutineThreads(name: "test.coroutine", onStart: { [log] in log.add("thread") })
        let coroutine = Coroutine(on: threads) { [log] _ in log.add("began") }
        coroutine.cancel()
        #expect(coroutine.resume().error is CancellationError)
        #expect(log.all.isEmpty)
    }

    @Test("a cancelled body that continues cannot pause again, and may still end normally") func stubborn() {
        let coroutine = Coroutine(on: threads, slice: .zero) { [log] context in
            for _ in 0..<3 {
                do { try context.pause() } catch { log.add("cancelled") }
                do { try context.park() } catch { log.add("cancelled") }
            }
        }
        coroutine.resume()
        coroutine.cancel()
        #expect(coroutine.resume().isSuccess)
        #expect(log.all == Array(repeating: "cancelled", count: 6))
    }

    @Test("a coroutine that is released before its end has ended when the release returns", arguments: [false, true])
    func drop(isParked: Bool) {
        do {
            let coroutine = Coroutine(on: threads, slice: .zero, onRunnable: { [log] in log.add("runnable") }) { [log] context in
                defer { log.add("cleaned up") }
                if isParked { try context.park() } else { try context.pause() }
            }
            coroutine.resume()
        }
        #expect(log.all == ["cleaned up"])
    }

    @Test("a coroutine that is released before it begins never runs, and releases its captures") func dropBeforeBeginning() {
        weak var held: Log?
        do {
            let log = Log()
            held = log
            _ = Coroutine(on: threads) { _ in log.add("began") }
            #expect(log.all.isEmpty)
        }
        #expect(held == nil)
    }

    @Test("a body's captures are released before its end is reported") func captures() {
        weak var held: Log?
        let coroutine: Coroutine
        do {
            let log = Log()
            held = log
            coroutine = Coroutine(on: threads, slice: .zero) { context in
                try context.pause()
                log.add("ended")
            }
        }
        coroutine.resume()
        #expect(held != nil)
        coroutine.resume()
        #expect(held == nil)
    }

    // MARK: threads

    @Test("consecutive coroutines share one thread, simultaneous ones have one each") func threadReuse() {
        let threads = CoroutineThreads(name: "test.coroutine", onStart: { [log] in log.add("thread") })
        for _ in 0..<50 { #expect(Coroutine(on: threads) { _ in }.resume().isSuccess) }
        #expect(log.all.count == 1)
        for _ in 0..<5 {
            let coroutines = (0..<3).map { _ in Coroutine(on: threads, slice: .zero) { try $0.pause() } }
            for _ in 0..<2 { for coroutine in coroutines { coroutine.resume() } }
            #expect(coroutines.allSatisfy { $0.state.isSuccess })
        }
        #expect(log.all.count == 3)
    }

    @Test("a thread is prepared before a body runs on it, and has enough stack for deep recursion") func preparation() {
        let threads = CoroutineThreads(name: "test.coroutine") { Thread.current.threadDictionary["prepared"] = true }
        let coroutine = Coroutine(on: threads) { [log] _ in
            log.add("\(Thread.current.threadDictionary["prepared"] ?? false)")
            log.add("\(Thread.current.stackSize)")
        }
        #expect(coroutine.resume().isSuccess)
        #expect(log.all == ["true", "\(8 << 20)"])
    }

    /// Signals when the thread ends in whose dictionary it is.
    private final class ThreadEnd: Sendable {
        let signal: DispatchSemaphore
        init(_ signal: DispatchSemaphore) { self.signal = signal }
        deinit { signal.signal() }
    }

    @Test("threads end when their coroutines have ended and the pool is released") func threadsEnd() {
        let ended = DispatchSemaphore(value: 0)
        var coroutines: [Coroutine] = []
        do {
            let threads = CoroutineThreads(name: "test.coroutine") { Thread.current.threadDictionary["end"] = ThreadEnd(ended) }
            coroutines = (0..<3).map { _ in Coroutine(on: threads, slice: .zero) { try $0.pause() } }
        }
        for coroutine in coroutines { coroutine.resume() }
        coroutines.removeFirst()  // released unfinished; its thread is not reused
        for coroutine in coroutines { coroutine.resume() }
        #expect(ended.wait(timeout: .now()) == .timedOut)
        coroutines = []
        for _ in 0..<3 { #expect(ended.wait(timeout: .now() + 30) == .success) }
    }

    // MARK: many

    @Test("of many coroutines that are unparked and cancelled from other threads, one runs at a time, and all end")
    func stress() {
        let count = 24, rounds = 200
        let inside = Atomic(0), collisions = Atomic(0), wake = DispatchSemaphore(value: 0)
        let coroutines = (0..<count).map { number in
            Coroutine(on: threads, slice: .zero, onRunnable: { wake.signal() }) { context in
                for round in 0..<rounds {
                    if inside.add(1, ordering: .relaxed).oldValue != 0 { collisions.add(1, ordering: .relaxed) }
                    inside.subtract(1, ordering: .relaxed)
                    if (round + number).isMultiple(of: 3) { try context.park() } else { try context.pause() }
                }
            }
        }
        let stops = Atomic(false)
        let others = (0..<2).map { seed in
            let done = DispatchSemaphore(value: 0)
            Thread {
                var random = SeededRandom(seed: UInt64(seed))
                while !stops.load(ordering: .relaxed) {
                    let coroutine = coroutines[Int.random(in: 0..<count, using: &random)]
                    if Int.random(in: 0..<4000, using: &random) == 0 { coroutine.cancel() } else { coroutine.unpark() }
                }
                done.signal()
            }.start()
            return done
        }
        while !coroutines.allSatisfy(\.state.isFinished) {
            let runnable = coroutines.filter(\.state.isRunnable)
            if runnable.isEmpty { #expect(wake.wait(timeout: .now() + 30) == .success) }
            for coroutine in runnable { coroutine.resume() }
        }
        stops.store(true, ordering: .relaxed)
        for other in others { other.wait() }
        #expect(collisions.load(ordering: .relaxed) == 0)
        #expect(coroutines.allSatisfy { $0.state.isSuccess || $0.state.error is CancellationError })
    }
}

extension Coroutine.State {
    fileprivate var isRunnable: Bool { if case .runnable = self { true } else { false } }
    fileprivate var isParked: Bool { if case .parked = self { true } else { false } }
    fileprivate var isFinished: Bool { if case .finished = self { true } else { false } }
    fileprivate var isSuccess: Bool { if case .finished(.success) = self { true } else { false } }
    fileprivate var error: (any Error)? { if case .finished(.failure(let error)) = self { error } else { nil } }
}
