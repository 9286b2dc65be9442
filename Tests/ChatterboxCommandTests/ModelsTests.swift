import Chatterbox
import ChatterboxModels
import Foundation
import TestSupport
import Testing

@testable import ChatterboxCommand

@Suite("chatterbox models", .standInModel) struct ModelsTests {
    let program: Program
    private static let commit = String(repeating: "c0", count: 20)

    init() throws { program = try Program() }

    private static let names = [
        "t3_nano_v1.safetensors", "s3gen_meanflow.safetensors", "ve.safetensors", "vocab.json", "merges.txt", "added_tokens.json",
    ]
    /// sha1 of git's "blob 1\0a".
    private static let checksum = "2e65efe2a145dda7ee51d1741299f848e5bf752e"

    private var cache: URL { program.folder.url.appending(path: ".cache/huggingface/hub/models--ResembleAI--chatterbox-nano") }

    /// Nano as downloaded by Python's client, with one byte in each file, named by its checksum.
    ///
    /// - Parameter hasLinks: false for the layout on a disk without links.
    private func cacheNano(hasLinks: Bool = true) throws {
        for part in ["blobs", "refs", "snapshots/\(Self.commit)"] {
            try FileManager.default.createDirectory(at: cache.appending(path: part), withIntermediateDirectories: true)
        }
        try Data(Self.commit.utf8).write(to: cache.appending(path: "refs/main"))
        if hasLinks { try Data("a".utf8).write(to: cache.appending(path: "blobs/\(Self.checksum)")) }
        for name in Self.names {
            let place = cache.appending(path: "snapshots/\(Self.commit)/\(name)")
            if hasLinks {
                try FileManager.default.createSymbolicLink(atPath: place.path, withDestinationPath: "../../blobs/\(Self.checksum)")
            } else {
                try Data("a".utf8).write(to: place)
            }
        }
    }

    // MARK: existing caches

    @Test("pulling files that a cache without links has does not change them") func pullWithoutLinks() async throws {
        try cacheNano(hasLinks: false)
        let file = LoopbackHub.File(contents: Data("a".utf8), checksum: Self.checksum)
        let hub = try LoopbackHub(Dictionary(uniqueKeysWithValues: Self.names.map { ("ResembleAI/chatterbox-nano/\($0)", file) }))
        defer { hub.stop() }
        let before = try program.files().filter { $0.contains("models--") }
        let run = try await program("models", "pull", "nano", environment: ["HF_ENDPOINT": hub.address])
        #expect(run.status == 0, "\(run.errors)")
        #expect(hub.requests.contains { $0.hasPrefix("HEAD") } && !hub.requests.contains { $0.hasPrefix("GET") })
        #expect(try program.files().filter { $0.contains("models--") } == before)
        for name in Self.names {
            let place = cache.appending(path: "snapshots/\(Self.commit)/\(name)")
            #expect(try FileManager.default.attributesOfItem(atPath: place.path)[.type] as? FileAttributeType == .typeRegular)
            #expect(try Data(contentsOf: place) == Data("a".utf8))
        }
        let path = try await program("models", "path", "nano")
        let folder = String(decoding: path.output, as: UTF8.self).trimmingCharacters(in: .newlines)
        #expect(try Data(contentsOf: URL(filePath: folder).appending(path: Self.names[0])) == Data("a".utf8))
    }

    @Test("a fast flow is downloaded for a model, is in its repository's snapshot, and is not listed as a model") func fastFlow() async throws {
        try cacheNano()
        let file = LoopbackHub.File(contents: Data("a".utf8), checksum: Self.checksum)
        let names = Self.names.map { "ResembleAI/chatterbox-nano/\($0)" } + ["ResembleAI/chatterbox-flash/s3gen.safetensors"]
        let hub = try LoopbackHub(Dictionary(uniqueKeysWithValues: names.map { ($0, file) }))
        defer { hub.stop() }
        let before = try program.files().filter { $0.contains("models--ResembleAI--chatterbox-nano/snapshots") }
        let run = try await program("models", "pull", "nano", "--fast", environment: ["HF_ENDPOINT": hub.address])
        #expect(run.status == 0 && run.errors.contains("fast-flow is here: chatterbox say … --flow fast"), "\(run.errors)")
        #expect(try program.files().filter { $0.contains("models--ResembleAI--chatterbox-nano/snapshots") } == before)
        let folders = UserFolders(environment: ["HOME": program.folder.url.path])
        let found = try #require(folders.fastFlows.first)
        #expect(found.path.contains("models--ResembleAI--chatterbox-flash/snapshots/") || found.path.hasSuffix(".fast-flow/s3gen.safetensors"))
        #expect(try Data(contentsOf: found) == Data("a".utf8))
        #expect(!folders.modelLocator.models.contains { $0.lastPathComponent.contains("fast-flow") })
        let say = try await program("say", "Hi.", "--model", "fast-flow")
        #expect(say.status == 1 && say.errors.contains("there is no model or folder \"fast-flow\""), "\(say.errors)")
        let remove = try await program("models", "remove", "fast-flow")
        #expect(remove.status == 0 && folders.fastFlows.isEmpty, "\(remove.errors)")
    }

    /// Nobody, not even root, can create anything below it.
    private static let nowhere = "/proc/nowhere"

    @Test("with a model's folder nothing else is written: the home folder may be read-only", arguments: [nowhere, nil])
    func folderAlone(home: String?) async throws {
        try cacheNano()
        let before = try program.files()
        let run = try await program(
            "say", "Hi.", "--model", StandInModel.folder.path, "--voice", StandInModel.recording.path, "--max-tokens", "4", "--steps", "1",
            "-o", "out.wav", environment: home.map { ["HOME": $0] } ?? [:])
        #expect(run.status == 0, "\(run.errors)")
        #expect(try program.files() == (before + ["out.wav"]).sorted())
        #expect(!FileManager.default.fileExists(atPath: program.path(".cache/chatterbox")))
    }

    @Test("a complete cache is sufficient if nothing else can be written") func unwritableHome() async throws {
        try cacheNano()
        let environment = ["HOME": Self.nowhere, "HF_HUB_CACHE": cache.deletingLastPathComponent().path]
        struct Entry: Decodable { let name: String, here: Bool }
        let list = try await program("models", "list", "--json", environment: environment)
        #expect(list.status == 0, "\(list.errors)")
        #expect(try JSONDecoder().decode([Entry].self, from: list.output).filter(\.here).map(\.name) == ["nano", "pico"])
        let verify = try await program("models", "verify", "nano", environment: environment)
        #expect(verify.status == 0, "\(verify.errors)")
        let pull = try await program("models", "pull", "nano", environment: environment.merging(["HF_HUB_OFFLINE": "1"]) { $1 })
        #expect(pull.status == 0 && pull.errors.contains("nano is here"), "\(pull.errors)")
        let pico = try await program("models", "path", "pico", environment: environment)
        #expect(pico.status == 0, "\(pico.errors)")
    }

    @Test("a model whose folder cannot be created gets a temporary one while it is loaded") func temporaryFolder() async throws {
        try cacheNano()
        let folders = UserFolders(environment: [
            "HOME": program.folder.url.path, "XDG_CACHE_HOME": Self.nowhere, "HF_HUB_CACHE": cache.deletingLastPathComponent().path,
        ])
        func folder() async throws -> URL {
            let offer = ModelOffer(folders: folders, display: ProgressDisplay(.silent))
            defer { withExtendedLifetime(offer) {} }
            let folder = try await offer.folder(of: "nano")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == Self.names.sorted())
            #expect(try Data(contentsOf: folder.appending(path: "vocab.json")) == Data("a".utf8))
            return folder
        }
        let made = try await folder()
        #expect(!FileManager.default.fileExists(atPath: made.path))
        #expect(!FileManager.default.fileExists(atPath: made.deletingLastPathComponent().path))
    }

    @Test("a model that Python's client has downloaded is listed, found by its name, verified and removed") func cached() async throws {
        try cacheNano()
        struct Entry: Decodable { let name: String, here: Bool, bytes: Int }
        let list = try JSONDecoder().decode([Entry].self, from: await program("models", "list", "--json").output)
        #expect(list.filter(\.here).map(\.name) == ["nano", "pico"])
        #expect(list.first { $0.here }?.bytes == 6)
        #expect(Set(list.map(\.name)) == Set(Variant.all.map(\.name) + ["fast-flow", "pico"]))

        let path = try await program("models", "path")
        #expect(String(decoding: path.output, as: UTF8.self).hasSuffix("/nano\n"))
        let verify = try await program("models", "verify", "nano")
        #expect(verify.status == 0 && String(decoding: verify.output, as: UTF8.self).split(separator: "\n").allSatisfy { $0.hasSuffix("intact") })

        #expect(try await program("models", "remove", "nano").status == 0)
        #expect(try program.files().filter { $0.contains("models--") } == [])
        #expect(try await program("models", "verify", "nano").status == 1)
    }

    @Test("damage is found, with exit status 1 and what to do") func damaged() async throws {
        try cacheNano()
        let blob = try #require(program.files().first { $0.contains("/blobs/") })
        try Data("b".utf8).write(to: URL(filePath: program.path(blob)))
        let run = try await program("models", "verify")
        #expect(run.status == 1)
        #expect(run.errors.contains("chatterbox models pull nano"))
        #expect(String(decoding: run.output, as: UTF8.self).contains("DAMAGED"))
    }

    @Test("a missing model is offered by its name, without using the network") func offer() async throws {
        let run = try await program("say", "Hello.", "--model", "turbo")
        #expect(run.status == 1)
        #expect(run.lines.last == "Error: turbo is not on this machine; get it with `chatterbox models pull turbo`")
    }

    @Test("an error about an unknown name lists the known ones", arguments: ["pull", "verify", "remove"]) func unknown(action: String)
        async throws
    {
        let run = try await program("models", action, "trubo")
        #expect(run.status == 64)
        #expect(run.errors.contains("trubo") && run.errors.contains("turbo, nano"))
    }
}
