import Foundation
import TestSupport
import Testing
import Torch

@testable import Chatterbox

/// The small model of `Reference/fixtures/t3.py` and what upstream computed with it.
struct SmallT3 {
    let fixture: Fixture
    let model: T3
    let conditioning: T3Conditioning
    let text: [Int]

    init(_ name: String = "t3") throws {
        fixture = try Fixture(name)
        model = try T3(fixture.weights, fixture.config(as: T3Configuration.self))
        conditioning = try T3Conditioning(
            speaker: fixture.input("speaker"), prompt: fixture.input("prompt").array(), exaggeration: 0.6)
        text = try fixture.input("text").array()
    }

    /// Copies of the weights, by name.
    func tensors() throws -> [String: Tensor] {
        let weights = fixture.weights
        _ = try T3(weights, model.configuration)
        return try weights.parameters.mapValues { try $0.clone() }
    }
}

@Suite("The speech token model")
struct T3Tests {
    @Test("conditions are upstream's")
    func conditions() throws {
        let small = try SmallT3()
        try expectClose(
            small.model.embedded(small.conditioning), small.fixture.output("conditioning"), relative: 1e-4)
    }

    @Test("guidance computes a second row if the style supports it and the request uses it") func rows() throws {
        let guided = try SamplingOptions(guidance: 0.5), unguided = try SamplingOptions(guidance: 0)
        #expect(T3Configuration.chatterbox.isGuided(by: guided))
        #expect(!T3Configuration.chatterbox.isGuided(by: unguided))
        #expect(!T3Configuration.turbo.isGuided(by: guided))
    }

    @Test("the perceiver is upstream's")
    func perceiver() throws {
        let small = try SmallT3()
        let perceiver = try #require(small.model.conditioning.perceiver)
        try expectClose(
            perceiver(small.fixture.input("perceiver")), small.fixture.output("perceiver"), relative: 1e-4)
    }

    @Test("rotary angles are upstream's, with long wavelengths stretched")
    func rotary() throws {
        let small = try SmallT3()
        let rotary = try #require(small.model.backbone as? LlamaBackbone).rotary
        let positions = try small.fixture.input("rotary").flattened()
        let (cosine, signedSine) = (
            try rotary.cosine.rows.indexSelect(axis: 0, positions),
            try rotary.signedSine.rows.indexSelect(axis: 0, positions)
        )
        try expectClose(cosine, small.fixture.output("rotary.cosine"), relative: 1e-6)
        try expectClose(signedSine.abs(), small.fixture.output("rotary.sine").abs(), relative: 1e-6)
    }

    @Test("logits of a whole batch are upstream's")
    func wholeSequences() throws {
        let small = try SmallT3()
        let logits = try small.model.logits(
            textTokens: small.fixture.input("whole.text"), speechTokens: small.fixture.input("whole.speech"),
            conditioning: small.conditioning)
        try expectClose(logits.text, small.fixture.output("whole.text"), relative: 1e-4)
        try expectClose(logits.speech, small.fixture.output("whole.speech"), relative: 1e-4)
    }

    @Test("every weight on which speech depends gets a gradient")
    func gradients() throws {
        let small = try SmallT3()
        let weights = Weights(
            tensors: try small.tensors().mapValues { try $0.requiresGradient(true) }, named: "trainable copy")
        let model = try T3(weights, small.model.configuration)
        let logits = try model.logits(
            textTokens: small.fixture.input("whole.text"), speechTokens: small.fixture.input("whole.speech"),
            conditioning: small.conditioning)
        try (logits.speech.square().mean() + logits.text.square().mean()).backward()
        for (name, parameter) in weights.parameters {
            let largest = try parameter.gradient?.abs().max().item(Double.self)
            #expect(largest ?? 0 > 0, "\(name)")
        }
    }

    @Test("an error names a missing, a superfluous or a misshapen tensor")
    func checkpoints() throws {
        let small = try SmallT3()
        let tensors = try small.tensors()
        func refusal(_ change: (inout [String: Tensor]) throws -> Void) throws -> String {
            var tensors = tensors
            try change(&tensors)
            let weights = Weights(tensors: tensors, named: "t3.safetensors")
            return try #require(throws: WeightsError.self) { try T3(weights, small.model.configuration) }.description
        }
        #expect(try refusal { $0["tfmr.layers.1.mlp.up_proj.weight"] = nil }.contains("layers.1.mlp.up_proj.weight"))
        #expect(try refusal { $0["tfmr.layers.3.mlp.up_proj.weight"] = try .zeros([1]) }.contains("layers.3.mlp"))
        #expect(try refusal { $0["speech_head.weight"] = try .zeros([2, 2]) }.contains("speech_head.weight"))
    }

    @Test(
        "a configuration is the same after encoding and decoding",
        arguments: [
            T3Configuration.chatterbox, .multilingual, .turbo, .nano,
        ])
    func configurations(configuration: T3Configuration) throws {
        let data = try JSONEncoder().encode(configuration)
        #expect(try JSONDecoder().decode(T3Configuration.self, from: data) == configuration)
    }

    @Test("a number of heads that does not divide the width is refused")
    func unevenHeads() throws {
        let weights = Weights(initialising: try Generator(seed: 1))
        #expect(throws: T3Error.unevenHeads(hiddenSize: 10, heads: 4)) {
            try LlamaBackbone(weights, LlamaConfiguration(hiddenSize: 10, heads: 4), positions: 8)
        }
    }
}
