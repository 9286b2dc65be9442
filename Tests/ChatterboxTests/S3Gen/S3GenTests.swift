import Foundation
import TestSupport
import Testing
import Torch

@testable import Chatterbox

@Suite("S3Gen") struct S3GenTests {
    /// Sizes at which a second of speech takes milliseconds.
    static let small: S3GenConfiguration = {
        var configuration = S3GenConfiguration()
        configuration.tokenizer.melBins = 16
        configuration.tokenizer.hiddenSize = 32
        configuration.tokenizer.heads = 2
        configuration.tokenizer.layers = 1
        configuration.speakerEncoder.melBins = 16
        configuration.speakerEncoder.headChannels = 4
        configuration.speakerEncoder.channels = 16
        configuration.speakerEncoder.growth = 4
        configuration.speakerEncoder.blocks = [.init(layers: 2, dilation: 1)]
        configuration.speakerEncoder.embeddingSize = 12
        configuration.flow.melChannels = 8
        configuration.flow.speakerSize = 12
        configuration.flow.steps = 2
        configuration.flow.encoder.size = 16
        configuration.flow.encoder.headCount = 2
        configuration.flow.encoder.feedForwardSize = 32
        configuration.flow.encoder.layerCount = 1
        configuration.flow.encoder.upsampledLayerCount = 1
        configuration.flow.estimator.channels = 16
        configuration.flow.estimator.headCount = 2
        configuration.flow.estimator.headSize = 8
        configuration.flow.estimator.blocksPerStage = 1
        configuration.flow.estimator.middleStageCount = 1
        configuration.vocoder.melBins = 8
        configuration.vocoder.baseChannels = 16
        configuration.vocoder.pitchChannels = 16
        return configuration
    }()

    let tensors: [String: Tensor]
    let s3gen: S3Gen
    let prompt: SpeechPrompt
    let tokens: Tensor

    init() throws {
        let generator = try Generator(seed: 4)
        let weights = Weights(initialising: generator)
        _ = try S3Gen(weights, Self.small)
        tensors = weights.parameters
        s3gen = try S3Gen(Weights(tensors: tensors, named: "small"), Self.small)
        tokens = try .randint(0..<6561, [1, 12], generator: generator)
        prompt = SpeechPrompt(
            tokens: try .randint(0..<6561, [1, 5], generator: generator),
            mel: try .randn([1, 10, 8], generator: generator), speaker: try .randn([1, 12], generator: generator))
    }

    @Test("an utterance is the result of flow, vocoder and fade with one generator, 40 ms a token")
    func utterance() throws {
        let (mel, waveform) = try s3gen(tokens: tokens, prompt: prompt, generator: Generator(seed: 1))
        let generator = try Generator(seed: 1)
        let expectedMel = try s3gen.flow(tokens: tokens, prompt: prompt, generator: generator)
        let expected = try s3gen.fade(s3gen.vocoder(expectedMel, generator: generator).waveform)
        try expectClose(mel, expectedMel, relative: 0)
        try expectClose(waveform, expected, relative: 0)
        #expect(waveform.shape == [1, 12 * 960])
        let beginning = try waveform.narrow(axis: 1, from: 0, count: 480).abs().max().item(Float.self)
        #expect(beginning == 0)
    }

    @Test("an unknown tensor and a missing one are refused by name", arguments: ["mel2wav.conv_pre.bias", "flow.encoder_proj.bias"])
    func checkpointFaults(name: String) throws {
        var missing = tensors
        missing[name] = nil
        let absent = #expect(throws: WeightsError.self) { try S3Gen(Weights(tensors: missing, named: "small"), Self.small) }
        #expect(absent?.description.contains(name) == true)
        var superfluous = tensors
        superfluous[name + "2"] = tensors[name]
        let extra = #expect(throws: WeightsError.self) { try S3Gen(Weights(tensors: superfluous, named: "small"), Self.small) }
        #expect(extra?.description.contains(name + "2") == true)
    }

    @Test("a configuration is the same after encoding as JSON and decoding")
    func json() throws {
        let data = try JSONEncoder().encode(Self.small)
        #expect(try JSONDecoder().decode(S3GenConfiguration.self, from: data) == Self.small)
        #expect(S3GenConfiguration.meanFlow.flow.steps == 2)
    }
}
