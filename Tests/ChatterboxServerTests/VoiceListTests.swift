import Chatterbox
import Foundation
import SpeechAudio
import TestSupport
import Testing

@testable import ChatterboxServer

/// Forms as sent by clients.
enum TestForm {
    static let type = ["content-type": "multipart/form-data; boundary=b0undary"]

    static func bytes(_ fields: [(String, String)], _ files: [(String, Data)] = []) -> [UInt8] {
        var bytes: [UInt8] = []
        for (name, value) in fields {
            bytes += Array("--b0undary\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n".utf8)
        }
        for (name, data) in files {
            bytes += Array("--b0undary\r\nContent-Disposition: form-data; name=\"\(name)\"; filename=\"f\"\r\n\r\n".utf8) + data + Array("\r\n".utf8)
        }
        return bytes + Array("--b0undary--\r\n".utf8)
    }
}

@Suite("The list of voices, and names of new ones", .standInModel) struct VoiceListTests {
    private static var model: ModelOffering {
        let folder = StandInModel.folder
        return ModelOffering(name: "tiny", folder: folder) { try await Synthesizer.load(folder) }
    }

    private func add(_ server: LoopbackServer, _ name: String, _ more: [(String, String)] = []) async throws -> LoopbackServer.Answer {
        let form = TestForm.bytes([("name", name)] + more, [("audio_sample", try Data(contentsOf: StandInModel.recording))])
        return try await server.ask(.POST, "/v1/audio/voices", bytes: form, headers: TestForm.type)
    }

    /// A model's folder with a voice.
    private func modelWithVoice() async throws -> ModelOffering {
        let model = try await Synthesizer.load(StandInModel.folder)
        try VoiceLibrary(ofModel: StandInModel.folder).store(try await model.voice(from: StandInModel.recording, for: .speech), as: "rms")
        return Self.model
    }

    @Test("of several simultaneous uploads under one name, one is stored and the others get 409") func atOnce() async throws {
        try await LoopbackServer.run([Self.model]) { server in
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<4 { group.addTask { try await self.add(server, "ada").status } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses.sorted() == [200, 409, 409, 409])
            #expect(server.state.voices.library.entries().map(\.name) == ["ada"])
        }
    }

    @Test("voices that come with a model are in every list, and cannot be deleted or replaced") func ofModel() async throws {
        let offer = try await modelWithVoice()
        try await LoopbackServer.run([offer]) {
            $0.wyomingPort = 0
        } _: { server in
            #expect(try await add(server, "ada").status == 200)
            guard case .array(let voices)? = try await server.ask(.GET, "/v1/audio/voices").json?["data"] else { return #expect(Bool(false)) }
            #expect(voices.map { $0["id"] } == ["default", "ada", "rms"])
            #expect(voices.map { $0["deletable"] } == [false, true, false] && voices.map { $0["models"] } == [.null, .null, ["tiny"]])
            #expect(try await server.ask(.GET, "/v1/audio/voices/rms").json?["models"] == ["tiny"])
            #expect(try await server.ask(.GET, "/v1/audio/voices/default").status == 200)

            guard case .array(let others)? = try await server.ask(.GET, "/v1/voices").json?["voices"] else { return #expect(Bool(false)) }
            #expect(others.map { $0["voice_id"] } == ["default", "ada", "rms"] && others.map { $0["category"] } == ["premade", "cloned", "premade"])
            #expect(try await server.ask(.GET, "/v1/voices/rms").json?["name"] == "rms")

            let unknown = try await server.speak([("model", "tiny"), ("voice", "nobody")])
            #expect(unknown.status == 404 && unknown.text.contains("there are ada, rms, default"), "\(unknown.text)")
            let listed = try await server.ask(.GET, "/v1/audio/voices/nobody")
            #expect(listed.status == 404 && listed.text.contains("there are default, ada, rms"), "\(listed.text)")
            #expect(try await server.speak([("model", "tiny"), ("voice", "rms")]).status == 200)

            for name in ["rms", "default"] {
                let kept = try await server.ask(.DELETE, "/v1/audio/voices/\(name)")
                #expect(kept.status == 409 && kept.json?["error"]?["code"] == "voice_not_deletable", "\(kept.text)")
                #expect(try await add(server, name).json?["error"]?["code"] == "voice_exists")
            }
        }
    }

    @Test("names that stand for another voice are reserved: no voice can be added or deleted under them") func reserved() async throws {
        try await LoopbackServer.run([Self.model]) {
            $0.voiceAliases = ["sam": "default"]
        } _: { server in
            for name in ["alloy", "sam"] {
                let added = try await add(server, name)
                #expect(
                    added.status == 409 && added.json?["error"]?["code"] == "voice_name_reserved" && !added.text.contains("delete it"),
                    "\(added.text)")
                let deleted = try await server.ask(.DELETE, "/v1/audio/voices/\(name)")
                #expect(deleted.status == 404 && deleted.text.contains("means another voice"), "\(deleted.text)")
            }
        }
    }

    @Test("a name refers to the same voice in both Unicode forms", arguments: ["jos\u{E9}", "jose\u{301}"]) func forms(name: String)
        async throws
    {
        try await LoopbackServer.run([Self.model]) { server in
            let made = try await add(server, name)
            guard case .string(let id)? = made.json?["id"] else { return #expect(Bool(false), "\(made.text)") }
            #expect(Array(id.unicodeScalars) == Array("jos\u{E9}".unicodeScalars))
            for other in ["jos\u{E9}", "jose\u{301}"] {
                let path =
                    "/v1/audio/voices/" + other.addingPercentEncoding(
                        withAllowedCharacters: .alphanumerics.intersection(.init(charactersIn: "a"..."z")))!
                #expect(try await server.ask(.GET, path).status == 200)
                #expect(try await add(server, other).status == 409)
                #expect(try await server.speak([("model", "tiny"), ("voice", .string(other))]).status == 200)
            }
            guard case .array(let voices)? = try await server.ask(.GET, "/v1/audio/voices").json?["data"] else { return #expect(Bool(false)) }
            #expect(voices.count { $0["deletable"] == true } == 1)
        }
    }

    // MARK: forms

    @Test(
        "unknown fields of a form are ignored with a warning, or refused with --strict",
        arguments: ["/audio/voices", "/audio/convert"])
    func unknownFields(path: String) async throws {
        let recording = try Data(contentsOf: StandInModel.recording)
        let form =
            path == "/audio/voices"
            ? TestForm.bytes([("name", "ada"), ("consent", "yes"), ("mood", "sad")], [("audio_sample", recording)])
            : TestForm.bytes([("voice", "bob"), ("seed", "1"), ("mood", "sad"), ("response_format", "wav")], [("audio", recording)])
        try await LoopbackServer.run([Self.model]) { server in
            _ = try await add(server, "bob")
            let taken = try await server.ask(.POST, path, bytes: form, headers: TestForm.type)
            #expect(
                taken.status == 200 && taken.headers["x-chatterbox-warning"] == ["mood is ignored: this server has no such field"],
                "\(taken.text.prefix(200))")
        }
        try await LoopbackServer.run([Self.model]) {
            $0.isStrict = true
        } _: { server in
            let refused = try await server.ask(.POST, path, bytes: form, headers: TestForm.type)
            #expect(refused.status == 400 && refused.json?["error"]?["param"] == "mood", "\(refused.text)")
            #expect(try await add(server, "bob", [("consent", "yes")]).status == 200)
        }
    }

    @Test("an error about a recording names its field", arguments: [("/audio/voices", "audio_sample"), ("/audio/convert", "audio")])
    func invalidAudio(path: String, field: String) async throws {
        let silence = try AudioFile.encode(Audio(samples: [Float](repeating: 0, count: 24_000), sampleRate: 24_000), as: .wav)
        try await LoopbackServer.run([Self.model]) { server in
            for data in [Data("hello, this is a text".utf8), Data(silence)] {
                let refused = try await server.ask(.POST, path, bytes: TestForm.bytes([("name", "ada")], [(field, data)]), headers: TestForm.type)
                #expect(refused.status == 400 && refused.json?["error"]?["code"] == "invalid_audio", "\(refused.text)")
                #expect(refused.json?["error"]?["param"] == .string(field), "\(refused.text)")
            }
            let unknown = try await server.ask(
                .POST, path, bytes: TestForm.bytes([("name", "ada")], [(field, Data("\u{89}PNG\r\n".utf8) + Data(count: 200))]),
                headers: TestForm.type)
            #expect(unknown.text.contains("AIFF, or with ffmpeg m4a, mp4, WebM, caf or AAC") && !unknown.text.contains("formats'"), "\(unknown.text)")
        }
    }

    @Test("a recording of more than five minutes is too long, whatever its sample rate") func long() async throws {
        let tone = (0..<(301 * 8000)).map { 0.3 * sin(Float($0) / 5) }
        let sound = try AudioFile.encode(Audio(samples: tone, sampleRate: 8000), as: .mp3)
        try await LoopbackServer.run([Self.model]) { server in
            let form = TestForm.bytes([("name", "ada")], [("audio_sample", Data(sound))])
            let refused = try await server.ask(.POST, "/v1/audio/voices", bytes: form, headers: TestForm.type)
            #expect(
                refused.status == 400 && refused.text.contains("s long; 300 s are the most") && refused.json?["error"]?["param"] == "audio_sample",
                "\(refused.text)")
        }
    }
}
