import Dispatch
import Foundation
import Synchronization
import Torch

/// Computes the requests of all models on one device, one small unit of work at a time.
///
/// A loop on a thread of its own decides what comes next (`Scheduler`). The tokens of all requests of a model are drawn in
/// common steps, which the loop computes; everything else of a request is ordinary code in a `Coroutine` that hands
/// control back between units. So one thread computes at any time, nobody waits for another's sentence to end, and a request
/// gives the same samples alone and in company.
///
/// Synthesizers of different models share a device by sharing an engine. An engine lives as long as somebody has it or a
/// request of its own.
public final class SpeechEngine: Sendable {
    private let mailbox = EngineMailbox()
    private let steps = StepCounts()

    public init() {
        let (mailbox, steps) = (mailbox, steps)
        let thread = Thread { EngineLoop(mailbox, steps).run() }
        thread.name = "chatterbox.engine"
        thread.stackSize = 8 << 20
        thread.start()
    }

    deinit { mailbox.post(.close) }

    /// How many steps have drawn a token for each of so many requests: how far those in company share the reading of weights.
    public var stepCounts: [Int: Int] { steps.counts }

    /// A request that is not open yet.
    func makeRequest() -> EngineRequest { EngineRequest(number: mailbox.nextNumber()) }

    /// Takes in a request.
    ///
    /// - Parameters:
    ///   - request: of this engine; it is opened once.
    ///   - threads: that libtorch's operations may use while the body computes.
    ///   - body: the request's work, on one of the engine's threads, wherever the loop lets it go on.
    ///   - finish: called once when the body has ended, on one of the engine's threads; it should return at once. A request
    ///     that is cancelled ends with `CancellationError`.
    func open(
        _ request: EngineRequest, _ priority: SpeechPriority = .interactive, threads: Int,
        body: @escaping @Sendable (EngineTurn) throws -> Void,
        finish: @escaping @Sendable (Result<Void, any Error>) -> Void
    ) {
        mailbox.post(.open(request, EngineJob(priority: priority, threads: threads, body: body, finish: finish)))
    }

    /// Makes ready what a model's first request would wait for: on a GPU its memory and the captured steps of one request.
    ///
    /// - Throws: `TorchError`, `CancellationError`.
    func warm(_ model: Model) async throws {
        guard model.plan.capturesSteps else { return }
        let slots = model.configuration.t3.isGuided(by: model.variant.sampling) ? 2 : 1
        try await run(threads: model.libtorchThreads) { turn in
            try withoutGradients { try (turn.decodeEngine(of: model) as? CapturedDecodeEngine)?.warm(slots: slots, pause: turn.pause) }
        }
    }

    /// Frees what is kept for a model between its requests: the decoder that they share, on a GPU with its captured steps. It is
    /// made anew for the next request.
    package func forget(_ model: Model) async {
        model.flowPrompts.removeAll()
        await withCheckedContinuation { continuation in
            mailbox.post(.forget(ObjectIdentifier(model.identity)) { continuation.resume() })
        }
    }

    /// Runs work on the device in its turn, and gives what comes of it. The task's cancellation is the work's.
    ///
    /// - Parameter threads: that libtorch's operations may use meanwhile.
    func run<Value: Sendable>(
        _ priority: SpeechPriority = .interactive, threads: Int, _ work: @escaping @Sendable (EngineTurn) throws -> Value
    ) async throws -> Value {
        let request = makeRequest(), made = OnceValue<Value>()
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

/// Steps by how many requests they served.
private final class StepCounts: Sendable {
    private let stored = Mutex<[Int: Int]>([:])

    var counts: [Int: Int] { stored.withLock(\.self) }

    func add(_ requests: Int) { stored.withLock { $0[requests, default: 0] += 1 } }
}

/// What one thread makes, handed over to another.
final class OnceValue<Value: Sendable>: Sendable {
    private let stored = Mutex<Value?>(nil)

    var value: Value? {
        get { stored.withLock(\.self) }
        set { stored.withLock { $0 = newValue } }
    }
}

/// An open request, as those outside of the engine see it.
final class EngineRequest: Sendable {
    fileprivate let number: Int
    private let state = Mutex(State())

    private struct State {
        weak var coroutine: Coroutine?
        var isCancelled = false
    }

    fileprivate init(number: Int) { self.number = number }

    /// The request's work, once the loop has taken it in.
    fileprivate func begin(_ coroutine: Coroutine) {
        let isCancelled = state.withLock { state in
            state.coroutine = coroutine
            return state.isCancelled
        }
        if isCancelled { coroutine.cancel() }
    }

    /// Ends the request at its next pause, whether it is open yet or not.
    func cancel() {
        let coroutine = state.withLock { state in
            state.isCancelled = true
            return state.coroutine
        }
        coroutine?.cancel()
    }

    /// Lets the request go on that waits in ``EngineTurn/park()``.
    func unpark() { state.withLock(\.coroutine)?.unpark() }
}

private struct EngineJob: Sendable {
    let priority: SpeechPriority
    let threads: Int
    let body: @Sendable (EngineTurn) throws -> Void
    let finish: @Sendable (Result<Void, any Error>) -> Void
}

/// What the loop is told, from any thread.
private final class EngineMailbox: Sendable {
    enum Message: Sendable {
        case open(EngineRequest, EngineJob)
        /// A request waited and can go on.
        case runnable(Int)
        /// A model rests; what is called when nothing is kept for it.
        case forget(ObjectIdentifier, done: @Sendable () -> Void)
        case close
    }

    private let messages = Mutex<[Message]>([])
    private let arrived = DispatchSemaphore(value: 0)
    private let count = Atomic(0)

    func nextNumber() -> Int { count.add(1, ordering: .relaxed).newValue }

    func post(_ message: Message) {
        let isFirst = messages.withLock { messages in
            messages.append(message)
            return messages.count == 1
        }
        if isFirst { arrived.signal() }
    }

    var isEmpty: Bool { messages.withLock(\.isEmpty) }

    /// All that has arrived, in order.
    ///
    /// - Parameter waits: until there is something.
    func take(waits: Bool) -> [Message] {
        // A signal may be left over from what an earlier call took.
        while true {
            let taken = messages.withLock { messages in
                defer { messages = [] }
                return messages
            }
            guard taken.isEmpty, waits else { return taken }
            arrived.wait()
        }
    }
}

// MARK: the loop

/// What a request's work may do with its turn. It stays on the body's thread.
struct EngineTurn {
    fileprivate let request: OpenRequest
    fileprivate let loop: EngineLoop
    fileprivate let context: Coroutine.Context

    /// Lets others have a turn, where this one has lasted a while.
    ///
    /// - Throws: `CancellationError` once the request is cancelled.
    func pause() throws { try context.pause() }

    /// Waits until somebody calls ``EngineRequest/unpark()``. It may return without cause.
    ///
    /// - Throws: `CancellationError` once the request is cancelled.
    func park() throws { try context.park() }

    /// Lets the request go on that waits in ``park()``; for any thread.
    typealias Waker = @Sendable () -> Void
    var waker: Waker { { [weak coroutine = request.coroutine] in coroutine?.unpark() } }

    /// The engine that decodes a model's tokens for all requests; nil where each request computes by itself.
    func decodeEngine(of model: Model) throws -> (any DecodeEngine)? { try loop.group(of: model)?.engine }

    /// Draws a decoder's tokens to the end, together with those of others.
    ///
    /// - Parameter onToken: called after each token; it should return at once.
    /// - Throws: what computing throws, `AdmissionError`, `CancellationError`.
    func finish(_ decoder: T3Decoder, of model: Model, onToken: @escaping () -> Void) throws {
        try draw(decoder, of: model, until: { _ in false }, onToken: onToken)
    }

    /// Draws a decoder's tokens until there are enough or it has ended, together with those of others. On return the engine
    /// goes on drawing while the request does something else; draw a decoder to its end before the next one.
    ///
    /// - Parameters:
    ///   - isEnough: looked at after each token.
    ///   - onToken: called after each token, that of the first call; both should return at once.
    /// - Throws: what computing throws, `AdmissionError`, `CancellationError`.
    func draw(
        _ decoder: T3Decoder, of model: Model, until isEnough: @escaping (T3Decoder) -> Bool, onToken: @escaping () -> Void
    ) throws {
        guard let group = try loop.group(of: model) else {
            while !isEnough(decoder), try decoder.next() != nil {
                try pause()
                onToken()
            }
            return
        }
        if request.decoding == nil, decoder.end == nil { try loop.begin(decoder, of: request, in: group, onToken: onToken) }
        while let decoding = request.decoding {
            precondition(decoding.decoder === decoder, "one decoder after the other")
            if let error = decoding.error {
                request.decoding = nil
                throw error
            }
            if decoder.end != nil {
                request.decoding = nil
                return
            }
            if isEnough(decoder) { return }
            request.decoding?.isEnough = isEnough
            try context.park()
        }
    }

    /// Computes an utterance's flow in a batch with those of other requests; for models with ``Model/sharesFlow``.
    ///
    /// - Parameter onStep: called before each step, with its number from 1; it should return at once.
    /// - Throws: what computing throws, `CancellationError`.
    func mel(of order: FlowOrder, steps: Int, of model: Model, onStep: @escaping (Int) -> Void) throws -> Tensor {
        guard let queue = try loop.group(of: model)?.flowQueue else { preconditionFailure("a model that shares its flow") }
        request.nextQueue = nil
        return try queue.mel(
            of: order, steps: steps, expected: loop.requestsExpected(by: queue), onStep: onStep, wake: waker, park: context.park, pause: context.pause
        )
    }

    /// Says that the listener got so many seconds of sound.
    func delivered(_ seconds: Double) { loop.delivered(seconds, to: request) }
}

/// A request of the loop's.
private final class OpenRequest {
    struct Decoding {
        let decoder: T3Decoder
        let group: ModelGroup
        let onToken: () -> Void
        var error: (any Error)?
        /// What the request waits for, if not for the end.
        var isEnough: ((T3Decoder) -> Bool)?
    }

    let number: Int
    let ticket: Scheduler.ID
    let finish: @Sendable (Result<Void, any Error>) -> Void
    var coroutine: Coroutine?
    /// What is being drawn for it.
    var decoding: Decoding?
    /// The queue that it will enter next, now that its tokens are drawn.
    weak var nextQueue: FlowQueue?

    init(number: Int, ticket: Scheduler.ID, finish: @escaping @Sendable (Result<Void, any Error>) -> Void) {
        (self.number, self.ticket, self.finish) = (number, ticket, finish)
    }

    var isRunnable: Bool { if case .runnable = coroutine?.state { true } else { false } }
}

/// A model whose requests are decoded together.
private final class ModelGroup {
    let engine: any DecodeEngine
    let group: Scheduler.Group
    /// Positions before first tokens that a step takes, so that it ends within a tenth of a second.
    let rows: Int
    /// nil where each request computes its own flow.
    let flowQueue: FlowQueue?
    weak var identity: Model.Identity?

    init(_ model: Model, engine: any DecodeEngine, group: Scheduler.Group) {
        (self.engine, self.group, rows, identity) = (engine, group, model.prefillRows, model.identity)
        flowQueue = model.sharesFlow ? FlowQueue(FlowBatches(model.s3Gen.flow.exact.flow, device: model.device)) : nil
    }
}

/// The state of an engine: only the loop's thread, and the coroutine that it lets run meanwhile, touch it.
private final class EngineLoop {
    private let mailbox: EngineMailbox
    private let steps: StepCounts
    private let threads = CoroutineThreads(name: "chatterbox.request")
    private var scheduler = Scheduler()
    private var requests: [Int: OpenRequest] = [:]
    private var tickets: [Scheduler.ID: OpenRequest] = [:]
    private var groups: [ObjectIdentifier: ModelGroup] = [:]
    private let start = ContinuousClock.now
    private var isClosed = false

    init(_ mailbox: EngineMailbox, _ steps: StepCounts) { (self.mailbox, self.steps) = (mailbox, steps) }

    private var now: Double { (ContinuousClock.now - start) / .seconds(1) }

    func run() {
        // Tokens are drawn by kernels of our own or on a GPU; what libtorch adds to that is small.
        try? Libtorch.setOwnThreads(1)
        while true {
            let plan = scheduler.next(at: now)
            if let plan { perform(plan) }
            for queue in groups.values.compactMap(\.flowQueue) { queue.otherWorkRan(expected: plan == nil ? 0 : requestsExpected(by: queue)) }
            if isClosed, requests.isEmpty { return }
            for message in mailbox.take(waits: plan == nil) { receive(message) }
            if requests.isEmpty { dropUnusedGroups() }
        }
    }

    private func receive(_ message: EngineMailbox.Message) {
        switch message {
        case .open(let request, let job): open(request, job)
        case .runnable(let number): requests[number].map(updateNeed)
        case .forget(let identity, let done):
            forget(identity)
            done()
        case .close: isClosed = true
        }
    }

    private func open(_ handle: EngineRequest, _ job: EngineJob) {
        let request = OpenRequest(number: handle.number, ticket: scheduler.open(job.priority), finish: job.finish)
        requests[handle.number] = request
        tickets[request.ticket] = request
        let unsafe = Confined(loop: self, request: request)
        let coroutine = Coroutine(on: threads, onRunnable: { [mailbox] in mailbox.post(.runnable(handle.number)) }) { context in
            try Libtorch.withThreads(job.threads) {
                try job.body(EngineTurn(request: unsafe.request, loop: unsafe.loop, context: context))
            }
        }
        request.coroutine = coroutine
        handle.begin(coroutine)
        updateNeed(request)
    }

    /// Carries the loop's state to a coroutine, which runs only while the loop waits for it.
    private struct Confined: @unchecked Sendable {
        unowned let loop: EngineLoop
        unowned let request: OpenRequest
    }

    private func updateNeed(_ request: OpenRequest) {
        let step = request.decoding.flatMap { $0.error == nil && $0.decoder.end == nil ? $0.group.group : nil }
        scheduler.wait(request.ticket, for: Scheduler.Need(step: step, unit: request.isRunnable), at: now)
    }

    // MARK: plans

    private func perform(_ plan: Scheduler.Plan) {
        switch plan {
        case .unit(let ticket): resume(tickets[ticket]!)
        case .step(_, let tickets): step(tickets.map { self.tickets[$0]! })
        }
    }

    private func resume(_ request: OpenRequest) {
        guard case .finished(let result) = request.coroutine?.resume() else { return updateNeed(request) }
        requests[request.number] = nil
        tickets[request.ticket] = nil
        request.decoding = nil
        for admitted in scheduler.close(request.ticket, at: now) { updateNeed(tickets[admitted]!) }
        request.finish(result)
    }

    /// Steps until a request has the tokens that it waits for, somebody says something, or others may have had their turn too.
    private func step(_ requests: [OpenRequest]) {
        let end = ContinuousClock.now + .milliseconds(10)
        repeat {
            let failed = withErrors(requests) { try advance($0) }
            for (request, error) in failed { request.decoding?.error = error }
            let ended = requests.filter { $0.decoding?.error != nil || $0.decoding?.decoder.end != nil }
            for request in ended { release(request) }
            let served = requests.filter { request in request.decoding.map { $0.isEnough?($0.decoder) == true } == true }
            for request in served { goOn(request) }
            if !ended.isEmpty || !served.isEmpty { return }
        } while ContinuousClock.now < end && mailbox.isEmpty
    }

    /// A request that has its tokens goes on, and its place is another's.
    private func release(_ request: OpenRequest) {
        guard let group = request.decoding?.group else { return }
        if request.decoding?.error == nil { request.nextQueue = group.flowQueue }
        for admitted in scheduler.release(request.ticket, in: group.group, at: now) { updateNeed(tickets[admitted]!) }
        goOn(request)
    }

    /// A request that waited for tokens goes on.
    private func goOn(_ request: OpenRequest) {
        request.decoding?.isEnough = nil
        request.coroutine?.unpark()
        updateNeed(request)
    }

    /// Computes for all; where that fails, for each alone, so that one request's error is not another's.
    private func withErrors(_ requests: [OpenRequest], _ compute: ([OpenRequest]) throws -> Void) -> [(OpenRequest, any Error)] {
        do {
            try compute(requests)
            return []
        } catch {
            if requests.count == 1 { return [(requests[0], error)] }
            return requests.flatMap { withErrors([$0], compute) }
        }
    }

    private func advance(_ requests: [OpenRequest]) throws {
        let decodings = requests.map { $0.decoding! }
        try withoutGradients {
            try T3Decoder.advance(decodings.map(\.decoder), rows: decodings[0].group.rows)
            let ready = decodings.filter(\.decoder.isReady)
            try T3Decoder.draw(ready.map(\.decoder))
            for decoding in ready { decoding.onToken() }
            if !ready.isEmpty { steps.add(ready.count) }
        }
    }

    // MARK: what coroutines ask for

    func group(of model: Model) throws -> ModelGroup? {
        guard !model.decodesAlone else { return nil }
        let key = ObjectIdentifier(model.identity)
        if let group = groups[key], group.identity != nil { return group }
        let engine = try model.makeSharedDecodeEngine()
        let limit = Admission.Room(positions: model.positionLimit, slots: model.slotLimit)
        let group = ModelGroup(model, engine: engine, group: scheduler.addGroup(limit: limit))
        groups[key] = group
        return group
    }

    func begin(_ decoder: T3Decoder, of request: OpenRequest, in group: ModelGroup, onToken: @escaping () -> Void) throws {
        let room = Admission.Room(positions: decoder.positions, slots: decoder.sequenceCount)
        request.nextQueue = nil
        let admitted = try scheduler.ask(for: room, request.ticket, in: group.group, at: now)
        request.decoding = OpenRequest.Decoding(decoder: decoder, group: group, onToken: onToken)
        for ticket in admitted where ticket != request.ticket { updateNeed(tickets[ticket]!) }
    }

    /// How many requests have their tokens and will enter a queue next.
    func requestsExpected(by queue: FlowQueue) -> Int { requests.values.count { $0.nextQueue === queue } }

    func delivered(_ seconds: Double, to request: OpenRequest) { scheduler.deliver(seconds, for: request.ticket, at: now) }

    /// The engine of a model for which nothing is being drawn.
    private func forget(_ identity: ObjectIdentifier) {
        guard let group = groups[identity], !requests.values.contains(where: { $0.decoding?.group === group }) else { return }
        scheduler.removeGroup(group.group)
        groups[identity] = nil
    }

    /// Engines of models that nobody has any more.
    private func dropUnusedGroups() {
        for (key, group) in groups where group.identity == nil {
            scheduler.removeGroup(group.group)
            groups[key] = nil
        }
    }
}
