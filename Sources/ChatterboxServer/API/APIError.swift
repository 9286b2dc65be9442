import Chatterbox
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// An error of a request, with the body of OpenAI's API: all four keys, even if some are null.
struct APIError: Error, HTTPResponseError {
    let status: HTTPResponse.Status
    /// The sentence for a person.
    let message: String
    /// The field that is wrong.
    var parameter: String?
    /// The code for programs.
    var code: String?
    /// The code of the library error that caused it (`CodedError`).
    var cause: String?
    var headers: HTTPFields = [:]

    init(_ status: HTTPResponse.Status, _ message: String, parameter: String? = nil, code: String? = nil, headers: HTTPFields = [:]) {
        (self.status, self.message, self.parameter, self.code, self.headers) = (status, message, parameter, code, headers)
    }

    /// A field that is missing or wrong.
    static func invalid(_ message: String, _ parameter: String?, code: String = "invalid_value") -> APIError {
        APIError(.badRequest, message, parameter: parameter, code: code)
    }

    /// A field whose value one of the libraries refuses.
    static func invalid(_ error: any Error, _ parameter: String?, code: String = "invalid_value") -> APIError {
        var refusal = invalid("\(error)", parameter, code: code)
        refusal.cause = (error as? any CodedError)?.code
        return refusal
    }

    static func missing(_ name: String) -> APIError { invalid("\(name) is missing", name, code: "missing_required_parameter") }

    /// The server is busy; the client may repeat the request after this many seconds.
    static func busy(_ message: String, code: String, retryAfter seconds: Double) -> APIError {
        APIError(.tooManyRequests, message, code: code, headers: [.retryAfter: "\(max(1, Int(seconds.rounded(.up))))", .shouldRetry: "true"])
    }

    /// The server does not accept requests yet, or no longer.
    static func unavailable(_ message: String, code: String) -> APIError {
        APIError(.serviceUnavailable, message, code: code, headers: [.retryAfter: "1", .shouldRetry: "true"])
    }

    /// OpenAI's name for errors of this status.
    var type: String {
        switch status.code {
        case 401: "authentication_error"
        case 403: "permission_error"
        case 404: "not_found_error"
        case 429: "rate_limit_error"
        case 500...: "server_error"
        default: "invalid_request_error"
        }
    }

    /// `{"error":{"message":…,"type":…,"param":…,"code":…}}`, with `cause` if the error comes from a library.
    var body: [UInt8] { JSON.bytes(["error": object]) }

    var object: JSON { .object(members) }

    /// OpenAI's keys, even if some are null, and this server's own key if it is set.
    var members: [JSON.Member] {
        [
            .init(name: "message", value: .string(message)), .init(name: "type", value: .string(type)),
            .init(name: "param", value: .init(parameter)), .init(name: "code", value: .init(code)),
        ] + (cause.map { [.init(name: "cause", value: .string($0))] } ?? [])
    }

    func response(from request: Request, context: some RequestContext) -> Response {
        var headers = headers
        headers[.contentType] = "application/json"
        let body = ElevenLabs.isMeant(by: request) ? JSON.bytes(elevenLabs) : body
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }
}

extension HTTPField.Name {
    static let requestID = Self("x-request-id")!
    static let processingTime = Self("openai-processing-ms")!
    static let apiVersion = Self("openai-version")!
    /// Whether OpenAI's clients should repeat the request; without this field they decide by the status.
    static let shouldRetry = Self("x-should-retry")!
    /// What was ignored or handled differently; one field for each warning.
    static let warning = Self("x-chatterbox-warning")!
    static let seed = Self("x-chatterbox-seed")!
    static let wordErrors = Self("x-chatterbox-word-errors")!
    static let apiKey = Self("xi-api-key")!
}

extension HTTPResponse.Status {
    /// The server's memory limit can never be sufficient for the request.
    static let insufficientMemory = Self(code: 507, reasonPhrase: "Insufficient Storage")
    /// The client has disconnected; the response is not sent, but is counted in the metrics.
    static let clientGone = Self(code: 499, reasonPhrase: "Client Closed Request")
}
