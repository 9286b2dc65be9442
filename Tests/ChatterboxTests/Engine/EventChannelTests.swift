import Dispatch
import Foundation
import SpeechAudio
import Synchronization
import TestSupport
import Testing

@testable import Chatterbox

@Suite("Event channel", .timeLimit(.minutes(2))) struct EventChannelTests {
    private struct Trouble: Error {}

    private static func sound(_ seconds: Double) -> SpeechEvent {
        .audio(
            SpeechChunk(
                audio: Audio(samples: Array(repeating: 0, count: Int(seconds * 100)), sampleRate: 100), text: "", report: SpeechReport(), seed: 1,
                words: []))
    }

    private static func number(_ number: Int) -> SpeechEvent { .progress(.tokens(number)) }

    /// Counts the notifications of a producer.
    private final class Told: Sendable {
        let room = Atomic(0), leave = Atomic(0)
        var rooms: Int { room.load(ordering: .relaxed) }
        var leaves: Int { leave.load(ordering: .relaxed) }

        func connect(_ channel: EventChannel) {
            channel.connect {
                self.room.add(1, ordering: .relaxed)
            } onLeave: {
                self.leave.add(1, ordering: .relaxed)
            }
        }
    }

    // MARK: order and ends

    @Test("events arrive in order, whether sent before or after they are requested, and then the end") func order() async throws {
        let events = (0..<1000).map(Self.number)
        let early = EventChannel(), late = EventChannel()
        events.forEach(early.send)
        early.finish()
        async let isRead = Self.read(late)
        events.forEach(late.send)
        late.finish()
        #expect(try await Self.read(early) == events)
        #expect(try await isRead == events)
    }

    private static func read(_ channel: EventChannel) async throws -> [SpeechEvent] {
        var events: [SpeechEvent] = []
        while let event = try await channel.next() { events.append(event) }
        return events
    }

    @Test("an error arrives after the events before it; later events are dropped, and a second end has no effect")
    func error() async throws {
        let channel = EventChannel()
        channel.send(Self.number(1))
        channel.finish(throwing: Trouble())
        channel.finish()
        channel.send(Self.number(2))
        #expect(try await channel.next() == Self.number(1))
        await #expect(throws: Trouble.self) { try await channel.next() }
    }

    // MARK: bounds

    @Test("there is room for two seconds of unread sound; the producer is notified each time there is room again")
    func room() async throws {
        let channel = EventChannel(), told = Told()
        told.connect(channel)
        channel.send(Self.sound(1.9))
        #expect(channel.hasRoom)
        channel.send(Self.sound(0.5))
        #expect(!channel.hasRoom)
        channel.send(Self.sound(1.5))
        _ = try await channel.next()
        #expect(!channel.hasRoom)
        #expect(told.rooms == 0)
        _ = try await channel.next()
        #expect(channel.hasRoom)
        #expect(told.rooms == 1)
        _ = try await channel.next()
        #expect(told.rooms == 1)
        channel.send(Self.sound(2))
        #expect(!channel.hasRoom)
        _ = try await channel.next()
        #expect(told.rooms == 2)
        #expect(told.leaves == 0)
    }

    @Test("events without sound also fill the channel") func manyEvents() async throws {
        let channel = EventChannel(mostEvents: 3)
        (0..<3).map(Self.number).forEach(channel.send)
        #expect(!channel.hasRoom)
        _ = try await channel.next()
        #expect(channel.hasRoom)
    }

    // MARK: loops

    @Test("nothing begins before the first event is requested, and each loop is a separate request") func cold() async throws {
        let count = Atomic(0)
        let events = SpeechEvents { channel in
            channel.send(.started(seed: UInt64(count.add(1, ordering: .relaxed).newValue)))
            channel.finish()
        }
        let first = events.makeAsyncIterator()
        #expect(count.load(ordering: .relaxed) == 0)
        #expect(try await first.next() == .started(seed: 1))
        #expect(try await first.next() == nil)
        let second = events.makeAsyncIterator()
        #expect(try await second.next() == .started(seed: 2))
        #expect(count.load(ordering: .relaxed) == 2)
    }

    @Test("leaving a loop stops the work at once, and notifies the producer once") func leave() async throws {
        let told = Told(), kept = Mutex<EventChannel?>(nil)
        let events = SpeechEvents { channel in
            told.connect(channel)
            kept.withLock { $0 = channel }
            for number in 0..<5 { channel.send(Self.number(number)) }
        }
        for try await event in events where event == Self.number(2) { break }
        let channel = kept.withLock(\.self)
        #expect(told.leaves == 1)
        #expect(channel?.hasRoom == false)
        channel?.leave()
        #expect(told.leaves == 1)
    }

    @Test("a producer that connects after the consumer has left is notified, one that has ended is not") func lateConnection() {
        let left = EventChannel(), ended = EventChannel(), toldOfLeft = Told(), toldOfEnded = Told()
        left.leave()
        toldOfLeft.connect(left)
        #expect(toldOfLeft.leaves == 1)
        toldOfEnded.connect(ended)
        ended.finish()
        ended.leave()
        #expect(toldOfEnded.leaves == 0)
    }

    @Test("a channel releases its producer at the end, and when the consumer leaves", arguments: [true, false])
    func producerIsReleased(ends: Bool) {
        let channel = EventChannel()
        weak var producer: Told?
        do {
            let told = Told()
            told.connect(channel)
            producer = told
        }
        #expect(producer != nil)
        if ends { channel.finish() } else { channel.leave() }
        #expect(producer == nil)
    }

    // MARK: cancellation

    @Test("a consumer that is cancelled while it waits gets CancellationError, and the work stops") func cancelWaiting() async {
        let told = Told(), (starts, start) = AsyncStream.makeStream(of: Void.self)
        let task = Task {
            for try await _ in SpeechEvents({ channel in
                told.connect(channel)
                start.yield()
            }) {}
        }
        for await _ in starts { break }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(told.leaves == 1)
    }

    @Test("a cancelled consumer never gets a normal end, even if all events have arrived") func cancelReady() async {
        let (reads, read) = AsyncStream.makeStream(of: Void.self), (cancels, cancel) = AsyncStream.makeStream(of: Void.self)
        let task = Task {
            let events = SpeechEvents { channel in
                for number in 0..<3 { channel.send(Self.number(number)) }
                channel.finish()
            }
            for try await _ in events {
                read.yield()
                for await _ in cancels { break }
            }
        }
        for await _ in reads { break }
        task.cancel()
        cancel.finish()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test("in a task that is already cancelled nothing begins") func cancelBefore() async {
        let count = Atomic(0)
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            for try await _ in SpeechEvents({ _ in count.add(1, ordering: .relaxed) }) {}
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(count.load(ordering: .relaxed) == 0)
    }

    // MARK: with coroutines

    /// A request that produces `seconds` of sound, half a second in each unit.
    private static func speak(_ seconds: Double, _ channel: EventChannel, on threads: CoroutineThreads) -> Coroutine {
        let coroutine = Coroutine(on: threads, slice: nil) { context in
            for _ in 0..<Int(seconds * 2) {
                while !channel.hasRoom { try context.park() }
                channel.send(sound(0.5))
            }
            channel.finish()
        }
        channel.connect { [weak coroutine] in
            coroutine?.unpark()
        } onLeave: { [weak coroutine] in
            coroutine?.cancel()
        }
        return coroutine
    }

    @Test("a consumer that does not read parks only its own request, which continues when it reads and stops when it leaves")
    func slowConsumer() async throws {
        let threads = CoroutineThreads(name: "test.coroutine")
        let slow = EventChannel(), other = EventChannel()
        let slowRequest = Self.speak(60, slow, on: threads), otherRequest = Self.speak(1, other, on: threads)
        guard case .parked = slowRequest.resume() else { throw Trouble() }
        guard case .finished(.success) = otherRequest.resume() else { throw Trouble() }
        #expect(try await Self.read(other).count == 2)
        _ = try await slow.next()
        guard case .runnable = slowRequest.state else { throw Trouble() }
        guard case .parked = slowRequest.resume() else { throw Trouble() }
        slow.leave()
        guard case .finished(.failure(is CancellationError)) = slowRequest.resume() else { throw Trouble() }
    }

    // MARK: many

    @Test("with many producers and consumers, some of which leave or are cancelled, no event is lost and nothing waits for ever")
    func stress() async {
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<64 { group.addTask { await Self.exchange(seed: UInt64(number)) } }
        }
    }

    /// One producer on a separate thread, and one consumer that leaves, is cancelled, or reads to the end.
    private static func exchange(seed: UInt64) async {
        var random = SeededRandom(seed: seed)
        let count = 200 + random.below(400), stop = random.below(2 * count)
        let isCancelled = random.below(2) == 0, fails = random.below(4) == 0
        let (ends, end) = AsyncStream.makeStream(of: Void.self)
        let events = SpeechEvents { channel in
            let thread = Thread {
                produce(count, channel, fails: fails)
                end.finish()
            }
            thread.start()
        }
        let consumer = Task {
            var expected = 0
            for try await event in events {
                if case .progress(.tokens(let number)) = event {
                    #expect(number == expected)
                    expected += 1
                }
                guard expected == stop else { continue }
                if isCancelled { withUnsafeCurrentTask { $0?.cancel() } } else { return }
            }
            #expect(expected == count)
        }
        let result = await consumer.result
        for await _ in ends {}
        switch result {
        case .success: #expect(!fails || (stop <= count && !isCancelled))
        case .failure(let error):
            #expect(error is CancellationError ? isCancelled && stop <= count : error is Trouble && fails)
        }
    }

    /// Sends numbers and sound, never more than there is room for, until all is sent or there is no reader.
    private static func produce(_ count: Int, _ channel: EventChannel, fails: Bool) {
        let isGone = Atomic(false), wake = DispatchSemaphore(value: 0)
        channel.connect {
            wake.signal()
        } onLeave: {
            isGone.store(true, ordering: .relaxed)
            wake.signal()
        }
        for number in 0..<count {
            while !channel.hasRoom, !isGone.load(ordering: .relaxed) {
                guard wake.wait(timeout: .now() + 60) == .success else {
                    Issue.record("room is not announced")
                    return channel.finish()
                }
            }
            if isGone.load(ordering: .relaxed) { break }
            channel.send(.progress(.tokens(number)))
            channel.send(sound(0.3))
        }
        channel.finish(throwing: fails ? Trouble() : nil)
    }
}
