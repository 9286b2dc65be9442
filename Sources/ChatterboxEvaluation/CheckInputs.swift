import Chatterbox
import Foundation
import SpeechAudio
import Torch

/// The inputs of the stages, on the CPU: random numbers, or the exact path's output of the stage before, so that the errors of the stages do not add
/// up.
struct CheckInputs {
    /// The inputs of a voice's networks: `[frames, 40]`, `[128, frames]`, `[frames, 80]`.
    let voiceMel, logMel, filterbank: Tensor
    let voice: Voice
    /// Text tokens with start and stop tokens.
    let text: [Int]
    /// The sampling options.
    let sampling: SamplingOptions
    /// Whether T3 decodes a second sequence without the text.
    let isGuided: Bool
    /// Speech tokens sampled by the exact path; all other paths get them as input.
    let tokens: [Int]
    /// The logits from which the first token is sampled, `[1 or 2, vocabulary]`.
    let logits: Tensor
    /// The initial noise of the flow, `[1, 80, frames]`.
    let noise: Tensor
    /// The mel of the tokens, `[1, 80, frames]`; the F0 of a voice, `[1, frames]`, and its excitation, `[1, 1, samples]`.
    let mel, pitch, source: Tensor
    /// The sound to which the watermark is added.
    let sound: Audio

    /// The number of speech tokens that are decoded.
    static let tokenCount = 50

    /// - Parameter exact: the model's networks on the CPU in float32.
    init(_ configuration: ModelConfiguration, exact: CheckNetworks, seed: UInt64 = 2) throws {
        let generator = try Generator(seed: seed)
        func noise(_ shape: [Int]) throws -> Tensor { try .randn(shape, generator: generator) }
        // Three seconds of a voice.
        voiceMel = try noise([300, configuration.voiceEncoder.melBins]).exp()
        logMel = try noise([configuration.s3Gen.tokenizer.melBins, 300]) * 0.5
        filterbank = try noise([300, configuration.s3Gen.speakerEncoder.melBins])
        var sizes = Voice.Sizes.chatterbox
        sizes.speakerEmbedding = configuration.t3.speakerSize
        sizes.melBins = configuration.s3Gen.flow.melChannels
        sizes.speaker = configuration.s3Gen.flow.speakerSize
        sizes.tokenCount = configuration.s3Gen.flow.tokenCount
        voice = try Voice.random(sizes, seconds: 3, generator: generator)
        let words = try (Tensor.rand([20], generator: generator) * Double(configuration.t3.textVocabulary - 1)).to(.int64).array(of: Int.self)
        text = configuration.t3.framed(words.filter { $0 != configuration.t3.startText && $0 != configuration.t3.stopText })
        isGuided = configuration.t3.style == .chatterbox
        sampling = isGuided ? .chatterbox : .turbo

        let engine = try TensorDecodeEngine(exact.t3, slots: isGuided ? 2 : 1, capacity: Self.capacity(configuration, text: text, voice: voice))
        let decoder = try T3Decoder(
            engine: engine, text: text, conditioning: T3Conditioning(voice), options: sampling, budget: Self.tokenCount,
            generator: Generator(seed: seed))
        decoder.excludedTokens = configuration.controlTokens
        while try decoder.next() != nil {}
        tokens = decoder.tokens
        let prompt = try exact.t3.prompt(text: text, conditioning: T3Conditioning(voice), guidance: isGuided)
        logits = try engine.logits(after: prompt, of: [])[0]

        let frames = (voice.prompt.tokens.size(1) + tokens.count) * configuration.s3Gen.flow.framesPerToken
        self.noise = try noise([1, configuration.s3Gen.flow.melChannels, frames])
        let codes = try Tensor(tokens, shape: [1, tokens.count])
        mel = try exact.s3Gen.flow(tokens: codes, prompt: voice.prompt, noise: self.noise, generator: generator)
        // Networks with random weights predict no pitch; this is one between 110 and 190 Hz.
        pitch = try (Tensor.arange(from: 0, to: Double(mel.size(2))) * 0.1).sin().reshaped([1, mel.size(2)]) * 40 + 150
        source = try exact.s3Gen.vocoder.source(pitch: pitch, generator: Generator(seed: seed))
        let hiss = try (noise([36_000]) * 0.05).array(of: Float.self)
        sound = Audio(samples: hiss.enumerated().map { $1 + Float(0.3 * sin(2 * Double.pi * 150 * Double($0) / 24_000)) }, sampleRate: 24_000)
    }

    /// The number of positions of prefix and speech.
    static func capacity(_ configuration: ModelConfiguration, text: [Int], voice: Voice) -> Int {
        configuration.t3.prefixLength(text: text.count, prompt: voice.conditioningTokens.size(1)) + tokenCount
    }
}
