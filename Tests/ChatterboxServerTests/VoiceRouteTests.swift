import Chatterbox
import Foundation
import SpeechAudio
import TestSupport
import Testing

@testable import ChatterboxServer

@Suite("Voices, with a model that uses them", .standInModel) struct VoiceRouteTests {
    /// A form with a name and a file.
    private static func form(_ name: String, _ file: Data, boundary: String = "b0undary") -> [UInt8] {
        var bytes = Array("--\(boundary)\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\n\(name)\r\n--\(boundary)\r\n".utf8)
        bytes += Array("Content-Disposition: form-data; name=\"audio_sample\"; filename=\"me.wav\"\r\nContent-Type: audio/wav\r\n\r\n".utf8)
        return bytes + file + Array("\r\n--\(boundary)\r\nContent-Disposition: form-data; name=\"consent\"\r\n\r\ncons_1\r\n--\(boundary)--\r\n".utf8)
    }

    private static let type = ["content-type": "multipart/form-data; boundary=b0undary"]

    private static var model: ModelOffering {
        let folder = StandInModel.folder
        return ModelOffering(name: "tiny") { try await Synthesizer.load(folder) }
    }

    @Test("a voice is uploaded, listed, used and deleted") func life() async throws {
        let recording = try Data(contentsOf: StandInModel.recording)
        try await LoopbackServer.run([Self.model]) { server in
            let made = try await server.ask(.POST, "/v1/audio/voices", bytes: Self.form("ada", recording), headers: Self.type)
            #expect(made.status == 200 && made.json?["id"] == "ada" && made.json?["object"] == "audio.voice", "\(made.text)")
            let list = try #require(try await server.ask(.GET, "/audio/voices").json)
            guard case .array(let voices)? = list["voices"], case .array(let data)? = list["data"] else { return #expect(Bool(false), "\(list)") }
            #expect(voices.map { $0["id"] } == ["default", "ada"] && voices == data)
            #expect(try await server.ask(.GET, "/v1/audio/voices/ada").json?["name"] == "ada")

            let spoken = try await server.speak([("model", "tiny"), ("voice", "ada"), ("response_format", "pcm"), ("seed", 3)])
            #expect(spoken.status == 200 && spoken.body.count > 1000, "\(spoken.text.prefix(300))")
            #expect(spoken.headers["x-chatterbox-warning"].isEmpty)
            // Beside others, and as events, the sound is the same.
            async let other = server.speak([("model", "tiny"), ("voice", "ada"), ("response_format", "pcm"), ("seed", 4)])
            let again = try await server.speak([("model", "tiny"), ("voice", "ada"), ("response_format", "pcm"), ("seed", 3)])
            #expect(try await other.body != again.body)
            #expect(again.body == spoken.body)

            #expect(try await server.ask(.POST, "/v1/audio/voices", bytes: Self.form("ada", recording), headers: Self.type).status == 409)
            #expect(try await server.ask(.DELETE, "/v1/audio/voices/ada").json?["deleted"] == true)
            #expect(try await server.ask(.GET, "/v1/audio/voices/ada").status == 404)
            #expect(try await server.speak([("model", "tiny"), ("voice", "ada")]).status == 404)
        }
    }

    @Test("a name means the voice in the configuration, and aliases are not followed further") func aliases() async throws {
        let recording = try Data(contentsOf: StandInModel.recording)
        try await LoopbackServer.run([Self.model]) {
            $0.voiceAliases = ["alloy": "ada", "sam": "ada", "echo": "sam", "nova": "nova"]
        } _: { server in
            _ = try await server.ask(.POST, "/v1/audio/voices", bytes: Self.form("ada", recording), headers: Self.type)
            func sound(_ voice: String) async throws -> LoopbackServer.Answer {
                try await server.speak([("model", "tiny"), ("voice", .string(voice)), ("response_format", "pcm"), ("seed", 3)])
            }
            let own = try await sound("ada")
            #expect(own.status == 200, "\(own.text)")
            for name in ["alloy", "sam"] { #expect(try await sound(name).body == own.body, "\(name)") }
            // An alias of an alias, or of itself, is not a voice; the others mean the default one.
            for name in ["echo", "nova"] { #expect(try await sound(name).status == 404, "\(name)") }
            #expect(try await sound("shimmer").body != own.body)
        }
    }

    @Test(
        "a file that is not a recording of a voice is refused",
        arguments: [
            ("ada", Data("hello, this is a text".utf8), "invalid_audio"), ("ada", Data(), "invalid_audio"), ("../ada", Data([1]), nil),
            ("alloy", Data([1]), nil),
            ("", Data([1]), "missing_required_parameter"),
        ] as [(String, Data, String?)]) func refused(name: String, file: Data, code: String?) async throws
    {
        try await LoopbackServer.run([Self.model]) { server in
            let answer = try await server.ask(.POST, "/v1/audio/voices", bytes: Self.form(name, file), headers: Self.type)
            #expect((400..<410).contains(answer.status), "\(answer.text)")
            if let code { #expect(answer.json?["error"]?["code"] == .string(code), "\(answer.text)") }
            #expect(server.state.voices.library.entries().isEmpty)
        }
    }

    @Test("weights are never accepted as a voice") func weights() async throws {
        let weights = try Data(contentsOf: StandInModel.folder.appending(path: "ve.safetensors"))
        try await LoopbackServer.run([Self.model]) { server in
            let answer = try await server.ask(.POST, "/v1/audio/voices", bytes: Self.form("ada", weights), headers: Self.type)
            #expect(answer.status == 400 && answer.json?["error"]?["code"] == "invalid_audio", "\(answer.text)")
        }
    }

    @Test("a recording beyond its limit is too large") func large() async throws {
        try await LoopbackServer.run([Self.model]) {
            $0.uploadLimit = 1000
        } _: { server in
            let answer = try await server.ask(.POST, "/v1/audio/voices", bytes: Self.form("ada", Data(count: 2000)), headers: Self.type)
            #expect(answer.status == 413 && answer.json?["error"]?["param"] == "audio_sample")
        }
    }

    @Test("a request without a voice uses the model's own, or gets an error if it has none") func noVoice() async throws {
        try await LoopbackServer.run([Self.model]) { server in
            let answer = try await server.speak([("model", "tiny")])
            let hasVoice = try await Synthesizer.load(StandInModel.folder).hasVoice
            #expect(answer.status == (hasVoice ? 200 : 400), "\(answer.text)")
        }
    }
}
