import Foundation

/// A received message of JSON-RPC 2.0.
struct RPCMessage: Sendable {
    /// nil for a notification.
    let id: JSON?
    let method: String
    let parameters: RequestFields

    /// - Throws: ``RPCError`` for an invalid request. nil for a response, since this server sends no requests.
    init?(_ json: JSON) throws {
        guard case .object = json, json["jsonrpc"] == "2.0" else { throw RPCError(.invalidRequest, "a message must be an object with jsonrpc 2.0") }
        if json["method"] == nil, json["result"] != nil || json["error"] != nil { return nil }
        guard case .string(let method)? = json["method"] else { throw RPCError(.invalidRequest, "method must be a string") }
        switch json["id"] {
        case nil: id = nil
        case .string?, .number?, .exact?: id = json["id"]
        default: throw RPCError(.invalidRequest, "id must be a string or a number")
        }
        self.method = method
        switch json["params"] {
        case nil: parameters = RequestFields([])
        case .object(let members)?: parameters = RequestFields(members)
        default: throw RPCError(.invalidParameters, "params must be an object")
        }
    }
}

/// The error in the response to a failed request.
struct RPCError: Error {
    enum Code: Int, Sendable {
        case parse = -32_700, invalidRequest = -32_600, unknownMethod = -32_601, invalidParameters = -32_602, failed = -32_603
    }

    let code: Code
    let message: String

    init(_ code: Code, _ message: String) { (self.code, self.message) = (code, message) }

    func answer(to id: JSON?) -> JSON {
        ["jsonrpc": "2.0", "id": id ?? .null, "error": ["code": .init(code.rawValue), "message": .string(message)]]
    }
}
