import Chatterbox
import Foundation
import HTTPTypes
import Hummingbird

/// ElevenLabs' routes over HTTP: speech, as a whole or while it is computed, with and without the times of its characters, and the list of voices.
/// The list of models is at the route that both APIs share.
struct ElevenLabsRoutes: Sendable {
    let state: ServerState

    func add(to router: Router<ServerContext>) {
        let kinds = [("", false, false), ("/stream", true, false), ("/with-timestamps", false, true), ("/stream/with-timestamps", true, true)]
        for (end, isStreamed, wantsWords) in kinds {
            router.route(
                "/text-to-speech/:voice" + end,
                [
                    .post: { request, context in
                        let body = try await state.body(of: request, context), configuration = state.configuration
                        var order = try SpeechOrder(
                            elevenLabs: body, voice: context.name("voice"), query: request.uri.queryParameters, limit: configuration.characterLimit,
                            isStrict: configuration.isStrict)
                        (order.isStreamed, order.wantsWords) = (isStreamed, wantsWords)
                        return try await state.answer(order, context)
                    }
                ])
        }
        router.route(
            "/voices",
            [
                .get: { _, _ in
                    Response(["voices": .array(state.knownVoices().map(Self.voice)), "has_more": false])
                }
            ])
        router.route(
            "/voices/:voice",
            [
                .get: { _, context in
                    Response(Self.voice(try state.knownVoice(context.name("voice"))))
                }
            ])
    }

    /// Voices of the folder are listed as cloned.
    private static func voice(_ voice: KnownVoice) -> JSON {
        [
            "voice_id": .string(voice.name), "name": .string(voice.name), "category": .string(voice.isDeletable ? "cloned" : "premade"),
            "labels": .object([]), "description": .null, "preview_url": .null,
        ]
    }

    /// The list of models in ElevenLabs' format.
    static func models(_ state: ServerState) -> Response {
        Response(
            .array(
                state.models.offers.map { offer in
                    let languages = (offer.variant?.languages ?? []).map { language -> JSON in
                        ["language_id": .string(language.code), "name": .string(language.name)]
                    }
                    return [
                        "model_id": .string(offer.name), "name": .string(offer.name), "can_do_text_to_speech": true, "can_do_voice_conversion": false,
                        "can_use_style": false, "can_use_speaker_boost": false, "serves_pro_voices": false,
                        "maximum_text_length_per_request": .init(state.configuration.characterLimit), "languages": .array(languages),
                    ]
                }))
    }
}

/// The parts of ElevenLabs' API that concern speech, so that its clients can use this server.
enum ElevenLabs {
    /// Whether a request belongs to this API, whose errors have another format: by its path, or by the name of its key.
    static func isMeant(by request: Request) -> Bool {
        let path = request.pathWithoutVersion
        if ["/text-to-speech/", "/voices"].contains(where: path.hasPrefix) { return true }
        return isItsList(request) && path == "/models"
    }

    /// Whether a list at a shared route is requested in this API's format.
    static func isItsList(_ request: Request) -> Bool { request.headers[.apiKey] != nil && request.headers[.authorization] == nil }

    /// The model for one of ElevenLabs' model names: the first one, unless a model of this server has that name.
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
