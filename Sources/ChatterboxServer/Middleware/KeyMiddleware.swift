import Foundation
import HTTPTypes
import Hummingbird

/// Lets in who shows a key, where keys are set; the page and what tells of health are for everybody.
struct KeyMiddleware: RouterMiddleware {
    let keys: Keyring
    /// Whether lists need none.
    let publicLists: Bool

    private static let open: Set = ["/", "/health", "/live", "/ready", "/openapi.json"]
    private static let lists: Set = ["/models", "/audio/models", "/audio/voices", "/adapters"]

    func handle(_ request: Request, context: ServerContext, next: (Request, ServerContext) async throws -> Response) async throws -> Response {
        guard !keys.isEmpty, !isOpen(request) else { return try await next(request, context) }
        guard let key = Self.key(request.headers), let name = keys.name(of: key) else {
            throw APIError(
                .unauthorized, "a key is needed: Authorization: Bearer KEY", code: "invalid_api_key", headers: [.wwwAuthenticate: "Bearer"])
        }
        context.caller.identify(as: name)
        return try await next(request, context)
    }

    private func isOpen(_ request: Request) -> Bool {
        let path = request.uri.path.hasPrefix("/v1/") ? String(request.uri.path.dropFirst(3)) : request.uri.path
        return Self.open.contains(path) || PageFile.isPage(request.uri.path) || publicLists && request.method == .get && Self.lists.contains(path)
    }

    private static func key(_ headers: HTTPFields) -> String? {
        if let value = headers[.authorization], value.lowercased().hasPrefix("bearer ") {
            return String(value.dropFirst(7)).trimmingCharacters(in: .whitespaces)
        }
        return headers[.apiKey]
    }
}
