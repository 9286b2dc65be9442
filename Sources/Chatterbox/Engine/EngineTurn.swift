import Torch

/// The operations that a request's work may use during its turn, on the body's thread.
struct EngineTurn {
    let request: OpenRequest
    let loop: EngineLoop
    let context: Coroutine.Context

    /// Gives other requests a turn, if this one has lasted long enough.
    ///
    /// - Throws: `CancellationError` once the request is cancelled.
    func pause() throws { try context.pause() }

    /// Waits for ``EngineRequest/unpark()``. It may return without a cause.
    ///
    /// - Throws: `CancellationError` once the request is cancelled.
    func park() throws { try context.park() }

    /// Resumes the request that waits in ``park()``; can be called on any thread.
    typealias Waker = @Sendable () -> Void
    var waker: Waker { { [weak coroutine = request.coroutine] in coroutine?.unpark() } }

    /// The engine that decodes a model's tokens for all requests; nil if each request decodes separately.
    func decodeEngine(of model: Model) throws -> (any DecodeEngine)? { try loop.group(of: model)?.engine }

    /// Draws a decoder's tokens to the end, together with those of others.
    ///
    /// - Parameter onToken: called after each token; it should return at once.
    /// - Throws: errors of computing, `AdmissionError`, `CancellationError`.
    func finish(_ decoder: T3Decoder, of model: Model, onToken: @escaping () -> Void) throws {
        try draw(decoder, of: model, until: { _ in false }, onToken: onToken)
    }

    /// Draws a decoder's tokens until there are enough or it has ended, together with those of others. After this returns the engine continues to
    /// draw while the request does other work; draw a decoder to its end before the next one.
    ///
    /// - Parameters:
    ///   - isEnough: checked after each token.
    ///   - onToken: called after each token; that of the first call is used. Both should return at once.
    /// - Throws: errors of computing, `AdmissionError`, `CancellationError`.
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
    /// - Throws: errors of computing, `CancellationError`.
    func mel(of order: FlowOrder, steps: Int, of model: Model, onStep: @escaping (Int) -> Void) throws -> Tensor {
        guard let queue = try loop.group(of: model)?.flowQueue else { preconditionFailure("a model that shares its flow") }
        request.nextQueue = nil
        return try queue.mel(
            of: order, steps: steps, expected: loop.requestsExpected(by: queue), onStep: onStep, wake: waker, park: context.park, pause: context.pause
        )
    }

    /// Records that this many seconds of sound have been delivered.
    func delivered(_ seconds: Double) { loop.delivered(seconds, to: request) }
}
