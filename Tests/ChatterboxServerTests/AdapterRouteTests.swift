import Foundation
import TestSupport
import Testing
import Torch

@testable import Chatterbox
@testable import ChatterboxServer

@Suite("Adapters, with a model that uses them", .standInModel) struct AdapterRouteTests {
    private let place: TemporaryFolder
    private var library: AdapterLibrary { AdapterLibrary(folder: place.url.appending(path: "adapters")) }

    init() throws { place = try TemporaryFolder() }

    private static let type = ["content-type": "multipart/form-data; boundary=b0undary"]

    /// A form with fields and files.
    private static func form(_ fields: [(String, String)], _ files: [(String, Data)]) -> [UInt8] {
        var bytes: [UInt8] = []
        for (name, value) in fields { bytes += Array("--b0undary\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n".utf8) }
        for (name, data) in files {
            bytes +=
                Array("--b0undary\r\nContent-Disposition: form-data; name=\"\(name)\"; filename=\"\(name)\"\r\n\r\n".utf8) + data + Array("\r\n".utf8)
        }
        return bytes + Array("--b0undary--\r\n".utf8)
    }

    private static var model: ModelOffering {
        let folder = StandInModel.folder
        return ModelOffering(name: "tiny") { try await Synthesizer.load(folder) }
    }

    /// The file of a random adapter for the stand-in, which does not change when its speech ends.
    private func file(seed: UInt64, base: String? = nil) throws -> Data {
        let t3 = try Model.load(StandInModel.folder).t3, generator = try Generator(seed: seed)
        let weight = (t3.backbone as! LlamaBackbone).layers[0].feedForward.up.weight
        let matrices = Adapter.Matrices(
            a: try .randn([2, weight.size(1)], generator: generator), b: try .randn([weight.size(0), 2], generator: generator), scale: 0.5)
        let file = place.url.appending(path: "\(seed).safetensors")
        try Adapter(["tfmr.layers.0.mlp.up_proj": matrices], base: base, baseName: "tiny", name: "random").save(to: file)
        return try Data(contentsOf: file)
    }

    private func run(_ limit: Int = 1 << 20, _ test: @Sendable (LoopbackServer) async throws -> Void) async throws {
        try await LoopbackServer.run([Self.model]) { [library] in
            ($0.adapters, $0.adapterLimit) = (library.folder, limit)
        } _: { server in
            // The model has no built-in voice.
            let form = Self.form([("name", "bob")], [("audio_sample", try Data(contentsOf: StandInModel.recording))])
            let made = try await server.ask(.POST, "/v1/audio/voices", bytes: form, headers: Self.type)
            #expect(made.status == 200, "\(made.text)")
            try await test(server)
        }
    }

    private static func speak(_ server: LoopbackServer, _ adapter: JSON?) async throws -> LoopbackServer.Answer {
        try await server.speak(
            [("model", "tiny"), ("voice", "bob"), ("response_format", "pcm"), ("seed", 3)] + (adapter.map { [("adapter", $0)] } ?? []))
    }

    @Test("an adapter is uploaded, listed, used and deleted") func life() async throws {
        let (ada, bea) = (try file(seed: 1), try file(seed: 2))
        try await run { server in
            for (name, data) in [("ada", ada), ("bea", bea)] {
                let made = try await server.ask(
                    .POST, "/v1/adapters", bytes: Self.form([("name", name), ("model", "tiny")], [("adapter", data)]), headers: Self.type)
                #expect(made.status == 200 && made.json?["id"] == .string(name) && made.json?["rank"] == 2, "\(made.text)")
                #expect(made.json?["base_model"] == "tiny")
            }
            guard case .array(let list)? = try await server.ask(.GET, "/adapters").json?["data"] else { return #expect(Bool(false)) }
            #expect(list.map { $0["id"] } == ["ada", "bea"])

            let plain = try await Self.speak(server, nil), one = try await Self.speak(server, "ada")
            #expect(plain.status == 200 && one.status == 200 && plain.body != one.body, "\(one.text.prefix(300))")
            // With weight 0 it has no effect, with 1 its full effect.
            #expect(try await Self.speak(server, ["ada": 0]).body == plain.body)
            #expect(try await Self.speak(server, ["ada": 1]).body == one.body)
            // Beside others the result is the same, and several are added together.
            async let other = Self.speak(server, "bea")
            async let both = Self.speak(server, ["ada": 1, "bea": 0.5])
            #expect(try await Self.speak(server, "ada").body == one.body)
            #expect(try await other.body != one.body)
            #expect(try await both.body != one.body)

            #expect(try await server.ask(.DELETE, "/v1/adapters/ada").json?["deleted"] == true)
            #expect(try await server.ask(.GET, "/v1/adapters/ada").status == 404)
            let gone = try await Self.speak(server, "ada")
            #expect(gone.status == 404 && gone.json?["error"]?["code"] == "adapter_not_found", "\(gone.text)")
        }
    }

    @Test("PEFT's two files are accepted unchanged") func peft() async throws {
        let folder = fixturesFolder.appending(path: "adapters/style")
        let files = try ["adapter_model.safetensors", "adapter_config.json"].map { try Data(contentsOf: folder.appending(path: $0)) }
        try await run { server in
            let form = Self.form([("name", "style")], [("adapter", files[0]), ("config", files[1])])
            #expect(try await server.ask(.POST, "/v1/adapters", bytes: form, headers: Self.type).status == 200)
            // It was made for a model of another size, which requests report.
            let answer = try await Self.speak(server, "style")
            #expect(answer.status == 400 && answer.json?["error"]?["code"] == "adapter_mismatch", "\(answer.text)")
            let without = try await server.ask(.POST, "/v1/adapters", bytes: Self.form([("name", "x")], [("adapter", files[0])]), headers: Self.type)
            #expect(without.status == 400 && without.text.contains("adapter_config.json"), "\(without.text)")
            #expect(!without.text.contains(FileManager.default.temporaryDirectory.path), "\(without.text)")
        }
    }

    @Test("a file that is not an adapter, does not match or has no name is refused, and nothing is stored") func refused() async throws {
        let (own, foreign) = (try file(seed: 1), try file(seed: 2, base: "0123456789abcdef"))
        try await run(4 * own.count) { [library] server in
            func add(_ fields: [(String, String)], _ data: Data?) async throws -> LoopbackServer.Answer {
                try await server.ask(.POST, "/v1/adapters", bytes: Self.form(fields, data.map { [("adapter", $0)] } ?? []), headers: Self.type)
            }
            let cases: [(fields: [(String, String)], data: Data?, status: Int, code: JSON)] = [
                ([("name", "a")], Data("weights".utf8), 400, "invalid_adapter"), ([("name", "a")], own.prefix(own.count / 2), 400, "invalid_adapter"),
                ([("name", "a")], nil, 400, "missing_required_parameter"), ([], own, 400, "missing_required_parameter"),
                ([("name", "../a")], own, 400, "invalid_value"), ([("name", "a"), ("model", "other")], own, 404, "model_not_found"),
                ([("name", "a"), ("model", "tiny")], foreign, 400, "adapter_mismatch"),
                ([("name", "a")], own + Data(count: 4 * own.count), 413, "too_large"),
            ]
            for (fields, data, status, code) in cases {
                let answer = try await add(fields, data)
                #expect(answer.status == status && answer.json?["error"]?["code"] == code, "\(fields): \(answer.status) \(answer.text)")
            }
            #expect(library.entries().isEmpty)
            #expect(try await add([("name", "a")], own).status == 200)
            #expect(try await add([("name", "a")], own).status == 409)
        }
        // Without a folder there are no adapters.
        try await LoopbackServer.run([Self.model]) { server in
            let list = try await server.ask(.GET, "/v1/adapters")
            #expect(list.json?["data"] == [])
            #expect(
                try await server.ask(.POST, "/v1/adapters", bytes: Self.form([("name", "a")], [("adapter", own)]), headers: Self.type).status == 404)
            #expect(try await Self.speak(server, "a").json?["error"]?["code"] == "no_adapters")
        }
    }
}
