import Chatterbox
import Foundation
import HTTPTypes
import Hummingbird
import SpeechAudio

/// Voices: list, upload as a form, get, delete; in OpenAI's format, with further fields that clients expect.
struct VoiceRoutes: Sendable {
    let state: ServerState

    func add(to router: Router<ServerContext>) {
        router.route(
            "/audio/voices",
            [
                .get: { _, _ in
                    let voices = JSON.array(state.knownVoices().map(\.json))
                    return Response(["object": "list", "data": voices, "voices": voices])
                },
                .post: { try await add($0, $1) },
            ])
        router.route(
            "/audio/voices/:voice",
            [
                .get: { _, context in Response(try state.knownVoice(context.name("voice")).json) },
                .delete: { _, context in
                    let name = try context.name("voice")
                    try await state.removeVoice(name)
                    return Response(["id": .string(name), "object": "audio.voice.deleted", "deleted": true])
                },
            ])
    }

    private func add(_ request: Request, _ context: ServerContext) async throws -> Response {
        let upload = try await state.upload(
            request, context, "audio_sample", "a recording of the voice", fields: ["consent"], limit: state.configuration.uploadLimit)
        defer { withExtendedLifetime(upload) {} }
        try state.checkNewVoice(upload.name)
        let watch = await ConnectionWatch.of(context.channel)
        @Sendable func keep() async throws -> KnownVoice {
            let place = try await state.queue.enter()
            defer { withExtendedLifetime(place) {} }
            let recording = try await state.recording(upload.file.bytes, named: "audio_sample")
            let lease = try await state.models.lease(state.models.offers[0])
            let entry = try await state.voices.add(recording, named: upload.name, with: lease)
            return KnownVoice(name: entry.name, entry: entry, models: nil)
        }
        return Response(try await watch.whileOpen(keep).json, warnings: upload.form.warnings)
    }
}
