import Foundation
import HTTPTypes
import Hummingbird

/// Requires a key, if keys are set, except for the page and the health routes.
struct KeyMiddleware: RouterMiddleware {
    let keys: Keyring
    /// Whether lists need no key.
    let publicLists: Bool

    private static let open: Set = ["/", "/health", "/live", "/ready", "/openapi.json"]
    private static let lists: Set = ["/models", "/audio/models", "/audio/voices", "/voices", "/adapters"]

    func handle(_ request: Request, context: ServerContext, next: (Request, ServerContext) async throws -> Response) async throws -> Response {
        guard !keys.isEmpty, !isOpen(request) else { return try await next(request, context) }
        let shown = Self.key(of: request)
        // Some clients send their key in the first message.
        if shown == nil, ElevenLabsSocketRoutes.takesKeyLater(request) { return try await next(request, context) }
        guard let shown, let name = keys.name(of: shown) else {
            throw APIError(
                .unauthorized, "a key is needed: Authorization: Bearer KEY", code: "invalid_api_key", headers: [.wwwAuthenticate: "Bearer"])
        }
        context.caller.identify(as: name)
        return try await next(request, context)
    }

    private func isOpen(_ request: Request) -> Bool {
        let path = request.pathWithoutVersion
        let isList = [.get, .head].contains(request.method) && Self.lists.contains(path)
        return Self.open.contains(path) || PageFile.isPage(request.uri.path) || publicLists && isList
    }

    /// The key in a header field, or in the address of a WebSocket, since web pages cannot set its header fields.
    private static func key(of request: Request) -> String? {
        if let value = request.headers[.authorization] { if let key = bearer(value) { return key } }
        if let key = request.headers[.apiKey] { return key }
        guard WebSocketHandshake.isWanted(by: request) else { return nil }
        let query = request.uri.queryParameters
        return ["xi-api-key", "xi_api_key", "api_key"].lazy.compactMap { query[Substring($0)].map(String.init) }.first
            ?? query["authorization"].map { bearer(String($0)) ?? String($0) }
    }

    /// The key in `Bearer KEY`.
    static func bearer(_ value: String) -> String? {
        value.lowercased().hasPrefix("bearer ") ? String(value.dropFirst(7)).trimmingCharacters(in: .whitespaces) : nil
    }
}
