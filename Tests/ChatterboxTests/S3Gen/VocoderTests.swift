import TestSupport
import Testing
import Torch

@testable import Chatterbox

/// Comparison with a small `HiFTGenerator` of upstream with random weights: `Reference/fixtures/vocoder.py`.
@Suite("Vocoder") struct VocoderTests {
    let fixture: Fixture
    let vocoder: Vocoder

    init() throws {
        fixture = try Fixture("vocoder")
        vocoder = try Vocoder(fixture.weights, fixture.config(as: VocoderConfiguration.self))
    }

    /// Every `step`-th sample, as stored in the fixture.
    func every(_ step: Int, _ signal: Tensor) throws -> Tensor {
        try signal[.ellipsis, .stride(from: 0, to: signal.shape.last!, by: step)]
    }

    @Test("every tensor of the checkpoint is used")
    func usesAllWeights() throws {
        let weights = fixture.weights
        _ = try Vocoder(weights, vocoder.configuration)
        try weights.requireAllUsed()
    }

    @Test("F0 equals upstream's")
    func pitch() throws {
        try expectClose(vocoder.pitchPredictor(fixture.input("mel")), fixture.output("pitch"), relative: 1e-5)
        try expectClose(vocoder.pitchPredictor(fixture.input("longMel")), fixture.output("longPitch"), relative: 1e-5)
    }

    @Test("a short mel gives upstream's source and waveform, and leaves the generator in the same state")
    func shortMel() throws {
        let generator = try Generator(seed: 7)
        let (waveform, source) = try vocoder(fixture.input("mel"), generator: generator)
        try expectClose(every(3, source), fixture.output("source"), relative: 1e-4)
        try expectClose(waveform, fixture.output("waveform"), relative: 1e-3)
        try expectClose(Tensor.randn([4], generator: generator), fixture.output("after"), relative: 1e-6)
    }

    @Test("four seconds equal upstream's if F0 is given")
    func longMelWithPitch() throws {
        let (waveform, source) = try vocoder(
            fixture.input("longMel"), pitch: fixture.output("longPitch"), generator: Generator(seed: 8))
        try expectClose(every(7, source), fixture.output("longSource"), relative: 1e-4)
        try expectClose(every(5, waveform), fixture.output("longWaveform"), relative: 1e-4)
    }

    // One unit in the last place of F0 shifts the highest harmonic by milliradians within four seconds, and a processor
    // that sums a convolution in another order causes such a difference.
    @Test("four seconds equal upstream's from the mel alone")
    func longMel() throws {
        let (waveform, _) = try vocoder(fixture.input("longMel"), generator: Generator(seed: 8))
        try expectClose(every(5, waveform), fixture.output("longWaveform"), relative: 1e-2)
    }

    @Test("magnitude and waveform are limited as upstream's are")
    func limits() throws {
        let source = try vocoder.source(pitch: fixture.output("pitch"), generator: Generator(seed: 7))
        let waveform = try vocoder.decode(fixture.input("mel") * 5, source: source)
        try expectClose(every(3, waveform), fixture.output("loudWaveform"), relative: 1e-3)
        #expect(try waveform.abs().max().item(Float.self) == 0.99)
    }

    @Test("a batch of two equals upstream's training pass")
    func batch() throws {
        let mel = try fixture.input("pairMel")
        try expectClose(vocoder.pitchPredictor(mel), fixture.output("pairPitch"), relative: 1e-5)
        let (waveform, _) = try vocoder(mel, pitch: fixture.output("pairPitch"), generator: Generator(seed: 9))
        try expectClose(every(3, waveform), fixture.output("pairWaveform"), relative: 1e-4)
    }

    @Test("the source depends on the generator")
    func seeds() throws {
        let pitch = try fixture.output("pitch")
        let one = try vocoder.source(pitch: pitch, generator: Generator(seed: 1))
        try expectClose(vocoder.source(pitch: pitch, generator: Generator(seed: 1)), one, relative: 0)
        let other = try vocoder.source(pitch: pitch, generator: Generator(seed: 2))
        let difference = try (one - other).abs().max().item(Float.self)
        #expect(difference > 0.01)
    }

    @Test("gradients of the waveform reach the filter and the source's mixing layer, those of F0 its predictor")
    func gradients() throws {
        let generator = try Generator(seed: 3)
        let weights = Weights(initialising: generator)
        let configuration = vocoder.configuration
        _ = try Vocoder(weights, configuration)
        let parameters = weights.parameters
        for tensor in parameters.values { try tensor.requiresGradient(true) }

        let model = try Vocoder(Weights(tensors: parameters, named: "test"), configuration)
        let mel = try fixture.input("mel")
        let pitch = try fixture.output("pitch")
        let waveform = try model(mel, pitch: pitch, generator: generator).waveform
        let loss = try waveform.square().mean() + (model.pitchPredictor(mel) - pitch).square().mean()
        try loss.backward()
        for (name, tensor) in parameters {
            let gradient = try #require(try tensor.gradient, "no gradient for \(name)")
            #expect(try gradient.isFinite().all().item(Bool.self), "\(name)")
        }
    }

    @Test("wrong shapes are refused with an error message")
    func shapes() throws {
        let generator = try Generator(seed: 1)
        let mel = try fixture.input("mel")
        let pitch = try fixture.output("pitch")
        #expect(throws: VocoderError.shape(argument: "mel", found: [1, 20], expected: "[batch, 20, frames]")) {
            try vocoder(mel.select(axis: 2, 0), generator: generator)
        }
        #expect(throws: VocoderError.self) { try vocoder(mel.narrow(axis: 2, from: 0, count: 0), generator: generator) }
        #expect(throws: VocoderError.self) {
            try vocoder(mel, pitch: pitch.narrow(axis: 1, from: 0, count: 3), generator: generator)
        }
        #expect(throws: VocoderError.self) { try vocoder.decode(mel, source: .zeros([1, 1, 10])) }
    }
}

@Suite("Vocoder configuration") struct VocoderConfigurationTests {
    @Test("the preset is Chatterbox's")
    func preset() throws {
        let configuration = VocoderConfiguration.chatterbox
        try configuration.validate()
        #expect(configuration.samplesPerFrame == 480)
        #expect((0..<3).map(configuration.sourceStride) == [15, 3, 1])
        #expect((0..<3).map(configuration.channels) == [256, 128, 64])
    }

    @Test(
        "sizes that contradict each other are refused",
        arguments: [
            { $0.upsampleKernels = [16, 11] },
            { $0.upsampleKernels = [16, 10, 7] },
            { $0.baseChannels = 100 },
            { $0.transformSize = 15 },
            { $0.residualDilations = [[1]] },
            { $0.residualDilations = [[1], [], [1]] },
            { $0.residualKernels = [3, 7, 10] },
            { $0.sourceResidualKernels = [7] },
            { $0.melBins = 0 },
        ] as [@Sendable (inout VocoderConfiguration) -> Void])
    func contradictions(change: @Sendable (inout VocoderConfiguration) -> Void) throws {
        var configuration = VocoderConfiguration.chatterbox
        change(&configuration)
        #expect(throws: VocoderError.self) { try configuration.validate() }
        #expect(throws: VocoderError.self) {
            try Vocoder(Weights(initialising: Generator(seed: 0)), configuration)
        }
    }
}

@Suite("Vocoder fade") struct VocoderFadeTests {
    @Test("the fade has upstream's gains")
    func gains() throws {
        try expectClose(VocoderFade(sampleRate: 24_000).gains, Fixture("vocoder").output("fade"), relative: 1e-6)
    }

    @Test("only the first 40 ms change, and a shorter waveform keeps its length", arguments: [0, 1, 500, 960, 961, 4800])
    func lengths(samples: Int) throws {
        let fade = try VocoderFade(sampleRate: 24_000)
        let faded = try fade(.ones([2, samples]))
        #expect(faded.shape == [2, samples])
        let values = try faded.array(of: Float.self)
        #expect(values.prefix(min(samples, 480)).allSatisfy { $0 == 0 })
        #expect(values.prefix(samples).dropFirst(960).allSatisfy { $0 == 1 })
    }
}
