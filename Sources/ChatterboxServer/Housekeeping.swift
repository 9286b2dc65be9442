import Foundation
import ServiceLifecycle
import Torch

/// What is done beside requests, until the server stops: unloading models that nobody uses, and giving memory back when the
/// server has become quiet.
struct Housekeeping: Service {
    let state: ServerState

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var trimmed = 0, last = ContinuousClock.now
            while (try? await Task.sleep(for: .seconds(1))) != nil {
                if let timeout = state.configuration.idleTimeout { await state.models.unloadIdle(after: timeout) }
                // What malloc keeps of what connections and requests had is not needed soon.
                let ended = state.endings
                if ended != trimmed, state.queue.load.running == 0, .now - last > .seconds(10) {
                    (trimmed, last) = (ended, .now)
                    try? Memory.releaseCache()
                }
            }
        }
        state.beginToStop()
    }
}
