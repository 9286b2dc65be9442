import Foundation
import TestSupport
import Testing
import Torch

@testable import Chatterbox

@Suite("Models with merged adapters", .standInModel) struct MergedModelTests {
    private let place: TemporaryFolder
    private var target: URL { place.url.appending(path: "merged") }

    init() throws { place = try TemporaryFolder() }

    /// A random adapter for the stand-in.
    private func adapter(base: String? = nil) throws -> Adapter {
        let t3 = try Model.load(StandInModel.folder).t3, generator = try Generator(seed: 3)
        let weight = (t3.backbone as! LlamaBackbone).layers[0].feedForward.up.weight
        return Adapter(
            [
                "tfmr.layers.0.mlp.up_proj": .init(
                    a: try .randn([2, weight.size(1)], generator: generator), b: try .randn([weight.size(0), 2], generator: generator), scale: 0.1)
            ],
            base: base, baseName: "other", name: "random")
    }

    @Test("a merged model has all of the other's files, and only the adapted layers differ") func merged() throws {
        let adapter = try adapter()
        #expect(try Model.merge([AdapterUse(adapter)], into: StandInModel.folder, to: target) == 1)
        let names = { (url: URL) in try Set(FileManager.default.contentsOfDirectory(atPath: url.path)) }
        try #expect(names(target) == names(StandInModel.folder))
        try #expect(names(place.url) == ["merged"])
        let before = try SafetensorsFile(StandInModel.folder.appending(path: "t3_cfg.safetensors")).tensors()
        let after = try SafetensorsFile(target.appending(path: "t3_cfg.safetensors")).tensors()
        #expect(Set(before.keys) == Set(after.keys))
        let changed = try before.keys.filter { try !before[$0]!.equal(to: after[$0]!).all().item(Bool.self) }
        #expect(changed == ["tfmr.layers.0.mlp.up_proj.weight"])
        let adapted = try Model.load(StandInModel.folder).t3.adapted(by: [AdapterUse(adapter)])
        let inputs = try Tensor.randn([1, 5, adapted.configuration.backbone.hiddenSize], generator: Generator(seed: 4))
        try expectClose(
            Model.load(target).t3.backbone(inputs, memory: WholeSequence()), adapted.backbone(inputs, memory: WholeSequence()), relative: 1e-5)
    }

    @Test("after an adapter of another base was refused nothing is left, and an existing folder is refused") func refused() throws {
        #expect(throws: AdapterError.self) {
            try Model.merge([AdapterUse(adapter(base: "0123"))], into: StandInModel.folder, to: target)
        }
        #expect(!FileManager.default.fileExists(atPath: target.path))
        let weights = try Weights.load(StandInModel.folder.appending(path: "t3_cfg.safetensors"))
        _ = try T3(weights, Model.configuration(of: StandInModel.folder).t3)
        try Model.merge([AdapterUse(adapter(base: weights.digest()))], into: StandInModel.folder, to: target)
        let error = try #require(throws: CheckpointError.self) { try Model.merge([AdapterUse(adapter())], into: StandInModel.folder, to: target) }
        #expect(error.description.contains("it is there already"))
    }
}
