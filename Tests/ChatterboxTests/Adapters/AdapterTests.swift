import Foundation
import TestSupport
import Testing
import Torch

@testable import Chatterbox

/// Adapters made by PEFT, and PEFT's results with them (`Reference/fixtures/adapters.py`).
private struct MadeByPEFT {
    let outputs: Fixture
    let llama: SmallT3

    init() throws { (outputs, llama) = (try Fixture("adapters/logits"), try SmallT3()) }

    static func folder(_ name: String) -> URL { fixturesFolder.appending(path: "adapters/\(name)") }
    static func adapter(_ name: String) throws -> Adapter { try Adapter.load(from: folder(name)) }

    func logits(_ model: T3) throws -> Tensor {
        try model.logits(
            textTokens: llama.fixture.input("whole.text"), speechTokens: llama.fixture.input("whole.speech"), conditioning: llama.conditioning
        ).speech
    }
}

@Suite("Adapters") struct AdapterTests {
    @Test(
        "logits with PEFT adapters are PEFT's",
        arguments: [
            ("style", [("style", 1.0)]), ("voice", [("voice", 1)]), ("style and half of voice", [("style", 1), ("voice", 0.5)]),
            ("whole", [("whole", 1)]), ("plain", [("style", 0)]), ("plain", []),
        ] as [(String, [(String, Double)])])
    func llama(_ output: String, _ uses: [(String, Double)]) throws {
        let made = try MadeByPEFT()
        let adapted = try made.llama.model.adapted(by: uses.map { AdapterUse(try MadeByPEFT.adapter($0.0), weight: $0.1) })
        try expectClose(made.logits(adapted), made.outputs.output(output), relative: 1e-4)
    }

    @Test("with a PEFT adapter for GPT-2, whose weights are stored transposed, hidden states are PEFT's") func gpt2() throws {
        let fixture = try Fixture("gpt2"), expected = try Fixture("adapters/logits").output("turbo")
        let model = try T3(fixture.weights, fixture.config(as: T3Configuration.self))
        let adapted = try model.adapted(by: [AdapterUse(try MadeByPEFT.adapter("turbo"))])
        let memory = WholeSequence()
        try expectClose(adapted.backbone(fixture.input("backbone"), memory: memory), expected, relative: 1e-4)
        #expect(try (model.backbone(fixture.input("backbone"), memory: memory) - expected).abs().max().item(Double.self) > 0.1)
    }

    @Test("a PEFT adapter of the flow is recognised and gives PEFT's mel") func flow() throws {
        let flow = try FlowFixture("flow"), adapter = try MadeByPEFT.adapter("flow"), expected = try Fixture("adapters/logits").output("flow")
        #expect(adapter.part == .flow && adapter.matrices.keys.contains("flow.decoder.estimator.down_blocks.0.1.0.attn1.to_q"))
        func mel(_ network: TokenToMel) throws -> Tensor { try network(tokens: flow.tokens, prompt: flow.prompt, generator: flow.generator()) }
        try expectClose(mel(flow.tokenToMel.adapted(by: [AdapterUse(adapter)])), expected, relative: 1e-4)
        #expect(try (mel(flow.tokenToMel) - expected).abs().max().item(Double.self) > 0.1)
    }

    @Test("an adapter is the same after writing and reading", arguments: ["style", "voice", "whole", "turbo", "flow"], [true, false])
    func roundTrip(_ name: String, asOneFile: Bool) throws {
        let place = try TemporaryFolder(), url = place.url.appending(path: asOneFile ? "a.safetensors" : "a")
        let original = try MadeByPEFT.adapter(name)
        let written = Adapter(original.matrices, of: original.part, base: "0123", baseName: "small", name: name)
        if asOneFile { try written.save(to: url) } else { try written.saveForPEFT(to: url) }
        let read = try Adapter.load(from: url)
        #expect(Set(read.matrices.keys) == Set(original.matrices.keys))
        for (layer, matrices) in original.matrices {
            let other = try #require(read.matrices[layer])
            #expect(abs(other.scale - matrices.scale) < 1e-12 * matrices.scale, "\(layer)")
            try #expect(other.a.equal(to: matrices.a).all().item(Bool.self) && other.b.equal(to: matrices.b).all().item(Bool.self))
        }
        #expect((read.base, read.baseName) == ("0123", "small") && read.part == original.part)
    }

    @Test("a merged model computes the same as the model with its adapters", arguments: ["style", "voice"])
    func merging(_ name: String) throws {
        let made = try MadeByPEFT()
        let adapted = try made.llama.model.adapted(by: [AdapterUse(try MadeByPEFT.adapter(name))])
        let tensors = try made.llama.tensors().merging(adapted.mergedWeights()) { $1 }
        let merged = try T3(Weights(tensors: tensors, named: "merged"), made.llama.model.configuration)
        try expectClose(made.logits(merged), made.outputs.output(name), relative: 1e-4)
    }

    @Test("merged weights of GPT-2 have the layout of its checkpoint") func mergingGPT2() throws {
        let fixture = try Fixture("gpt2"), configuration = try fixture.config(as: T3Configuration.self)
        let weights = fixture.weights
        let adapted = try T3(weights, configuration).adapted(by: [AdapterUse(try MadeByPEFT.adapter("turbo"))])
        let merged = try T3(
            Weights(tensors: weights.parameters.merging(adapted.mergedWeights()) { $1 }, named: "merged"), configuration)
        try expectClose(
            merged.backbone(fixture.input("backbone"), memory: WholeSequence()), Fixture("adapters/logits").output("turbo"), relative: 1e-4)
    }

    @Test("an adapter for another kind or size of model, or another base, is refused with an error that names it") func others() throws {
        let made = try MadeByPEFT(), turbo = try MadeByPEFT.adapter("turbo")
        func refusal(_ adapter: Adapter, digest: String? = nil) throws -> String {
            try #require(throws: AdapterError.self) { try made.llama.model.adapted(by: [AdapterUse(adapter)], digest: digest) }.description
        }
        let kind = try refusal(turbo)
        #expect(kind.contains("turbo: made for another kind of model") && kind.contains("tfmr.h.0.attn.c_attn") && kind.contains("tfmr.layers.0."))
        let voice = try MadeByPEFT.adapter("voice")
        let wide = try Adapter(
            voice.matrices.mapValues { .init(a: try .zeros([3, 64]), b: $0.b, scale: 1) }, name: "wide.safetensors")
        #expect(try refusal(wide).contains("wide.safetensors: made for a model of another size"))
        let stranger = Adapter(voice.matrices, base: "aaaa", baseName: "english", name: "voice")
        #expect(
            try refusal(stranger, digest: "bbbb")
                == "voice: made for another model (english): that one's weights have the digest aaaa, this one's bbbb")
        _ = try made.llama.model.adapted(by: [AdapterUse(stranger)], digest: "aaaa")
    }

    @Test(
        "features of PEFT that this package does not support are refused by name",
        arguments: [
            (#"{"peft_type": "LOHA", "r": 3, "lora_alpha": 5}"#, "the type LOHA"), (#"{"peft_type": "LORA", "r": 3}"#, "lora_alpha"),
            (#"{"peft_type": "LORA", "r": 3, "lora_alpha": 5, "use_dora": true}"#, "DoRA"),
            (#"{"peft_type": "LORA", "r": 3, "lora_alpha": 5, "modules_to_save": ["speech_head"]}"#, "speech_head"),
            (#"{"peft_type": "LORA", "r": 3, "lora_alpha": 5, "bias": "all"}"#, "biases"), ("{", "configuration"),
        ])
    func unsupported(_ configuration: String, _ named: String) throws {
        let place = try TemporaryFolder()
        try FileManager.default.copyItem(
            at: MadeByPEFT.folder("voice").appending(path: "adapter_model.safetensors"), to: place.url.appending(path: "adapter_model.safetensors"))
        try Data(configuration.utf8).write(to: place.url.appending(path: "adapter_config.json"))
        #expect(try #require(throws: AdapterError.self) { try Adapter.load(from: place.url) }.description.contains(named))
    }

    @Test("a file that is not an adapter is refused with an error that says what was expected") func noAdapter() throws {
        let place = try TemporaryFolder()
        func refusal() throws -> String { try #require(throws: AdapterError.self) { try Adapter.load(from: place.url) }.description }
        #expect(try refusal().contains("adapter_model.safetensors is not there"))
        let file = place.url.appending(path: "adapter_model.safetensors")
        try SafetensorsWriter.write(["base_model.model.layers.0.mlp.up_proj.lora_A.weight": .zeros([2, 4])], to: file)
        #expect(try refusal().contains("adapter_config.json"))
        try Data(#"{"peft_type": "LORA", "r": 2, "lora_alpha": 2}"#.utf8).write(to: place.url.appending(path: "adapter_config.json"))
        #expect(try refusal().contains("for tfmr.layers.0.mlp.up_proj it contains only lora_A"))
        try SafetensorsWriter.write(["layers.0.mlp.up_proj.lora_magnitude_vector": .zeros([2])], to: file)
        #expect(try refusal().contains("a tensor layers.0.mlp.up_proj.lora_magnitude_vector"))
    }
}
