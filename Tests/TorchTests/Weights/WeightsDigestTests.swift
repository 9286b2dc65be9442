import Foundation
import TestSupport
import Testing

@testable import Torch

/// What the digests of networks depend on.
@Suite("Digests of weights")
struct WeightsDigestTests {
    /// A layer's weights, large enough that only parts of them are read.
    private func tensors(prefix: String = "", change: Int? = nil, dtype: DType = .float32) throws -> [String: Tensor] {
        var values = (0..<400).map { Float($0) / 7 }
        if let change { values[change] += 1 }
        return [
            prefix + "weight": try Tensor(values, shape: [20, 20]).to(dtype),
            prefix + "bias": try Tensor((0..<20).map(Float.init), shape: [20]).to(dtype),
        ]
    }

    private func digest(_ weights: Weights) throws -> String {
        _ = try Linear(weights, from: 20, to: 20)
        return try weights.digest()
    }

    private func digest(_ tensors: [String: Tensor]) throws -> String { try digest(Weights(tensors: tensors, named: "memory")) }

    @Test("the same weights have one digest in every container, in every scope, and beside any other weights") func same() throws {
        let folder = try TemporaryFolder()
        let file = folder.url.appending(path: "x.safetensors")
        try SafetensorsWriter.write(tensors(), to: file)
        let expected = try digest(tensors())
        #expect(expected.count == 64)
        #expect(try digest(Weights.load(file)) == expected)
        let scoped = try tensors(prefix: "deep.down.").merging(["deep.down.unread": .ones([3]), "other": .ones([2])]) { $1 }
        try SafetensorsWriter.write(scoped, to: file)
        #expect(try digest(Weights.load(file)["deep"]["down"]) == expected)
    }

    @Test("a file of torch.save and a safetensors file of the same weights have one digest") func containers() throws {
        let (archive, file) = (fixturesFolder.appending(path: "archive.pt"), fixturesFolder.appending(path: "archive.safetensors"))
        let entries = try SafetensorsFile(file).entries
        let digests = try [archive, file].map { url in
            let weights = try Weights.load(url, dtype: .float32)
            for (name, entry) in entries { _ = try weights.tensor(name, shape: entry.shape) }
            return try weights.digest()
        }
        #expect(digests[0] == digests[1])
    }

    @Test("the digest depends on the stored weights, not on the type of the computation") func stored() throws {
        let folder = try TemporaryFolder()
        let file = folder.url.appending(path: "x.safetensors")
        try SafetensorsWriter.write(tensors(dtype: .float16), to: file)
        let halves = try digest(Weights.load(file))
        #expect(try digest(Weights.load(file, dtype: .float32)) == halves)
        #expect(try digest(tensors()) != halves)
    }

    @Test("another number, name or shape gives another digest", arguments: [0, 399]) func other(position: Int) throws {
        let expected = try digest(tensors())
        #expect(try digest(tensors(change: position)) != expected)
        let renamed = Weights(tensors: ["weights": try .ones([20]), "bias": try .ones([20])], named: "memory")
        let named = Weights(tensors: ["weight": try .ones([20]), "bias": try .ones([20])], named: "memory")
        let shaped = Weights(tensors: ["weight": try .ones([4, 5]), "bias": try .ones([20])], named: "memory")
        _ = try (renamed.tensor("weights", shape: [20]), renamed.tensor("bias", shape: [20]))
        _ = try (named.tensor("weight", shape: [20]), named.tensor("bias", shape: [20]))
        _ = try (shaped.tensor("weight", shape: [4, 5]), shaped.tensor("bias", shape: [20]))
        #expect(try Set([renamed.digest(), named.digest(), shaped.digest()]).count == 3)
    }

    @Test("random weights have a digest, too, each draw its own") func drawn() throws {
        let digests = try [1, 1, 2].map { try digest(Weights(initialising: Generator(seed: $0))) }
        #expect(digests[0] == digests[1] && digests[0] != digests[2])
    }

    @Test(
        "few bytes of a tensor are read, whatever its size: all of a small one, otherwise parts from the first to the last",
        arguments: [
            0, 1, 256, 257, 1000, 1 << 30,
        ])
    func sample(count: Int) {
        let pieces = Weights.sample(of: count)
        #expect(pieces.first?.lowerBound == 0 && pieces.last?.upperBound == count)
        #expect(pieces.reduce(0) { $0 + $1.count } == min(count, 256))
        #expect(zip(pieces, pieces.dropFirst()).allSatisfy { $0.upperBound <= $1.lowerBound })
    }
}
