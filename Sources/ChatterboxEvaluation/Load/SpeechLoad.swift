import Chatterbox
import Foundation
import Synchronization

/// When requests arrive.
public enum LoadPattern: Sendable, Hashable {
    /// A number of listeners, each of whom requests the next text when the previous one has ended. With one listener, texts are spoken one after
    /// the other.
    case closed(listeners: Int)
    /// A mean number of requests a second, independent of other requests: a Poisson process.
    case open(rate: Double, seed: UInt64)
}

/// A request that has been spoken, in seconds since the measurement began.
public struct SpokenRequest: Sendable, Hashable {
    /// The time when the listener requested it, or when it arrived.
    public let start: Double
    /// The time of its last sound.
    public let end: Double
    public let listener: Listener
    /// The report, if the speaker returned one.
    public let report: SpeechReport?
    /// Number of refusals before it was spoken.
    public let refusals: Int

    public init(start: Double, end: Double, listener: Listener, report: SpeechReport? = nil, refusals: Int = 0) {
        (self.start, self.end, self.listener, self.report, self.refusals) = (start, end, listener, report, refusals)
    }

    /// Seconds from the request to the first audible sound.
    public var firstAudioSeconds: Double? { listener.firstAudio.map { $0 - start } }
    /// Seconds of sound per second, from the request to its end.
    public var realTimeFactor: Double { end > start ? listener.audioSeconds / (end - start) : 0 }
}

/// Runs requests according to a pattern, and records when sound arrives.
///
/// A request's time is counted from its arrival, not from when the speaker starts it, so that a growing backlog is visible. A refused request is
/// repeated after the given pause, and its time includes the wait.
public struct SpeechLoad<Time: Clock>: Sendable where Time.Duration == Duration {
    private let speaker: any LoadSpeaker
    private let clock: Time
    /// How often a request is repeated at most, and the longest pause before that, in seconds.
    private let attempts = 30, longestPause = 10.0

    public init(_ speaker: any LoadSpeaker, clock: Time) {
        (self.speaker, self.clock) = (speaker, clock)
    }

    /// Speaks all requests, each once.
    ///
    /// - Returns: the requests in their order.
    /// - Throws: errors of the speaker for any of them, including a request that it has refused thirty times, and `CancellationError`; the others are
    ///   then cancelled.
    public func run(_ requests: [LoadRequest], _ pattern: LoadPattern) async throws -> [SpokenRequest] {
        let start = clock.now
        var spoken = [SpokenRequest?](repeating: nil, count: requests.count)
        try await withThrowingTaskGroup(of: [(Int, SpokenRequest)].self) { group in
            switch pattern {
            case .closed(let listeners):
                let left = Turns(requests.count)
                for _ in 0..<max(1, listeners) {
                    group.addTask {
                        var own: [(Int, SpokenRequest)] = []
                        while let number = left.next() { own.append((number, try await listen(to: requests[number], since: start))) }
                        return own
                    }
                }
            case .open(let rate, let seed):
                for (number, arrival) in zip(requests.indices, PoissonArrivals(rate: rate, seed: seed)) {
                    group.addTask {
                        try await clock.sleep(until: start.advanced(by: .seconds(arrival)), tolerance: nil)
                        return [(number, try await listen(to: requests[number], since: start, arrival: arrival))]
                    }
                }
            }
            for try await finished in group {
                for (number, request) in finished { spoken[number] = request }
            }
        }
        return spoken.map { $0! }
    }

    private func listen(to request: LoadRequest, since start: Time.Instant, arrival: Double? = nil) async throws -> SpokenRequest {
        func now() -> Double { start.duration(to: clock.now) / .seconds(1) }
        let begin = arrival ?? now()
        var listener = Listener(), refusals = 0
        while true {
            do {
                let report = try await speaker.speak(request) { listener.hear($0, at: now()) }
                return SpokenRequest(start: begin, end: now(), listener: listener, report: report, refusals: refusals)
            } catch let refusal as LoadRefusal {
                refusals += 1
                guard refusals < attempts else { throw refusal.reason }
                try await clock.sleep(until: clock.now.advanced(by: .seconds(min(max(0, refusal.pause), longestPause))), tolerance: nil)
            }
        }
    }
}

/// Numbers from 0, each returned once.
private final class Turns: Sendable {
    private let count: Int
    private let taken = Atomic(0)

    init(_ count: Int) { self.count = count }

    func next() -> Int? {
        let number = taken.add(1, ordering: .relaxed).oldValue
        return number < count ? number : nil
    }
}

/// Arrival times of independent requests: the times between them are exponentially distributed.
public struct PoissonArrivals: Sequence, IteratorProtocol, Sendable {
    private let rate: Double
    private var random: SplitMix64
    private var time = 0.0

    /// - Parameters:
    ///   - rate: arrivals a second, above 0.
    ///   - seed: the same one gives the same times.
    public init(rate: Double, seed: UInt64) {
        precondition(rate > 0, "somebody arrives")
        (self.rate, random) = (rate, SplitMix64(seed: seed))
    }

    /// The next arrival, in seconds from the beginning.
    public mutating func next() -> Double? {
        // The upper 53 bits give a number in (0, 1].
        time -= log(Double((random.next() >> 11) + 1) / 9_007_199_254_740_992) / rate
        return time
    }
}
