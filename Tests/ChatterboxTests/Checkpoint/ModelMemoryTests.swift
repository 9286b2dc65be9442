import Foundation
import TestSupport
import Testing

@testable import Chatterbox

@Suite("The memory of a model", .standInModel) struct ModelMemoryTests {
    private let folder = StandInModel.folder

    private func size(_ name: String) throws -> Int {
        try #require(folder.appending(path: name).resolvingSymlinksInPath().resourceValues(forKeys: [.fileSizeKey]).fileSize)
    }

    @Test("packed weights count in their packed size, and S3Gen's as they are rounded", arguments: Quantization.allCases)
    func packed(quantization: Quantization) throws {
        let compute = try ComputeOptions(quantization: quantization), files = try ModelFiles(folder)
        let sound = try size(files.s3Gen.lastPathComponent), ears = try size(files.voiceEncoder.lastPathComponent)
        let model = try Model.load(folder, compute: compute), t3 = try #require(model.packedT3?.bytesPerStep)
        let counted = try Model.byteCount(of: folder, compute: compute) - ears - (quantization == .none ? sound : sound / 4)
        // Rows are padded to whole vectors, which matters for small matrices.
        #expect(counted <= t3 && Double(counted) > 0.8 * Double(t3), "\(counted) of \(t3)")
    }

    @Test("on the exact path or in another type, a model's size is that of its weights in that type") func exact() throws {
        let files = try ModelFiles(folder), names = [files.t3, files.s3Gen, files.voiceEncoder].map(\.lastPathComponent)
        let whole = try names.map { try size($0) }.reduce(0, +)
        #expect(try Model.byteCount(of: folder, compute: ComputeOptions(exact: true)) == whole)
        #expect(try Model.byteCount(of: folder, dtype: .bfloat16) == whole - size(names[0]) / 2)
    }

    @Test("each shard of a checkpoint is counted once") func shards() throws {
        let place = try TemporaryFolder(), index = place.url.appending(path: "t3.safetensors.index.json")
        try Data(count: 300).write(to: place.url.appending(path: "a.safetensors"))
        try Data(count: 50).write(to: place.url.appending(path: "b.safetensors"))
        try Data(#"{"weight_map": {"x": "a.safetensors", "y": "b.safetensors", "z": "a.safetensors"}}"#.utf8).write(to: index)
        #expect(try ModelFiles.byteCount(of: index) == 350)
    }
}
