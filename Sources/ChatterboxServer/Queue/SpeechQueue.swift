import Foundation
import Synchronization

/// Places for requests that are being spoken, and a queue before them that is bounded by number and by the time that it
/// would take.
final class SpeechQueue: Sendable {
    private struct State {
        var taken = 0
        var next = 0
        /// In the order of their coming.
        var waiting: [(number: Int, continuation: CheckedContinuation<Void, any Error>)] = []
        /// Seconds that a place is held for, a moving mean; nil before any was given back.
        var holding: Double?
        /// Places that have been given back.
        var served = 0
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

    /// Requests that hold a place, and that wait for one.
    var load: (running: Int, waiting: Int) { state.withLock { ($0.taken, $0.waiting.count) } }

    /// Requests that have given their place back.
    var served: Int { state.withLock(\.served) }

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
        return Place { [self] seconds in leave(after: seconds) }
    }

    private func take(_ number: Int, _ continuation: CheckedContinuation<Void, any Error>, _ state: inout State) -> Result<Void, any Error>? {
        if Task.isCancelled { return .failure(CancellationError()) }
        if state.taken < places {
            state.taken += 1
            return .success(())
        }
        let expected = Double(state.waiting.count + 1) / Double(places) * (state.holding ?? 0)
        if state.waiting.count >= length {
            return .failure(APIError.busy("\(length) requests wait already", code: "queue_full", retryAfter: max(1, expected)))
        }
        if expected > patience {
            return .failure(APIError.busy(
                "speech would not begin within \(JSON.number(patience).text) s: about \(Int(expected.rounded())) s are expected", code: "slow_down",
                retryAfter: expected - patience))
        }
        state.waiting.append((number, continuation))
        return nil
    }

    private func leave(after seconds: Double) {
        let next = state.withLock { state in
            state.served += 1
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
    private let since = ContinuousClock.now
    private let leave: @Sendable (Double) -> Void

    /// - Parameter leave: called once with the seconds that the place was held for.
    init(_ leave: @escaping @Sendable (Double) -> Void) { self.leave = leave }

    deinit { leave((ContinuousClock.now - since) / .seconds(1)) }
}
