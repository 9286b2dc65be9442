import Foundation
import Synchronization

/// The places of requests that are being spoken, and a queue before them that is limited in length and by when the first sound is expected.
final class SpeechQueue: Sendable {
    private struct State {
        var admission: SpeechAdmission
        var next = 0
        var waiting: [Int: CheckedContinuation<Void, any Error>] = [:]
    }

    private let state: Mutex<State>
    private let start: ContinuousClock.Instant
    private let clock: @Sendable () -> ContinuousClock.Instant

    /// - Parameters:
    ///   - places: the number of requests that are spoken at the same time.
    ///   - length: the number of requests that may wait.
    ///   - patience: a request is refused if its first sound is expected after more than this many seconds.
    init(places: Int, length: Int, patience: Double, clock: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        state = Mutex(State(admission: SpeechAdmission(places: places, length: length, patience: patience)))
        (self.clock, start) = (clock, clock())
    }

    private var now: Double { (clock() - start) / .seconds(1) }

    /// The numbers of requests that have a place, and that wait for one.
    var load: (running: Int, waiting: Int) { state.withLock { $0.admission.load } }

    /// Waits for a place, which is occupied until the returned object is released.
    ///
    /// - Parameter characters: the length of the text; nil if the request has no text.
    /// - Throws: ``APIError`` at once if too many requests wait or it would take too long; `CancellationError`.
    func enter(characters: Int? = nil) async throws -> Place {
        let number = state.withLock { state in
            state.next += 1
            return state.next
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let answer: Result<Void, any Error>? = state.withLock { take(number, characters, continuation, &$0) }
                if let answer { continuation.resume(with: answer) }
            }
        } onCancel: {
            giveUp(number)
        }
        return Place { [self] in
            leave(number)
        } onStep: { [self] in
            note($0, of: number)
        }
    }

    private func take(
        _ number: Int, _ characters: Int?, _ continuation: CheckedContinuation<Void, any Error>, _ state: inout State
    ) -> Result<Void, any Error>? {
        if Task.isCancelled { return .failure(CancellationError()) }
        switch state.admission.enter(number, characters: characters, at: now) {
        case .speak: return .success(())
        case .wait:
            state.waiting[number] = continuation
            return nil
        case .refuseFull(let expected):
            return .failure(APIError.busy("\(state.admission.length) requests wait already", code: "queue_full", retryAfter: max(1, expected)))
        case .refuseLate(let expected):
            let patience = state.admission.patience
            return .failure(
                APIError.busy(
                    "speech would not begin within \(JSON.number(patience).text) s: about \(Int(expected.rounded(.up))) s are expected",
                    code: "slow_down",
                    retryAfter: expected - patience))
        }
    }

    private func giveUp(_ number: Int) {
        // A request that already has its place frees it as usual.
        let left = state.withLock { state -> CheckedContinuation<Void, any Error>? in
            guard let continuation = state.waiting.removeValue(forKey: number) else { return nil }
            _ = state.admission.leave(number, at: now)
            return continuation
        }
        left?.resume(throwing: CancellationError())
    }

    private func leave(_ number: Int) {
        let next = state.withLock { state in state.admission.leave(number, at: now).map { state.waiting.removeValue(forKey: $0)! } }
        next?.resume()
    }

    private func note(_ step: Place.Step, of number: Int) {
        state.withLock { state in
            switch step {
            case .begins: state.admission.begin(number, at: now)
            case .sounds: state.admission.sound(number, at: now)
            case .ends: state.admission.end(number, at: now)
            }
        }
    }
}

/// One of the places, occupied until this object is released.
final class Place: Sendable {
    /// The progress of a request with a place.
    enum Step: Sendable {
        /// The model and the voice are loaded, and the model begins to speak.
        case begins
        /// Sound has been computed.
        case sounds
        /// Everything has been computed.
        case ends
    }

    private let leave: @Sendable () -> Void
    private let onStep: @Sendable (Step) -> Void
    private let onFree = Mutex<(@Sendable () -> Void)?>(nil)

    init(_ leave: @escaping @Sendable () -> Void, onStep: @escaping @Sendable (Step) -> Void = { _ in }) {
        (self.leave, self.onStep) = (leave, onStep)
    }

    deinit {
        leave()
        onFree.withLock(\.self)?()
    }

    func comes(to step: Step) { onStep(step) }

    /// Sets a function that is called when the place has been freed.
    func whenFree(_ then: @escaping @Sendable () -> Void) { onFree.withLock { $0 = then } }
}
