import Foundation
import HTTPTypes
import Hummingbird

/// Refuses what pages of other sites ask for in somebody's browser: everybody on the machine may ask a server without keys, and so might
/// every page that they look at.
struct OriginMiddleware: RouterMiddleware {
    let configuration: ServerConfiguration

    /// Methods by which a page learns nothing that its browser would show it, and changes nothing.
    private static let harmless: Set<HTTPRequest.Method> = [.get, .head, .options]
    private static let health: Set = ["/health", "/live", "/ready", "/metrics"]

    func handle(_ request: Request, context: ServerContext, next: (Request, ServerContext) async throws -> Response) async throws -> Response {
        try checkHost(request)
        if !Self.harmless.contains(request.method) || WebSocketHandshake.isWanted(by: request) {
            try Self.checkOrigin(request, configuration.allowedOrigin)
        }
        return try await next(request, context)
    }

    /// A name of somebody else's can be made to mean this machine ("DNS rebinding"): its pages are then of the same origin.
    private func checkHost(_ request: Request) throws {
        guard configuration.isLocal, configuration.keys.isEmpty, let authority = request.head.authority else { return }
        let name = Self.host(of: authority)
        guard !ServerConfiguration.localNames.contains(name), !configuration.hostNames.contains(name),
            !Self.health.contains(request.pathWithoutVersion)
        else { return }
        throw APIError(
            .forbidden,
            "this server is asked as localhost, and this request is for \(name.prefix(80)); --host-name \(name.prefix(80)) allows it, and so do keys",
            code: "host_not_allowed")
    }

    /// - Throws: ``APIError`` where a page of another site asks, unless it may.
    static func checkOrigin(_ request: Request, _ allowed: String?) throws {
        guard allowed != "*" else { return }
        if let origin = request.headers[.origin] {
            guard origin != allowed, !isOwn(origin, request) else { return }
            throw APIError(.forbidden, "pages of \(origin.prefix(80)) may not use this server; --cors allows it", code: "origin_not_allowed")
        }
        guard request.headers[.fetchSite] == "cross-site" else { return }
        throw APIError(.forbidden, "pages of other sites may not use this server; --cors allows one", code: "origin_not_allowed")
    }

    /// Whether a page that this server gave asks, itself or through a proxy that tells the name it was asked by.
    private static func isOwn(_ origin: String, _ request: Request) -> Bool {
        [request.head.authority, request.headers[.forwardedHost]].contains { $0 != nil && (origin == "http://\($0!)" || origin == "https://\($0!)") }
    }

    /// Without a port.
    private static func host(of authority: String) -> String {
        if authority.hasPrefix("[") { return String(authority.dropFirst().prefix { $0 != "]" }).lowercased() }
        return String(authority.prefix { $0 != ":" }).lowercased()
    }
}

extension HTTPField.Name {
    fileprivate static let fetchSite = Self("Sec-Fetch-Site")!
    fileprivate static let forwardedHost = Self("X-Forwarded-Host")!
}
