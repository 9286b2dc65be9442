import Chatterbox
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import SpeechAudio

/// `POST /audio/convert`: converts a whole recording to another voice.
struct ConversionRoutes: Sendable {
    let state: ServerState

    func add(to router: Router<ServerContext>) {
        router.route("/audio/convert", [.post: { try await convert($0, $1) }])
    }

    private func convert(_ request: Request, _ context: ServerContext) async throws -> Response {
        let admission = try state.limits.admit(context.client)
        defer { withExtendedLifetime(admission) {} }
        let form = try await Patience(context.channel, seconds: state.configuration.senderPatience).waiting {
            try await UploadedForm(
                request, files: ["audio"], fields: ["voice", "model", "response_format", "seed"], limit: state.configuration.uploadLimit,
                isStrict: state.configuration.isStrict)
        }
        guard let upload = form.files["audio"] else {
            throw APIError.invalid("audio is missing: a recording of speech", "audio", code: "missing_required_parameter")
        }
        let format = try format(form.fields["response_format"])
        let seed = try form.fields["seed"].map { text in
            guard let seed = UInt64(text) else { throw APIError.invalid("seed must be a whole number", "seed", code: "invalid_type") }
            return seed
        }
        return try await ConnectionWatch.of(context.channel).whileOpen {
            let offer = try state.models.offer(named: form.fields["model"] ?? "default")
            let place = try await state.queue.enter()
            defer { withExtendedLifetime(place) {} }
            let recording = try await state.recording(upload.bytes, named: "audio", minimumSeconds: 0.1)
            let lease = try await state.models.lease(offer)
            let voice = try await state.voices.voice(form.fields["voice"] ?? "default", for: lease, use: .conversion)
            let speech: Speech
            do {
                speech = try await lease.model.converted(
                    recording, to: voice, seed: seed, watermark: state.configuration.watermark && lease.model.marksSpeech)
            } catch let error as AudioError { throw APIError.invalid(error, "audio", code: "invalid_audio") }
            let bytes = try await Blocking.run { try AudioFile.encode(speech.audio, as: format) }
            var headers: HTTPFields = [.contentType: format.mediaType, .seed: "\(speech.seed)"]
            headers.append(warnings: form.warnings)
            return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
        }
    }

    private func format(_ name: String?) throws -> AudioFormat {
        guard let name else { return .mp3 }
        guard let format = AudioFormat(rawValue: name) else {
            throw APIError.invalid("response_format is \(name); known are mp3, opus, aac, flac, wav and pcm", "response_format")
        }
        return format
    }
}
