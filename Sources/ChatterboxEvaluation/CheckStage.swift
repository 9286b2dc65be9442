import Chatterbox
import SpeechAudio
import Torch

/// One part of the pipeline, which a check runs with the networks of one device and arithmetic, and with the exact ones.
struct CheckStage: Sendable {
    let name: String
    /// The kinds of arithmetic in which this part can be computed.
    let arithmetics: Set<CheckedArithmetic>
    /// Whether this part is computed in this way only on a GPU.
    var isForGPU = false
    /// A factor by which the arithmetic's own bound is multiplied.
    var slack = 1.0
    /// Whether it belongs to T3, the only part with 4-bit weights; the others keep 8 bits.
    var isT3 = false
    /// Computes the result, on any device.
    let compute: @Sendable (CheckNetworks, CheckInputs) throws -> Tensor

    /// In the order of the pipeline.
    static let all = voice + t3 + sound

    func bound(in arithmetic: CheckedArithmetic) -> Double {
        (arithmetic == .packedInt4 && !isT3 ? CheckedArithmetic.packedInt8 : arithmetic).bound * slack
    }
}

// MARK: networks of a voice

extension CheckStage {
    static let voice = [
        CheckStage(name: "voice encoder", arithmetics: [.float32, .tf32]) { networks, inputs in
            try networks.voiceEncoder.embedding(ofMel: inputs.voiceMel.to(networks.device))
        },
        // In float32 the tokenizer is not packed. Tokens are rounded from these numbers, and a number half-way between two values may be rounded
        // either way.
        CheckStage(name: "S3 tokenizer", arithmetics: [.float32, .tf32, .packedInt8, .packedInt4]) { networks, inputs in
            try networks.s3Gen.tokenizer.levels(inputs.logMel.to(networks.device).unsqueezed(0))
        },
        CheckStage(name: "speaker encoder", arithmetics: [.float32, .tf32, .packedFloat32]) { networks, inputs in
            try networks.s3Gen.speakerEncoder(inputs.filterbank.to(networks.device).unsqueezed(0))
        },
    ]
}

// MARK: text to speech tokens

extension CheckStage {
    static let t3 = [
        CheckStage(name: "T3 prefill", arithmetics: Set(CheckedArithmetic.allCases), isT3: true) { networks, inputs in
            try networks.decoded(inputs, steps: 0)
        },
        CheckStage(name: "T3 decoding", arithmetics: Set(CheckedArithmetic.allCases), isT3: true) { networks, inputs in
            try networks.decoded(inputs, steps: inputs.tokens.count)
        },
        CheckStage(name: "T3 decoding, captured", arithmetics: [.float32, .tf32, .bfloat16, .float16], isForGPU: true) { networks, inputs in
            try networks.decoded(inputs, steps: inputs.tokens.count, captured: true)
        },
        // The sampler computes in float32, whatever the type of the logits is.
        CheckStage(name: "sampling", arithmetics: [.float32]) { networks, inputs in
            let sampler = try SpeechTokenSampler(
                inputs.sampling, style: networks.t3.configuration.style, vocabulary: networks.t3.configuration.speechVocabulary,
                startToken: networks.t3.configuration.startSpeech, generator: Generator(seed: 3, device: networks.device), device: networks.device)
            let logits = try inputs.logits.to(networks.device)
            let probabilities = try sampler.probabilities(logits)
            let token = try sampler.draw(from: logits)
            guard try probabilities[token].item(Float.self) > 0 else { throw CheckProblem.impossibleToken(token) }
            return probabilities
        },
        // A kernel samples on the CPU, a batch of operations on a GPU: both give the same tokens from the same seed.
        CheckStage(name: "drawing", arithmetics: [.float32, .packedFloat32]) { networks, inputs in
            let sampler = try SpeechTokenSampler(
                inputs.sampling, style: networks.t3.configuration.style, vocabulary: networks.t3.configuration.speechVocabulary,
                startToken: networks.t3.configuration.startSpeech, generator: Generator(seed: 3), device: networks.device, team: networks.team)
            let logits = try inputs.logits.to(networks.device)
            return try Tensor((0..<100).map { _ in Float(try sampler.draw(from: logits)) })
        },
    ]
}

extension CheckNetworks {
    /// Logits `[steps, rows, vocabulary]` after each of the first speech tokens; without `steps`, only the logits of the first token.
    fileprivate func decoded(_ inputs: CheckInputs, steps: Int, captured: Bool = false) throws -> Tensor {
        let conditioning = try T3Conditioning(inputs.voice.to(device), dtype: t3.dtype)
        let prompt = try t3.prompt(text: inputs.text, conditioning: conditioning, guidance: inputs.isGuided)
        let rows = prompt.size(0), capacity = prompt.size(1) + CheckInputs.tokenCount
        let engine: any DecodeEngine =
            if let packedT3 {
                try PackedDecodeEngine(packedT3, capacity: capacity)
            } else if captured {
                try CapturedDecodeEngine(t3, slots: rows, capacity: capacity)
            } else {
                try TensorDecodeEngine(t3, slots: rows, capacity: capacity)
            }
        let logits = try engine.logits(after: prompt, of: inputs.tokens.prefix(steps))
        return steps == 0 ? logits[0] : try Tensor.stack(Array(logits.dropFirst()))
    }
}

// MARK: speech tokens to sound

extension CheckStage {
    private static let soundArithmetics: Set<CheckedArithmetic> = [.float32, .tf32, .packedFloat32, .packedInt8, .packedInt4]

    static let sound = [
        CheckStage(name: "token encoder", arithmetics: soundArithmetics) { networks, inputs in
            try networks.s3Gen.flow.mean(of: Tensor(inputs.tokens, shape: [1, inputs.tokens.count]), after: inputs.voice.prompt)
        },
        // No model computes the flow in bfloat16.
        CheckStage(name: "flow", arithmetics: soundArithmetics.union([.float16])) { networks, inputs in
            try networks.s3Gen.flow(
                tokens: Tensor(inputs.tokens, shape: [1, inputs.tokens.count]), prompt: inputs.voice.prompt, noise: inputs.noise,
                generator: Generator(seed: 4))
        },
        CheckStage(name: "pitch", arithmetics: [.float32, .tf32]) { networks, inputs in
            try networks.s3Gen.vocoder.pitchPredictor(inputs.mel.to(networks.device))
        },
        // Phases are sums over all earlier samples in float32: another order of additions has an error a hundred times that of a single rounding.
        CheckStage(name: "excitation", arithmetics: [.float32], slack: 100) { networks, inputs in
            try networks.s3Gen.vocoder.source(pitch: inputs.pitch.to(networks.device), generator: Generator(seed: 5))
        },
        CheckStage(name: "vocoder", arithmetics: soundArithmetics) { networks, inputs in
            try networks.s3Gen.vocoder.decode(inputs.mel.to(networks.device), source: inputs.source.to(networks.device))
        },
        CheckStage(name: "watermark", arithmetics: [.float32, .tf32]) { networks, inputs in
            try networks.watermarker.marked(inputs.sound).tensor()
        },
    ]
}

/// A result that is wrong, whatever its error is.
enum CheckProblem: Error, CustomStringConvertible {
    case impossibleToken(Int)

    var description: String {
        switch self {
        case .impossibleToken(let token): "token \(token), whose probability is 0, was sampled"
        }
    }
}
