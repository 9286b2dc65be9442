import SpeechAudio
import TestSupport
import Testing
import Torch

@testable import Chatterbox

@Suite("Voice analysis") struct VoiceAnalyzerTests {
    struct Sizes: Decodable {
        let voiceEncoder: VoiceEncoderConfiguration
        let tokenizer: S3TokenizerConfig
        let speakerEncoder: SpeakerEncoderConfig
    }

    let fixture: Fixture
    let analyzer: VoiceAnalyzer

    init() throws {
        fixture = try Fixture("conditionals")
        let sizes = try fixture.config(as: Sizes.self), weights = fixture.weights
        analyzer = VoiceAnalyzer(
            voiceEncoder: try VoiceEncoder(weights["ve"], sizes.voiceEncoder),
            tokenizer: try S3Tokenizer(weights["tokenizer"], sizes.tokenizer),
            speakerEncoder: try SpeakerEncoder(weights["speaker_encoder"], sizes.speakerEncoder))
        try weights.requireAllUsed()
    }

    /// A real recording of 7.5 s at 24 kHz, twice.
    private func reference() throws -> Audio {
        let once = try (fixture.input("recording").to(.float32) / 32768).array(of: Float.self)
        return Audio(samples: once + once, sampleRate: 24000)
    }

    @Test("a real recording gives upstream's voice") func parity() throws {
        let voice = try analyzer.voice(from: reference())
        try expectEqual(voice.conditioningTokens, fixture.output("cond_prompt_tokens"), "conditioning tokens")
        try expectEqual(voice.prompt.tokens, fixture.output("prompt_token"), "prompt tokens")
        try expectClose(voice.speakerEmbedding, fixture.output("speaker_embedding"), relative: 1e-4, "speaker embedding")
        try expectClose(voice.prompt.mel, fixture.output("prompt_feat"), relative: 1e-4, "prompt mel")
        try expectClose(voice.prompt.speaker, fixture.output("xvector"), relative: 1e-4, "x-vector")
    }

    @Test("Turbo's longer cuts and its loudness give upstream's voice") func turbo() throws {
        let analyzer = VoiceAnalyzer(
            voiceEncoder: analyzer.voiceEncoder, tokenizer: analyzer.promptEncoder.tokenizer,
            speakerEncoder: analyzer.promptEncoder.speakerEncoder, rules: .turbo)
        let voice = try analyzer.voice(from: reference())
        try expectEqual(voice.conditioningTokens, fixture.output("turbo_cond_prompt_tokens"), "conditioning tokens")
        try expectEqual(voice.prompt.tokens, fixture.output("turbo_prompt_token"), "prompt tokens")
        try expectClose(voice.speakerEmbedding, fixture.output("turbo_speaker_embedding"), relative: 1e-4, "speaker embedding")
        let mel = try voice.prompt.mel.narrow(axis: 1, from: 0, count: 100)
        try expectClose(mel, fixture.output("turbo_prompt_feat"), relative: 1e-4, "prompt mel")
    }

    @Test("a recording that ends within a token keeps the tokens with a complete mel", arguments: [24000, 24480, 24500, 24960, 25500])
    func ending(samples: Int) throws {
        let voice = try analyzer.voice(from: reference().prefix(frames: samples))
        let frames = voice.prompt.mel.size(1), tokens = voice.prompt.tokens.size(1)
        #expect(frames == samples / 480)
        #expect(tokens == frames / 2)
        _ = try voice.checked(analyzer.voiceSizes)
    }

    @Test("the shape of a voice does not depend on channels and sample rate", arguments: [8000, 44100, 48000])
    func rates(rate: Int) throws {
        let second = try reference().prefix(seconds: 1).resampled(to: rate)
        let stereo = Audio(samples: second.samples.flatMap { [$0, $0] }, sampleRate: rate, channels: 2)
        let voice = try analyzer.voice(from: stereo)
        #expect(voice.conditioningTokens.shape == [1, 25])
        #expect(voice.prompt.mel.shape == [1, 50, 80])
    }

    @Test(
        "an invalid reference is refused with its name",
        arguments: [
            Audio(samples: [], sampleRate: 24000),
            Audio(samples: [Float](repeating: 0.1, count: 4800), sampleRate: 24000),
            Audio(samples: [Float](repeating: 0, count: 48000), sampleRate: 24000),
            Audio(samples: [Float](repeating: .nan, count: 48000), sampleRate: 24000),
        ])
    func refused(audio: Audio) throws {
        let error = #expect(throws: AudioError.self) { try analyzer.voice(from: audio, named: "me.wav") }
        #expect(try #require(error).description.contains("me.wav"))
    }
}
