import Dispatch
import Logging
import Torch

/// The state of an engine: only the loop's thread, and the coroutine that it currently runs, use it.
final class EngineLoop {
    private let mailbox: EngineMailbox
    private let steps: StepCounts
    private let logger: Logger
    private let threads = CoroutineThreads(name: "chatterbox.request")
    private var scheduler = Scheduler()
    private var requests: [Int: OpenRequest] = [:]
    private var tickets: [Scheduler.ID: OpenRequest] = [:]
    private var groups: [ObjectIdentifier: ModelGroup] = [:]
    private let start = ContinuousClock.now
    private var isClosed = false

    init(_ mailbox: EngineMailbox, _ steps: StepCounts, _ logger: Logger) {
        (self.mailbox, self.steps, self.logger) = (mailbox, steps, logger)
    }

    private var now: Double { (ContinuousClock.now - start) / .seconds(1) }

    func run() {
        // Tokens are drawn by this package's kernels or on a GPU; little remains for libtorch.
        do { try Libtorch.setOwnThreads(1) } catch { logger.warning("the engine's thread keeps libtorch's threads", metadata: error.metadata) }
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

    /// Passes the loop's state to a coroutine, which runs only while the loop waits for it.
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

    /// Decodes until a request has the tokens that it waits for, a message arrives, or other work may be due.
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

    /// Removes a request that has its tokens; its slot is free for another.
    private func release(_ request: OpenRequest) {
        guard let group = request.decoding?.group else { return }
        if request.decoding?.error == nil { request.nextQueue = group.flowQueue }
        for admitted in scheduler.release(request.ticket, in: group.group, at: now) { updateNeed(tickets[admitted]!) }
        goOn(request)
    }

    /// Resumes a request that waited for tokens.
    private func goOn(_ request: OpenRequest) {
        request.decoding?.isEnough = nil
        request.coroutine?.unpark()
        updateNeed(request)
    }

    /// Computes for all requests together; if that fails, for each separately, so that one request's error does not affect the others.
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

    // MARK: calls from coroutines

    func group(of model: Model) throws -> ModelGroup? {
        guard !model.decodesAlone else { return nil }
        let key = ObjectIdentifier(model.identity)
        if let group = groups[key], group.identity != nil { return group }
        let engine = try model.makeSharedDecodeEngine()
        let limit = Admission.Room(positions: model.positionLimit, slots: model.slotLimit)
        let group = ModelGroup(model, engine: engine, group: scheduler.addGroup(limit: limit))
        groups[key] = group
        logger.debug("decoder made", metadata: ["model": "\(group.model)", "positions": "\(limit.positions)", "slots": "\(limit.slots)"])
        return group
    }

    func begin(_ decoder: T3Decoder, of request: OpenRequest, in group: ModelGroup, onToken: @escaping () -> Void) throws {
        let room = Admission.Room(positions: decoder.positions, slots: decoder.sequenceCount)
        request.nextQueue = nil
        let admitted = try scheduler.ask(for: room, request.ticket, in: group.group, at: now)
        request.decoding = OpenRequest.Decoding(decoder: decoder, group: group, onToken: onToken)
        if !admitted.contains(request.ticket) {
            logger.debug(
                "speech waits for room",
                metadata: ["speech": "\(request.number)", "positions": "\(room.positions)", "slots": "\(room.slots)"])
        }
        for ticket in admitted where ticket != request.ticket { updateNeed(tickets[ticket]!) }
    }

    /// The number of requests that have their tokens and will enter a queue next.
    func requestsExpected(by queue: FlowQueue) -> Int { requests.values.count { $0.nextQueue === queue } }

    func delivered(_ seconds: Double, to request: OpenRequest) { scheduler.deliver(seconds, for: request.ticket, at: now) }

    /// Releases the engine of a model for which nothing is being drawn.
    private func forget(_ identity: ObjectIdentifier) {
        guard let group = groups[identity], !requests.values.contains(where: { $0.decoding?.group === group }) else { return }
        drop(group, identity)
    }

    private func drop(_ group: ModelGroup, _ identity: ObjectIdentifier) {
        scheduler.removeGroup(group.group)
        groups[identity] = nil
        logger.debug("decoder dropped", metadata: ["model": "\(group.model)"])
    }

    /// Releases the engines of models that no longer exist.
    private func dropUnusedGroups() {
        for (key, group) in groups where group.identity == nil { drop(group, key) }
    }
}

/// An open request, as the loop sees it.
final class OpenRequest {
    struct Decoding {
        let decoder: T3Decoder
        let group: ModelGroup
        let onToken: () -> Void
        var error: (any Error)?
        /// The condition for which the request waits; nil to wait for the end.
        var isEnough: ((T3Decoder) -> Bool)?
    }

    let number: Int
    let ticket: Scheduler.ID
    let finish: @Sendable (Result<Void, any Error>) -> Void
    var coroutine: Coroutine?
    /// Its decoder, while tokens are being drawn.
    var decoding: Decoding?
    /// The queue that it will enter next, after its tokens have been drawn.
    weak var nextQueue: FlowQueue?

    init(number: Int, ticket: Scheduler.ID, finish: @escaping @Sendable (Result<Void, any Error>) -> Void) {
        (self.number, self.ticket, self.finish) = (number, ticket, finish)
    }

    var isRunnable: Bool { if case .runnable = coroutine?.state { true } else { false } }
}

/// A model whose requests are decoded together.
final class ModelGroup {
    let engine: any DecodeEngine
    let group: Scheduler.Group
    /// The number of positions before first tokens that a step processes, so that it takes less than a tenth of a second.
    let rows: Int
    /// nil if each request computes its own flow.
    let flowQueue: FlowQueue?
    weak var identity: Model.Identity?
    /// The model's name, for the log.
    let model: String

    init(_ model: Model, engine: any DecodeEngine, group: Scheduler.Group) {
        (self.engine, self.group, rows, identity, self.model) = (engine, group, model.prefillRows, model.identity, model.variant.name)
        flowQueue = model.sharesFlow ? FlowQueue(FlowBatches(model.s3Gen.flow.exact.flow, device: model.device)) : nil
    }
}
