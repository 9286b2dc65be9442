import Foundation
import HTTPTypes
import Hummingbird

/// ElevenLabs' API as far as it is about speech: its shapes, so that its clients speak with this server.
enum ElevenLabs {
    /// Whether a request is by this API, whose errors look different: by its path, or by the name of its key.
    static func isMeant(by request: Request) -> Bool {
        let path = request.pathWithoutVersion
        if ["/text-to-speech/", "/voices"].contains(where: path.hasPrefix) { return true }
        return isItsList(request) && path == "/models"
    }

    /// Whether a list that both APIs have is asked for in this one's shape.
    static func isItsList(_ request: Request) -> Bool { request.headers[.apiKey] != nil && request.headers[.authorization] == nil }

    /// The model that one of its names means: the first, unless it is the name of one that is here.
    static func model(_ name: String?) -> String {
        guard let name, !name.hasPrefix("eleven_") else { return "default" }
        return name
    }
}

extension APIError {
    /// `{"detail":{"type":…,"code":…,"status":…,"message":…,"param":…}}`.
    var elevenLabs: JSON {
        ["detail": .object(members + [.init(name: "status", value: .string(code ?? type))])]
    }
}
