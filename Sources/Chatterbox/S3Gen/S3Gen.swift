import Foundation
import Kernels
import Torch

/// S3Gen turns speech tokens into speech in the voice of a prompt.
///
/// ```
/// tokens ─ flow ─► mel ─ vocoder ─► waveform
/// ```
/// The weights of the S3 tokenizer and the speaker encoder, which analyse the prompt's recording, are in the same file. Upstream:
/// `S3Token2Wav` in `models/s3gen/s3gen.py`.
public struct S3Gen: Sendable {
    /// The networks' sizes.
    public let configuration: S3GenConfiguration
    /// Recording at 16 kHz to speech tokens.
    package private(set) var tokenizer: S3Tokenizer
    /// Recording at 16 kHz to speaker vector.
    package private(set) var speakerEncoder: SpeakerEncoder
    /// Speech tokens to mel.
    package private(set) var flow: TokenToMel
    /// Mel to waveform.
    package private(set) var vocoder: Vocoder
    /// What the beginning of speech is multiplied by.
    package let fade: VocoderFade

    /// Reads the four networks from `s3gen.safetensors`, or from one of its siblings with the same names.
    ///
    /// - Parameters:
    ///   - weights: the file's root; every tensor in it must be used.
    ///   - configuration: sizes of the networks, which the weights' shapes must match.
    ///   - flowType: the type in which the flow's estimator, which does most of the work, computes; nil uses the type of its stored weights.
    /// - Throws: what `Weights` throws for a tensor that is missing, of another shape or superfluous, and the networks'
    ///   own errors for impossible sizes.
    package init(_ weights: Weights, _ configuration: S3GenConfiguration = .chatterbox, flowType: DType? = nil) throws {
        self.configuration = configuration
        tokenizer = try S3Tokenizer(weights["tokenizer"], configuration.tokenizer)
        speakerEncoder = try SpeakerEncoder(weights["speaker_encoder"], configuration.speakerEncoder)
        flow = try TokenToMel(weights["flow"], configuration.flow, flowType: flowType)
        vocoder = try Vocoder(weights["mel2wav"], configuration.vocoder)
        fade = try VocoderFade(sampleRate: configuration.vocoder.sampleRate, device: vocoder.device)
        try weights.requireAllUsed()
    }

    /// The same networks with weights packed for the CPU. The networks that analyse recordings are packed when the first recording arrives.
    ///
    /// - Parameters:
    ///   - quantization: with any rounding, all networks except the speaker encoder have 8 bits: rounding to 4 bits is audible.
    ///   - release: called when weights have been packed and their originals need not stay in memory.
    package func packed(_ quantization: Quantization, team: ThreadTeam, release: @escaping @Sendable () -> Void) throws -> S3Gen {
        defer { release() }
        var copy = self
        let format = quantization.soundFormat
        copy.tokenizer = tokenizer.packed(format, team: team, release: release)
        copy.speakerEncoder = speakerEncoder.packed(team: team, release: release)
        copy.flow = try flow.packed(format, team: team)
        copy.vocoder = try vocoder.packed(format, team: team)
        return copy
    }

    /// The same networks with adapters of the flow as part of its weights.
    ///
    /// - Parameter digest: of the flow's weights; an adapter that was made for others is refused.
    /// - Throws: ``AdapterError`` where one does not fit.
    func merged(with uses: [AdapterUse], digest: String) throws -> S3Gen {
        var copy = self
        copy.flow = try flow.adapted(by: uses, digest: digest).merged()
        return copy
    }

    /// The same networks with another flow.
    package func with(flow: TokenToMel) -> S3Gen {
        var copy = self
        copy.flow = flow
        return copy
    }

    /// Speaks a whole utterance.
    ///
    /// - Parameters:
    ///   - tokens: speech tokens `[1, tokens]`, control tokens removed.
    ///   - prompt: the voice to continue.
    ///   - steps: steps of the flow's solver; the configuration's number when nil.
    ///   - generator: source of the flow's noise, then of the vocoder's phases and noise.
    ///   - checkpoint: called before each step of the flow; what it throws ends the synthesis.
    /// - Returns: the mel `[1, bins, frames]` and the waveform `[1, samples]`, faded in.
    package func callAsFunction(
        tokens: Tensor, prompt: SpeechPrompt, steps: Int? = nil, generator: Generator, checkpoint: () throws -> Void = {}
    ) throws -> (mel: Tensor, waveform: Tensor) {
        let mel = try flow(tokens: tokens, prompt: prompt, steps: steps, generator: generator, checkpoint: checkpoint)
        return (mel, try waveform(of: mel, generator: generator))
    }

    /// Turns a mel into its waveform.
    ///
    /// - Parameters:
    ///   - mel: `[1, bins, frames]`.
    ///   - generator: source of phases and noise.
    ///   - pause: called between pieces of the work where the vocoder is packed; what it throws ends it.
    /// - Returns: the waveform `[1, samples]`, faded in.
    package func waveform(of mel: Tensor, generator: Generator, pause: () throws -> Void = {}) throws -> Tensor {
        try fade(vocoder(mel, generator: generator, pause: pause).waveform)
    }

    /// The waveform of an utterance whose mel comes chunk by chunk, faded in.
    func sound(noise: FrameNoise) throws -> SoundStream { try SoundStream(vocoder, fade: fade, noise: noise) }
}

/// Silences the first 20 ms of speech and fades the next 20 ms in along a raised cosine.
///
/// Otherwise a remainder of the reference recording would be audible there. With streaming this applies to the first chunk
/// only. Upstream: `trim_fade` in `models/s3gen/s3gen.py`.
package struct VocoderFade: Sendable {
    /// The gain of each of the first samples, `[samples]`.
    package let gains: Tensor

    /// Makes the fade for a sample rate.
    package init(sampleRate: Int, device: Device = .cpu) throws {
        let length = sampleRate / 50
        // The angles are rounded to float32 before the cosine, as upstream's are.
        let step = Float.pi / Float(max(length - 1, 1))
        let rise = (0..<length).map { index in
            let angle = index < length / 2 ? Float.pi - step * Float(index) : step * Float(length - 1 - index)
            return (cos(angle) + 1) / 2
        }
        gains = try Tensor([Float](repeating: 0, count: length) + rise, device: device)
    }

    /// Waveform `[batch, samples]` → the same shape. A waveform shorter than the fade keeps as much of it as it has.
    package func callAsFunction(_ waveform: Tensor) throws -> Tensor {
        let total = waveform.shape[1]
        let count = min(total, gains.count)
        let faded =
            try waveform.narrow(axis: 1, from: 0, count: count)
            * gains.narrow(axis: 0, from: 0, count: count).to(waveform.dtype)
        return try Tensor.cat([faded, waveform.narrow(axis: 1, from: count, count: total - count)], axis: 1)
    }
}
