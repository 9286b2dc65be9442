import Dispatch
import Foundation
import Logging
import Synchronization
import Torch

/// Runs the requests of all models on one device, one small unit of work at a time.
///
/// A loop on its own thread chooses the next unit (`Scheduler`). The loop computes the steps in which the tokens of all requests of a model are
/// sampled; everything else of a request runs in a `Coroutine` that yields after each unit. One thread computes at any time, no request waits for
/// another's whole sentence, and on the CPU a request gives the same samples whether or not others run at the same time.
///
/// Synthesizers of different models share a device by sharing an engine. An engine exists as long as there is a reference to it or one of its
/// requests is running.
public final class SpeechEngine: Sendable {
    private let mailbox = EngineMailbox()
    private let steps = StepCounts()

    /// - Parameter logger: logs messages about the decoders that requests share (<doc:Logging>); nil logs nothing.
    public init(logger: Logger? = nil) {
        let (mailbox, steps, logger) = (mailbox, steps, logger ?? .silent)
        let thread = Thread { EngineLoop(mailbox, steps, logger).run() }
        thread.name = "chatterbox.engine"
        thread.stackSize = 8 << 20
        thread.start()
    }

    deinit { mailbox.post(.close) }

    /// The number of decoding steps so far, by the number of requests in a step: it shows how far requests share the reading of weights.
    public var stepCounts: [Int: Int] { steps.counts }

    /// A request that is not open yet.
    func makeRequest() -> EngineRequest { EngineRequest(number: mailbox.nextNumber()) }

    /// Opens a request.
    ///
    /// - Parameters:
    ///   - request: a request of this engine; it is opened once.
    ///   - threads: the number of threads that libtorch's operations may use while the body computes.
    ///   - body: the request's work, on one of the engine's threads, whenever the loop resumes it.
    ///   - finish: called once when the body has ended, on one of the engine's threads; it should return at once. A request that is cancelled ends
    ///     with `CancellationError`.
    func open(
        _ request: EngineRequest, _ priority: SpeechPriority = .interactive, threads: Int,
        body: @escaping @Sendable (EngineTurn) throws -> Void,
        finish: @escaping @Sendable (Result<Void, any Error>) -> Void
    ) {
        mailbox.post(.open(request, EngineJob(priority: priority, threads: threads, body: body, finish: finish)))
    }

    /// Prepares what a model's first request would wait for: on a GPU its memory and the captured steps of one request.
    ///
    /// - Throws: `TorchError`, `CancellationError`.
    func warm(_ model: Model) async throws {
        guard model.plan.capturesSteps else { return }
        let slots = model.configuration.t3.isGuided(by: model.variant.sampling) ? 2 : 1
        try await run(threads: model.libtorchThreads) { turn in
            try withoutGradients { try (turn.decodeEngine(of: model) as? CapturedDecodeEngine)?.warm(slots: slots, pause: turn.pause) }
        }
    }

    /// Frees what is kept for a model between its requests: the shared decoder, on a GPU with its captured steps. It is created again for the next
    /// request.
    package func forget(_ model: Model) async {
        model.flowPrompts.removeAll()
        await withCheckedContinuation { continuation in
            mailbox.post(.forget(ObjectIdentifier(model.identity)) { continuation.resume() })
        }
    }

    /// Runs work on the device in its turn, and returns its result. Cancelling the task cancels the work.
    ///
    /// - Parameters:
    ///   - request: a request of this engine; by default a new one.
    ///   - threads: the number of threads that libtorch's operations may use meanwhile.
    func run<Value: Sendable>(
        _ request: EngineRequest? = nil, _ priority: SpeechPriority = .interactive, threads: Int,
        _ work: @escaping @Sendable (EngineTurn) throws -> Value
    ) async throws -> Value {
        let request = request ?? makeRequest(), made = OnceValue<Value>()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                open(request, priority, threads: threads) {
                    made.value = try work($0)
                } finish: { result in
                    continuation.resume(with: result.map { made.value! })
                }
            }
        } onCancel: {
            request.cancel()
        }
    }
}

/// The number of steps, by how many requests they served.
final class StepCounts: Sendable {
    private let stored = Mutex<[Int: Int]>([:])

    var counts: [Int: Int] { stored.withLock(\.self) }

    func add(_ requests: Int) { stored.withLock { $0[requests, default: 0] += 1 } }
}

/// A value that is computed on one thread and passed to another.
final class OnceValue<Value: Sendable>: Sendable {
    private let stored = Mutex<Value?>(nil)

    var value: Value? {
        get { stored.withLock(\.self) }
        set { stored.withLock { $0 = newValue } }
    }
}
