import Foundation
import ServiceLifecycle
import Torch

/// What is done beside requests, until the server stops: unloading models that nobody uses, and giving memory back when the
/// server has become quiet.
struct Housekeeping: Service {
    let state: ServerState

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var served = 0
            while (try? await Task.sleep(for: .seconds(1))) != nil {
                if let timeout = state.configuration.idleTimeout { await state.models.unloadIdle(after: timeout) }
                // Once after each time of work: what malloc keeps for more is not needed soon.
                let (load, all) = (state.queue.load, state.queue.served)
                if load.running == 0, all != served {
                    served = all
                    try? Memory.releaseCache()
                }
            }
        }
        state.beginToStop()
    }
}
