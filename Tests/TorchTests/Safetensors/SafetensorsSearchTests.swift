import Foundation
import TestSupport
import Testing
import Torch

/// Properties of the parsers for many damaged files: no crash, no tensor outside the file, helpful errors.
@Suite("Damaged safetensors")
struct SafetensorsSearchTests {
    let folder: TemporaryFolder
    var url: URL { folder.url.appending(path: "x.safetensors") }
    let valid: Data

    init() throws {
        folder = try TemporaryFolder()
        valid = try SafetensorsTests.example()
    }

    /// Reads everything in the file.
    private func read(_ url: URL) throws { for tensor in try SafetensorsFile(url).tensors().values { _ = try tensor.array(of: Float.self) } }

    @Test("a truncated file is refused") func truncated() throws {
        for length in 0..<valid.count {
            try valid.prefix(length).write(to: url)
            #expect(throws: SafetensorsError.self, "\(length) bytes") { try SafetensorsFile(url) }
        }
    }

    @Test("changes to a valid file are harmless or refused") func damaged() {
        search(rounds: 200) { random in
            try expectReadOrRefused(valid.damaged(using: &random), at: url, [SafetensorsError.self], read)
        }
    }

    @Test("random bytes are refused, whatever header length they claim") func noise() {
        search(rounds: 100) { random in
            var bytes = random.bytes(random.below(300))
            if bytes.count >= 8, random.below(2) == 0 {
                bytes.replaceSubrange(0..<8, with: withUnsafeBytes(of: UInt64(random.below(bytes.count + 8)).littleEndian) { Data($0) })
            }
            try expectReadOrRefused(bytes, at: url, [SafetensorsError.self], read)
        }
    }

    @Test("a header with strange numbers, names and nesting is harmless or refused") func headers() {
        let header =
            #"{"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[16,40]},"b.c":{"dtype":"I64","shape":[2],"data_offsets":[0,16]}}"#
        search(rounds: 200) { random in
            let bytes = SafetensorsTests.file(header: header.damagedJSON(using: &random), data: 40)
            try expectReadOrRefused(bytes, at: url, [SafetensorsError.self], read)
        }
    }

    @Test("an index with strange names and nesting is harmless or refused") func indices() throws {
        try SafetensorsWriter.write(["a": .ones([2])], to: folder.url.appending(path: "one.safetensors"))
        try SafetensorsWriter.write(["b": .zeros([3])], to: folder.url.appending(path: "two.safetensors"))
        let index = folder.url.appending(path: "model.safetensors.index.json")
        let text = #"{"metadata": {"total_size": 20}, "weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}"#
        func readAll(_ url: URL) throws {
            let weights = try Weights.load(url)
            for (name, size) in [("a", 2), ("b", 3)] { _ = try weights.tensorIfPresent(name, shape: [size]) }
        }
        search(rounds: 80) { random in
            let bytes = random.below(2) == 0 ? Data(text.damagedJSON(using: &random).utf8) : Data(text.utf8).damaged(using: &random)
            try expectNamedOrRefused(bytes, at: index, readAll)
        }
        for escape in ["../x.safetensors", "/etc/passwd", "..", "", "missing.safetensors", "one.safetensors/"] {
            try Data(#"{"weight_map": {"a": "\#(escape)"}}"#.utf8).write(to: index)
            #expect(throws: SafetensorsError.self, "\(escape)") { try Weights.load(index) }
        }
    }

    /// As ``expectReadOrRefused``; the error may name the shard instead of the index.
    private func expectNamedOrRefused(_ bytes: Data, at url: URL, _ read: (URL) throws -> Void) throws {
        try expectReadOrRefused(bytes, at: url, [SafetensorsError.self, ShardError.self]) { url in
            do { try read(url) } catch let error as SafetensorsError {
                throw "\(error)".contains(url.lastPathComponent) ? error : ShardError(text: "\(url.lastPathComponent): \(error)") as any Error
            }
        }
    }
    private struct ShardError: Error, CustomStringConvertible {
        let text: String
        var description: String { text }
    }
}
