import Foundation
import HTTPTypes
import Hummingbird

/// Allows the web pages of one origin, or of all, to send requests to this server and to read the responses (CORS).
struct CrossOriginMiddleware: RouterMiddleware {
    /// For example `https://example.org`, or `*`.
    let origin: String

    /// This server's own header fields, which a page can read only if they are listed.
    private static let exposed = [
        HTTPField.Name.requestID, .warning, .seed, .wordErrors, .retryAfter, .shouldRetry, .processingTime, .apiVersion, .rateLimit, .rateRemaining,
        .allow,
        .wwwAuthenticate,
    ].map(\.canonicalName).joined(separator: ", ")

    func handle(_ request: Request, context: ServerContext, next: (Request, ServerContext) async throws -> Response) async throws -> Response {
        guard request.headers[.origin] != nil else { return try await next(request, context) }
        let isPreflight = request.method == .options && request.headers[.accessControlRequestMethod] != nil
        var response = isPreflight ? Self.preflight(request) : try await next(request, context)
        response.headers[.accessControlAllowOrigin] = origin
        response.headers[.accessControlExposeHeaders] = Self.exposed
        if origin != "*" { response.headers.append(HTTPField(name: .vary, value: "Origin")) }
        return response
    }

    /// The header fields that a page may send: all that it asks for, since unknown fields have no effect.
    private static func preflight(_ request: Request) -> Response {
        let asked = request.headers[values: .accessControlRequestHeaders].flatMap { $0.split(separator: ",") }
            .map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { !$0.isEmpty && $0.utf8.allSatisfy { isNameByte($0) } }
        let names = asked.isEmpty ? ["content-type", "authorization", "xi-api-key"] : asked
        return Response(
            status: .noContent,
            headers: [
                .accessControlAllowHeaders: names.joined(separator: ", "), .accessControlAllowMethods: "GET, HEAD, POST, DELETE, OPTIONS",
                .accessControlMaxAge: "600", .vary: "Access-Control-Request-Headers",
            ])
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}

extension ServerConfiguration {
    /// An origin in the form that browsers send: scheme and host in lower case, the port if it is not the scheme's default, no path.
    ///
    /// - Returns: nil if the text is not an origin; `*` for `*`.
    public static func origin(_ text: String) -> String? {
        if text == "*" { return text }
        guard let match = text.lowercased().wholeMatch(of: /([a-z][a-z0-9+.\-]*):\/\/(\[[0-9a-f:.]+\]|[a-z0-9._\-]+)(?::([0-9]{1,5}))?\/?/) else {
            return nil
        }
        let (scheme, host, port) = (String(match.1), String(match.2), match.3.map(String.init))
        guard let port, port != ["http": "80", "https": "443"][scheme] else { return "\(scheme)://\(host)" }
        return "\(scheme)://\(host):\(port)"
    }
}
