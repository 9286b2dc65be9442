import Foundation
import SpeechAudio
import TestSupport
import Testing
import Torch

/// The networks' inputs from a recording, compared with upstream's for the same recording (Reference/fixtures/audio.py).
@Suite("Front ends")
struct FrontEndTests {
    let fixture: Fixture
    let wide, narrow: Audio

    init() throws {
        fixture = try Fixture("audio")
        wide = try AudioFile.read(fixturesFolder.appending(path: "recording.flac")).mono().resampled(to: 24_000)
        narrow = try wide.resampled(to: 16_000)
    }

    @Test("the voice encoder's mel spectrogram") func voiceEncoder() throws {
        try expectClose(VoiceEncoderMel()(narrow.tensor()), fixture.output("voice_encoder_mel"), relative: 1e-4)
    }

    @Test("the tokenizer's log mel spectrogram") func tokenizer() throws {
        try expectClose(TokenizerMel()(narrow.tensor()), fixture.output("tokenizer_mel"), relative: 1e-4)
    }

    @Test("the speaker encoder's filter bank") func filterBank() throws {
        try expectClose(KaldiFilterBank()(narrow.tensor()), fixture.output("filterbank"), relative: 1e-4)
    }

    @Test("the prompt's mel spectrogram") func prompt() throws {
        try expectClose(PromptMel()(wide.tensor())[0], fixture.output("prompt_mel"), relative: 1e-4)
    }

    @Test("the number of frames is that of the documentation", arguments: [1000, 1439, 1440, 24_000, 24_001]) func frames(samples: Int) throws {
        let sound = try Tensor.randn([1, samples], generator: Generator(seed: 1)) * 0.1
        #expect(try VoiceEncoderMel()(sound).shape == [1 + samples / 160, 40])
        #expect(try TokenizerMel()(sound).shape == [128, samples / 160])
        #expect(try KaldiFilterBank()(sound).shape == [1 + (samples - 400) / 160, 80])
        #expect(try PromptMel()(sound).shape == [1, 80, samples / 480])
    }

    @Test("silence gives the smallest values, and no NaN") func silence() throws {
        let nothing = try Tensor.zeros([1, 8000])
        #expect(try VoiceEncoderMel()(nothing).abs().max().item(Float.self) == 0)
        // Every band at the floor of 10⁻¹⁰.
        try expectClose(TokenizerMel()(nothing), .full([128, 50], (-10 + 4) / 4.0), relative: 1e-6)
        #expect(try KaldiFilterBank()(nothing).abs().max().item(Float.self) < 1e-5)
        let floor = try PromptMel()(nothing)
        #expect(try floor.max().item(Float.self) == floor.min().item(Float.self))
    }

    @Test("a sound that is too short causes an error, not a crash", arguments: [0, 1, 100, 200]) func short(samples: Int) throws {
        let sound = try Tensor.zeros([1, samples])
        #expect(throws: TorchError.self) { try VoiceEncoderMel()(sound) }
        #expect(throws: TorchError.self) { try TokenizerMel()(sound) }
        #expect(throws: TorchError.self) { try KaldiFilterBank()(sound) }
        #expect(throws: TorchError.self) { try PromptMel()(sound) }
    }
}
