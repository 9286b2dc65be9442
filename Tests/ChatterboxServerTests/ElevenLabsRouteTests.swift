import Foundation
import NIOCore
import SpeechAudio
import TestSupport
import Testing

@testable import Chatterbox
@testable import ChatterboxServer

@Suite("ElevenLabs' routes") struct ElevenLabsRouteTests {
    private static let path = "/v1/text-to-speech/default"
    private static let text: JSON = ["text": "The ship was late."]

    @Test("sound is encoded in every format with a name, at its sample rate", arguments: OutputFormats.all.map(\.name)) func formats(name: String)
        async throws
    {
        try await LoopbackServer.run { server in
            let answer = try await server.ask(.POST, Self.path + "?output_format=\(name)", Self.text)
            #expect(answer.status == 200, "\(answer.text)")
            #expect(answer.headers["content-length"] == ["\(answer.body.count)"])
            let rate = try #require(Int(name.split(separator: "_")[1])), type = answer.headers.first(name: "content-type")
            switch name.split(separator: "_")[0] {
            case "pcm": #expect(answer.body.count == rate * 2 && type == "audio/pcm")
            case "ulaw": #expect(answer.body.count == rate && type == "audio/basic")
            case "alaw": #expect(answer.body.count == rate && type == "audio/x-alaw-basic")
            default:
                let sound = try AudioFile.read(answer.body, named: name)
                #expect(sound.sampleRate == rate && abs(sound.duration - 1) < 0.15)
            }
        }
    }

    @Test("an unsupported format is refused with its name", arguments: ["mp3_44100_320", "pcm_11025", "flac", ""]) func unknownFormat(name: String)
        async throws
    {
        try await LoopbackServer.run { server in
            let answer = try await server.ask(.POST, Self.path + "/stream?output_format=\(name)", Self.text)
            let detail = answer.json?["detail"]
            #expect(answer.status == 400 && detail?["status"] == "invalid_value" && detail?["param"] == "output_format")
            #expect(answer.text.contains("output_format is \(name), which") && answer.text.contains("ulaw_8000"))
        }
    }

    @Test("streamed sound comes in chunks, and equals the complete response") func streamed() async throws {
        try await LoopbackServer.run { server in
            let streamed = try await server.ask(.POST, Self.path + "/stream?output_format=pcm_16000", Self.text)
            #expect(streamed.headers["transfer-encoding"] == ["chunked"] && streamed.headers["content-length"].isEmpty)
            let whole = try await server.ask(.POST, Self.path + "?output_format=pcm_16000", Self.text)
            #expect(streamed.body == whole.body && streamed.body.count == 32_000)
        }
    }

    @Test("the times of all characters come with the sound, in order") func timestamps() async throws {
        try await LoopbackServer.run { server in
            let answer = try await server.ask(.POST, Self.path + "/with-timestamps?output_format=pcm_24000", ["text": " The  ship\nwas late. "])
            let json = try #require(answer.json), alignment = try #require(json["alignment"])
            #expect(json["normalized_alignment"] == alignment)
            guard case .string(let audio)? = json["audio_base64"] else { return #expect(Bool(false), "\(json)") }
            #expect(Data(base64Encoded: audio)?.count == 48_000)
            let (characters, starts, ends) = try Self.times(alignment)
            #expect(characters.joined() == " The  ship\nwas late. ")
            #expect(starts.first == 0 && ends.last == 1 && starts == starts.sorted() && zip(starts, ends).allSatisfy { $0 <= $1 })
        }
    }

    @Test("streamed times equal those of the complete response") func streamedTimestamps() async throws {
        let steps: [StandInSpeaker.Step] = [.text("The ship", 0.5), .sound(0.5), .text("was late.", 0.25), .sound(0.25)]
        try await LoopbackServer.run([.standIn("stand-in", steps)]) { server in
            let answer = try await server.ask(.POST, Self.path + "/stream/with-timestamps?output_format=ulaw_8000", Self.text)
            let lines = try answer.text.split(separator: "\n").map { try JSON(parsing: Data($0.utf8)) }
            #expect(lines.count > 1 && answer.headers["content-type"] == ["application/x-ndjson"])
            var sound = Data(), characters: [String] = [], ends: [Double] = []
            for line in lines {
                if case .string(let audio)? = line["audio_base64"] { sound += try #require(Data(base64Encoded: audio)) }
                guard let alignment = line["alignment"], alignment != .null else { continue }
                let times = try Self.times(alignment)
                characters += times.characters
                ends += times.ends
            }
            #expect(sound.count == 12_000 && characters.joined() == "The ship was late.")
            #expect(ends[7] == 1 && ends.last == 1.5 && ends == ends.sorted())
        }
    }

    @Test("supported settings are applied, others cause a warning") func settings() async throws {
        try await LoopbackServer.run { server in
            let order: JSON = [
                "text": "The ship was late.", "model_id": "eleven_flash_v2_5", "seed": 42, "previous_text": "Once.",
                "voice_settings": ["stability": 0.5, "similarity_boost": 0.75, "speed": 1.1],
            ]
            let answer = try await server.ask(.POST, Self.path, order)
            #expect(answer.status == 200 && answer.headers["x-chatterbox-seed"] == ["42"])
            let warnings = answer.headers["x-chatterbox-warning"].joined(separator: "\n")
            #expect(warnings.contains("stability, similarity_boost: ignored") && warnings.contains("previous_text: ignored"))
        }
    }

    @Test(
        "errors have this API's format",
        arguments: [
            ([:], 400, "missing_required_parameter"), (["text": ""], 400, "invalid_value"), (["text": 7], 400, "invalid_type"),
            (["text": "Hi.", "model_id": "whisper-1"], 404, "model_not_found"),
            (["text": "Hi.", "voice_settings": ["speed": 9]], 400, "invalid_type"),
            (["text": "Hi.", "language_code": "tlh"], 400, "invalid_value"),
        ] as [(JSON, Int, JSON)]) func refused(order: JSON, status: Int, code: JSON) async throws
    {
        try await LoopbackServer.run { server in
            let answer = try await server.ask(.POST, Self.path, order)
            #expect(answer.status == status && answer.json?["detail"]?["status"] == code && answer.json?["error"] == nil, "\(answer.text)")
        }
    }

    @Test("an unknown voice is refused") func unknownVoice() async throws {
        try await LoopbackServer.run { server in
            let answer = try await server.ask(.POST, "/v1/text-to-speech/nobody", Self.text)
            #expect(answer.status == 404 && answer.json?["detail"]?["status"] == "voice_not_found")
            #expect(try await server.ask(.GET, "/v1/voices/nobody").status == 404)
        }
    }

    @Test("xi-api-key is accepted like a bearer key") func keys() async throws {
        try await LoopbackServer.run {
            $0.keys = Keyring("secret ada")
        } _: { server in
            let refused = try await server.ask(.POST, Self.path, Self.text, headers: ["xi-api-key": "guess"])
            #expect(refused.status == 401 && refused.json?["detail"]?["status"] == "invalid_api_key")
            #expect(try await server.ask(.POST, Self.path, Self.text, headers: ["xi-api-key": "secret"]).status == 200)
            #expect(try await server.ask(.POST, Self.path, Self.text, headers: ["authorization": "Bearer secret"]).status == 200)
            #expect(try await server.ask(.GET, "/v1/voices", headers: ["xi-api-key": "secret"]).status == 200)
        }
    }

    @Test("models and voices are listed in this API's format if requested") func lists() async throws {
        try await LoopbackServer.run { server in
            let models = try await server.ask(.GET, "/v1/models", headers: ["xi-api-key": "any"]).json
            guard case .array(let listed)? = models else { return #expect(Bool(false), "\(models as Any)") }
            #expect(listed.first?["model_id"] == "stand-in" && listed.first?["can_do_text_to_speech"] == true)
            #expect(try await server.ask(.GET, "/v1/models").json?["object"] == "list")
            guard case .array(let voices)? = try await server.ask(.GET, "/v1/voices").json?["voices"] else { return #expect(Bool(false)) }
            #expect(voices.first?["voice_id"] == "default" && voices.first?["name"] == "default")
            #expect(try await server.ask(.GET, "/v1/voices/default").json?["voice_id"] == "default")
        }
    }

    private static func times(_ json: JSON) throws -> (characters: [String], starts: [Double], ends: [Double]) {
        func numbers(_ name: String) throws -> [Double] {
            guard case .array(let values)? = json[name] else { throw JSONShape() }
            return try values.map { value in if case .number(let number) = value { number } else { throw JSONShape() } }
        }
        guard case .array(let values)? = json["characters"] else { throw JSONShape() }
        let characters = try values.map { value in if case .string(let text) = value { text } else { throw JSONShape() } }
        return (characters, try numbers("character_start_times_seconds"), try numbers("character_end_times_seconds"))
    }

    private struct JSONShape: Error {}
}

@Suite("The times of characters") struct CharacterClockTests {
    @Test("a word's time is divided among its characters; characters between words fill the time between") func shares() {
        var clock = CharacterClock("Hi  you!")
        let times = clock.take([SpokenWord(text: "Hi", start: 0.2, end: 0.4), SpokenWord(text: "you!", start: 0.6, end: 1)])
        #expect(times.characters.joined() == "Hi  you!")
        #expect(zip(times.starts, [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]).allSatisfy { abs($0 - $1) < 1e-9 })
        #expect(abs(times.ends.last! - 1) < 1e-9)
        let message = times.message(since: 0.1)
        #expect(
            message["charStartTimesMs"] == [100, 200, 300, 400, 500, 600, 700, 800]
                && message["charDurationsMs"] == [100, 100, 100, 100, 100, 100, 100, 100])
    }

    @Test("a word that the text does not contain is inserted after a space, and the following ones are found") func marked() {
        var clock = CharacterClock("It is <b>2</b> now")
        let words = ["It", "is", "two", "now"].enumerated().map { SpokenWord(text: $1, start: Double($0), end: Double($0) + 1) }
        #expect(clock.take(words).characters.joined() == "It is two <b>2</b> now")
        #expect(clock.rest(until: 5).isEmpty)
    }
}
