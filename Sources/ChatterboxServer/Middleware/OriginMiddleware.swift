import Foundation
import HTTPTypes
import Hummingbird

/// Refuses requests that web pages of other sites send through a user's browser. Without this, every page that a user of the machine visits could use
/// a server without keys.
struct OriginMiddleware: RouterMiddleware {
    let configuration: ServerConfiguration

    /// Methods that change nothing, and whose responses the browser does not show to the page.
    private static let harmless: Set<HTTPRequest.Method> = [.get, .head, .options]
    private static let health: Set = ["/health", "/live", "/ready", "/metrics"]

    func handle(_ request: Request, context: ServerContext, next: (Request, ServerContext) async throws -> Response) async throws -> Response {
        try checkHost(request)
        if !Self.harmless.contains(request.method) || WebSocketHandshake.isWanted(by: request) {
            try Self.checkOrigin(request, configuration.allowedOrigin)
        }
        return try await next(request, context)
    }

    /// Another site's host name can be made to resolve to this machine ("DNS rebinding"), so that its pages have the same origin.
    private func checkHost(_ request: Request) throws {
        guard configuration.isLocal, configuration.keys.isEmpty, let authority = request.head.authority else { return }
        let name = Self.host(of: authority)
        guard !ServerConfiguration.localNames.contains(name), !configuration.hostNames.contains(name),
            !Self.health.contains(request.pathWithoutVersion)
        else { return }
        throw APIError(
            .forbidden,
            "this server accepts requests for localhost, and this one is for \(name.prefix(80)); --host-name \(name.prefix(80)) allows it, and so do keys",
            code: "host_not_allowed")
    }

    /// - Throws: ``APIError`` if the request comes from a web page of another site that is not allowed.
    static func checkOrigin(_ request: Request, _ allowed: String?) throws {
        guard allowed != "*" else { return }
        if let origin = request.headers[.origin] {
            guard origin != allowed, !isOwn(origin, request) else { return }
            throw APIError(.forbidden, "pages of \(origin.prefix(80)) may not use this server; --cors allows it", code: "origin_not_allowed")
        }
        guard request.headers[.fetchSite] == "cross-site" else { return }
        throw APIError(.forbidden, "pages of other sites may not use this server; --cors allows one", code: "origin_not_allowed")
    }

    /// Whether the page was loaded from this server, directly or through a proxy that forwards the host name.
    private static func isOwn(_ origin: String, _ request: Request) -> Bool {
        [request.head.authority, request.headers[.forwardedHost]].contains { $0 != nil && (origin == "http://\($0!)" || origin == "https://\($0!)") }
    }

    /// The host without the port.
    private static func host(of authority: String) -> String {
        if authority.hasPrefix("[") { return String(authority.dropFirst().prefix { $0 != "]" }).lowercased() }
        return String(authority.prefix { $0 != ":" }).lowercased()
    }
}

extension HTTPField.Name {
    fileprivate static let fetchSite = Self("Sec-Fetch-Site")!
    fileprivate static let forwardedHost = Self("X-Forwarded-Host")!
}
