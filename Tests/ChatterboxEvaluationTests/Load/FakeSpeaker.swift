import Chatterbox
import Synchronization

@testable import ChatterboxEvaluation

/// Speaks on a virtual clock: each request takes seconds that do not depend on the others, and then seconds of work during which only one of them
/// runs. Sound is delivered in pieces during the work.
final class FakeSpeaker: LoadSpeaker {
    struct Failure: Error, Hashable { let text: String }

    private let time: VirtualTime
    private let own: Double
    private let work: [Double]
    private let sound: HeardSound
    private let refused: Int, pause: Double
    private let state = Mutex(State())

    private struct State {
        var freeAt = VirtualTime.Instant(sinceStart: .zero)
        var open = 0, mostOpen = 0
        var texts: [String] = []
        var refusals = 0
    }

    /// - Parameters:
    ///   - own: seconds of each request that overlap with other requests.
    ///   - work: seconds of exclusive work, after each of which a piece of sound is delivered.
    ///   - refused: how often requests are refused, each for `pause` seconds.
    init(
        _ time: VirtualTime, own: Double = 0, work: [Double], sound: HeardSound = HeardSound(seconds: 1), refused: Int = 0, pause: Double = 0
    ) {
        (self.time, self.own, self.work, self.sound, self.refused, self.pause) = (time, own, work, sound, refused, pause)
    }

    /// The largest number of open requests at a time.
    var mostOpen: Int { state.withLock(\.mostOpen) }
    /// The spoken texts, in the order of the requests.
    var texts: [String] { state.withLock(\.texts) }

    func speak(_ request: LoadRequest, onSound: (HeardSound) -> Void) async throws -> SpeechReport? {
        state.withLock { state in
            state.open += 1
            state.mostOpen = max(state.mostOpen, state.open)
            state.texts.append(request.text)
        }
        defer { state.withLock { $0.open -= 1 } }
        if request.text == "fail" { throw Failure(text: request.text) }
        let isRefused = state.withLock { state in
            defer { state.refusals += 1 }
            return state.refusals < refused
        }
        if isRefused { throw LoadRefusal(pause: pause, reason: Failure(text: request.text)) }
        try await time.sleep(seconds: own)
        for seconds in work {
            let end = state.withLock { state in
                state.freeAt = max(state.freeAt, time.now).advanced(by: .seconds(seconds))
                return state.freeAt
            }
            try await time.sleep(until: end, tolerance: nil)
            onSound(sound)
        }
        return nil
    }
}
