import Foundation
import Synchronization

/// Places for requests that are being spoken, and a queue before them that is bounded by number and by the time until the first
/// sound: for a place, and then in company with the others that are spoken.
///
/// What is expected is learnt from what was. Where nobody speaks everybody is let in, so that a machine that was slow once is
/// tried again.
final class SpeechQueue: Sendable {
    private struct State {
        var taken = 0
        var next = 0
        /// In the order of their coming.
        var waiting: [(number: Int, continuation: CheckedContinuation<Void, any Error>)] = []
        /// Seconds that a place is held for, a moving mean; nil before any was given back.
        var holding: Double?
        /// Seconds from a place to the first sound, for each request that is spoken meanwhile.
        var starting = Estimate()
    }

    /// Requests that are spoken at once.
    let places: Int
    /// Requests that may wait.
    let length: Int
    /// The longest that a request may be expected to wait, in seconds.
    let patience: Double
    private let state = Mutex(State())

    /// - Parameter holding: seconds that a place is held for, as far as that is known.
    init(places: Int, length: Int, patience: Double, holding: Double? = nil) {
        (self.places, self.length, self.patience) = (places, length, patience)
        state.withLock { $0.holding = holding }
    }

    /// Seconds to the first sound that few requests exceed: their mean and twice their mean distance from it, both moving.
    struct Estimate {
        fileprivate(set) var mean: Double?
        private var deviation = 0.0

        init(mean: Double? = nil) { self.mean = mean }

        var seconds: Double { (mean ?? 0) + 2 * deviation }

        mutating func take(_ seconds: Double) {
            guard let mean else { return mean = seconds }
            deviation += (abs(seconds - mean) - deviation) * 0.2
            self.mean = mean + (seconds - mean) * 0.2
        }
    }

    /// Requests that hold a place, and that wait for one.
    var load: (running: Int, waiting: Int) { state.withLock { ($0.taken, $0.waiting.count) } }

    /// Takes it as known that a request's first sound comes after so many seconds, for each that is spoken meanwhile.
    func learn(estimate seconds: Double) { state.withLock { $0.starting = Estimate(mean: seconds) } }

    /// Waits for a place, which is held until what is returned goes away.
    ///
    /// - Throws: ``APIError`` at once where too many wait or it would take too long; `CancellationError`.
    func enter() async throws -> Place {
        let number = state.withLock { state in
            state.next += 1
            return state.next
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let answer: Result<Void, any Error>? = state.withLock { take(number, continuation, &$0) }
                if let answer { continuation.resume(with: answer) }
            }
        } onCancel: {
            let left = state.withLock { state in
                state.waiting.firstIndex { $0.number == number }.map { state.waiting.remove(at: $0).continuation }
            }
            left?.resume(throwing: CancellationError())
        }
        // Those who come while this one waits for its first sound share what is there with it.
        let company = state.withLock(\.taken)
        return Place { [self] in leave(after: $0) } onSound: { [self] in begun(after: $0 / Double(company), hasCome: $1) }
    }

    private func take(_ number: Int, _ continuation: CheckedContinuation<Void, any Error>, _ state: inout State) -> Result<Void, any Error>? {
        if Task.isCancelled { return .failure(CancellationError()) }
        let isFree = state.taken < places, ahead = state.waiting.count
        let wait = isFree ? 0 : Double(ahead + 1) / Double(places) * (state.holding ?? 0)
        let expected = wait + state.starting.seconds * Double(min(places, state.taken + 1))
        if !isFree, ahead >= length {
            return .failure(APIError.busy("\(length) requests wait already", code: "queue_full", retryAfter: max(1, expected)))
        }
        if expected > patience, state.taken > 0 {
            return .failure(APIError.busy(
                "speech would not begin within \(JSON.number(patience).text) s: about \(Int(expected.rounded())) s are expected", code: "slow_down",
                retryAfter: expected - patience))
        }
        guard isFree else {
            state.waiting.append((number, continuation))
            return nil
        }
        state.taken += 1
        return .success(())
    }

    /// - Parameter hasCome: whether it was the first sound that came. Who gave up tells how long it takes at least.
    private func begun(after seconds: Double, hasCome: Bool) {
        state.withLock { if hasCome || seconds > $0.starting.seconds { $0.starting.take(seconds) } }
    }

    private func leave(after seconds: Double) {
        let next = state.withLock { state in
            state.holding = state.holding.map { $0 + (seconds - $0) * 0.2 } ?? seconds
            guard !state.waiting.isEmpty else {
                state.taken -= 1
                return CheckedContinuation<Void, any Error>?.none
            }
            return state.waiting.removeFirst().continuation
        }
        next?.resume()
    }
}

/// A place in a queue, held until this object goes away.
final class Place: Sendable {
    private struct State {
        /// When the model and the voice were there, and whether sound has come since.
        var ready: ContinuousClock.Instant?
        var hasSound = false
    }

    private let since = ContinuousClock.now
    private let state = Mutex(State())
    private let leave: @Sendable (Double) -> Void
    private let onSound: @Sendable (_ seconds: Double, _ hasCome: Bool) -> Void

    /// - Parameters:
    ///   - leave: called once with the seconds that the place was held for.
    ///   - onSound: called once with the seconds from ``speaks()`` to the first sound, or to the end of waiting for it.
    init(_ leave: @escaping @Sendable (Double) -> Void, onSound: @escaping @Sendable (_ seconds: Double, _ hasCome: Bool) -> Void = { _, _ in }) {
        (self.leave, self.onSound) = (leave, onSound)
    }

    deinit {
        let state = state.withLock(\.self)
        if let ready = state.ready, !state.hasSound { onSound((.now - ready) / .seconds(1), false) }
        leave((ContinuousClock.now - since) / .seconds(1))
    }

    /// The model begins to speak.
    func speaks() { state.withLock { $0.ready = .now } }

    /// A sound has come.
    func sounds() {
        let ready = state.withLock { state in
            defer { state.hasSound = true }
            return state.hasSound ? nil : state.ready
        }
        if let ready { onSound((.now - ready) / .seconds(1), true) }
    }
}
