import Foundation
import TestSupport
import Testing

@Suite("chatterbox models") struct ModelsTests {
    let program: Program
    private static let commit = String(repeating: "c0", count: 20)

    init() throws { program = try Program() }

    /// Nano as Python's client leaves it, with a byte in each file, named by its true checksum.
    private func cacheNano() throws {
        let folder = program.folder.url.appending(path: ".cache/huggingface/hub/models--ResembleAI--chatterbox-nano")
        for part in ["blobs", "refs", "snapshots/\(Self.commit)"] {
            try FileManager.default.createDirectory(at: folder.appending(path: part), withIntermediateDirectories: true)
        }
        try Data(Self.commit.utf8).write(to: folder.appending(path: "refs/main"))
        // sha1 of git's "blob 1\0a".
        let checksum = "2e65efe2a145dda7ee51d1741299f848e5bf752e"
        try Data("a".utf8).write(to: folder.appending(path: "blobs/\(checksum)"))
        for name in ["t3_nano_v1.safetensors", "s3gen_meanflow.safetensors", "ve.safetensors", "vocab.json", "merges.txt", "added_tokens.json"] {
            try FileManager.default.createSymbolicLink(
                atPath: folder.appending(path: "snapshots/\(Self.commit)/\(name)").path, withDestinationPath: "../../blobs/\(checksum)")
        }
    }

    @Test("a model that Python has fetched is listed, found by its name, checked and removed") func cached() async throws {
        try cacheNano()
        struct Entry: Decodable { let name: String, here: Bool, bytes: Int }
        let list = try JSONDecoder().decode([Entry].self, from: await program("models", "list", "--json").output)
        #expect(list.filter(\.here).map(\.name) == ["nano", "pico"])
        #expect(list.first { $0.here }?.bytes == 6)
        #expect(list.count == 12)

        let path = try await program("models", "path")
        #expect(String(decoding: path.output, as: UTF8.self).hasSuffix("/nano\n"))
        let verify = try await program("models", "verify", "nano")
        #expect(verify.status == 0 && String(decoding: verify.output, as: UTF8.self).split(separator: "\n").allSatisfy { $0.hasSuffix("intact") })

        #expect(try await program("models", "remove", "nano").status == 0)
        #expect(try program.files().filter { $0.contains("models--") } == [])
        #expect(try await program("models", "verify", "nano").status == 1)
    }

    @Test("damage is found, with status 1 and what to do") func damaged() async throws {
        try cacheNano()
        let blob = try #require(program.files().first { $0.contains("/blobs/") })
        try Data("b".utf8).write(to: URL(filePath: program.path(blob)))
        let run = try await program("models", "verify")
        #expect(run.status == 1)
        #expect(run.errors.contains("chatterbox models pull nano"))
        #expect(String(decoding: run.output, as: UTF8.self).contains("DAMAGED"))
    }

    @Test("a model that is not here is offered by its name, without a look at the network") func offer() async throws {
        let run = try await program("say", "Hello.", "--model", "turbo")
        #expect(run.status == 1)
        #expect(run.lines.last == "Error: turbo is not on this machine; get it with `chatterbox models pull turbo`")
    }

    @Test("names of no model are refused with those that there are", arguments: ["pull", "verify", "remove"]) func unknown(action: String) async throws {
        let run = try await program("models", action, "trubo")
        #expect(run.status == 64)
        #expect(run.errors.contains("trubo") && run.errors.contains("turbo, nano"))
    }
}
