import Chatterbox
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOHTTPTypes
import SpeechAudio
import SpeechText

/// Adds the request's number and the times to every response, converts every error into a response in the API's format, and logs a line for each,
/// without quoting texts.
struct AnswerMiddleware: RouterMiddleware {
    let state: ServerState

    func handle(_ request: Request, context: ServerContext, next: (Request, ServerContext) async throws -> Response) async throws -> Response {
        var context = context
        let number = "req_" + UUID().uuidString.replacing("-", with: "").lowercased()
        context.logger[metadataKey: "request_id"] = .string(number)
        if let trace = request.headers[.traceParent].flatMap(Self.traceID) { context.logger[metadataKey: "trace_id"] = .string(trace) }

        var response: Response
        do {
            response = try await next(request, context)
        } catch {
            let failure = HTTPRequest.Method.routed.contains(request.method) ? APIError(error) : Self.strange(request.method)
            // That the server does not accept requests yet, or no longer, is not a failure: load balancers ask every few seconds.
            if failure.status.code >= 500, failure.status != .serviceUnavailable {
                context.logger.error("request failed", metadata: ["error": "\(error)"])
            }
            response = failure.response(from: request, context: context)
        }
        if request.method == .head { response = Response(status: response.status, headers: response.headers) }
        response.headers[.requestID] = number
        response.headers[.processingTime] = "\(Int(context.seconds * 1000))"
        response.headers[.apiVersion] = "2020-10-01"
        if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }
        if let limit = state.limits.perMinute, let left = state.limits.remaining(context.client) {
            response.headers[.rateLimit] = "\(limit)"
            response.headers[.rateRemaining] = "\(left)"
        }
        state.countEnding()
        let route = context.endpointPath ?? "none", status = Int(response.status.code)
        state.metrics.count("http_requests_total", [("route", route), ("status", "\(status)")])
        context.logger.info(
            "answer",
            metadata: [
                "method": "\(request.method.rawValue)", "route": "\(route)", "status": "\(status)", "client": "\(context.client)",
                "ms": "\(Int(context.seconds * 1000))",
            ])
        return response
    }

    private static func strange(_ method: HTTPRequest.Method) -> APIError {
        APIError(.methodNotAllowed, "no route takes \(method.rawValue)", code: "method_not_allowed", headers: [.allow: "DELETE, GET, POST"])
    }

    /// The trace identifier of a W3C `traceparent`.
    private static func traceID(_ header: String) -> String? {
        let parts = header.split(separator: "-")
        guard parts.count >= 4, parts[1].count == 32, parts[1].allSatisfy(\.isHexDigit) else { return nil }
        return String(parts[1])
    }
}

extension APIError {
    /// The meaning of an error for a client: errors of the libraries about the client's input are the client's.
    init(_ error: any Error) {
        switch error {
        case let error as APIError: self = error
        case let error as HTTPError where error.status == .notFound:
            self.init(.notFound, "there is no such route; see /openapi.json for all routes", code: "unknown_url")
        case is NIOTooManyBytesError: self.init(.contentTooLarge, "the body is too large", code: "too_large")
        case let error as any HTTPResponseError: self.init(error.status, "\(error)")
        case is TextError, is ForeignTextError: self = .invalid(error, "input")
        case let error as AudioError: self = .invalid(error, nil, code: "invalid_audio")
        case let error as VoiceError: self = .invalid(error, "voice")
        case let error as AdapterError: self = .invalid(error, "adapter", code: "adapter_mismatch")
        case let error as SpeechOptionsError: self = .invalid(error, error.option)
        case CheckpointError.noBuiltInVoice: self = .invalid("this model has no voice of its own; name one", "voice", code: "voice_not_found")
        case CheckpointError.unsupportedLanguage: self = .invalid(error, "language")
        case is SpeechJudgeError: self = .invalid(error, "judge")
        case is WordTimesError: self = .invalid(error, "timestamps")
        case is ClientGone: self.init(.clientGone, "the client has gone away", code: "cancelled")
        case is CancellationError: self.init(.serviceUnavailable, "the request was given up", code: "cancelled")
        default: self.init(.internalServerError, "an error occurred in the server; its log has the details", code: "internal_error")
        }
        if !(error is APIError) { cause = (error as? any CodedError)?.code }
    }
}

extension HTTPField.Name {
    fileprivate static let traceParent = Self("traceparent")!
    static let rateLimit = Self("x-ratelimit-limit-requests")!
    static let rateRemaining = Self("x-ratelimit-remaining-requests")!
}

/// Asks a client that waits for it (`Expect: 100-continue`) to send its body, when the body is first read: the body of a request that is refused
/// before that is not sent.
struct ContinueMiddleware: RouterMiddleware {
    func handle(_ request: Request, context: ServerContext, next: (Request, ServerContext) async throws -> Response) async throws -> Response {
        guard request.headers[.expect]?.lowercased() == "100-continue" else { return try await next(request, context) }
        var request = request
        request.body = RequestBody(asyncSequence: AwaitedBody(base: request.body, channel: context.channel))
        return try await next(request, context)
    }
}

/// A body that the client sends only when it is asked; it is asked when the first piece is read.
private struct AwaitedBody: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    let base: RequestBody
    let channel: any Channel

    struct AsyncIterator: AsyncIteratorProtocol {
        var base: RequestBody.AsyncIterator
        let channel: any Channel
        var isTold = false

        mutating func next() async throws -> ByteBuffer? {
            if !isTold {
                isTold = true
                try await channel.writeAndFlush(HTTPResponsePart.head(HTTPResponse(status: .continue)))
            }
            return try await base.next()
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(base: base.makeAsyncIterator(), channel: channel) }
}
