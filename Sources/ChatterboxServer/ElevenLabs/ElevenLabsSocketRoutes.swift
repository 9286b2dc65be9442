import Foundation
import HTTPTypes
import Hummingbird

/// ElevenLabs' WebSockets: `stream-input`, which speaks one text, and `multi-stream-input`, which speaks several, each in a context.
struct ElevenLabsSocketRoutes: Sendable {
    let state: ServerState

    private static let ends = ["/stream-input", "/multi-stream-input"]

    /// Whether a request may send its key in its first message.
    static func takesKeyLater(_ request: Request) -> Bool {
        WebSocketHandshake.isWanted(by: request) && request.uri.path.contains("/text-to-speech/") && ends.contains { request.uri.path.hasSuffix($0) }
    }

    func add(to router: Router<ServerContext>) {
        for end in Self.ends {
            router.route(
                "/text-to-speech/:voice" + end,
                [
                    .get: { request, context in
                        let settings = try ElevenLabsSocketSettings(voice: context.name("voice"), query: request.uri.queryParameters)
                        // Errors in the address are reported before the connection becomes a WebSocket.
                        _ = try state.models.offer(named: settings.order.model)
                        let watch = await ConnectionWatch.of(context.channel)
                        return try await WebSocket.response(to: request, context, state.configuration) { socket in
                            try await ElevenLabsSession(settings, isMulti: end == Self.ends[1], state, context, watch, socket).serve()
                        }
                    }
                ])
        }
    }
}

/// The settings in the address of a WebSocket.
struct ElevenLabsSocketSettings: Sendable {
    /// The request, without a text.
    var order: SpeechOrder
    /// Seconds without a message after which a text with nothing to speak is ended.
    let inactivity: Double
    /// Whether the times of characters are relative to the beginning of their text; otherwise to the end of the preceding ones.
    let countsFromBeginning: Bool

    /// - Throws: ``APIError`` naming the parameter.
    init(voice: String, query: Parameters) throws {
        func parameter(_ name: Substring) -> String? { query[name].map(String.init) }
        order = SpeechOrder(model: ElevenLabs.model(parameter("model_id")), input: "", voice: voice)
        order.shape = .elevenLabs
        order.sound = try OutputFormats.format(parameter("output_format") ?? OutputFormats.standard)
        guard order.sound.format != .wav else {
            throw APIError.invalid(
                "output_format is a WAV file, which a stream of sentences is not; take the PCM of that rate",
                "output_format")
        }
        // An unsupported language is reported here.
        try order.setLanguage(parameter("language_code"))
        order.manner.seed = try parameter("seed").map { text in
            guard let seed = UInt64(text) else { throw APIError.invalid("seed must be a whole number", "seed", code: "invalid_type") }
            return seed
        }
        inactivity =
            try parameter("inactivity_timeout").map { text in
                guard let seconds = Double(text), (0.1...180).contains(seconds) else {
                    throw APIError.invalid("inactivity_timeout must be seconds, up to 180", "inactivity_timeout", code: "invalid_type")
                }
                return seconds
            } ?? 20
        let counts = parameter("sync_alignment") ?? "false"
        guard ["true", "false"].contains(counts) else {
            throw APIError.invalid("sync_alignment must be true or false", "sync_alignment", code: "invalid_type")
        }
        countsFromBeginning = counts == "true"
    }
}
