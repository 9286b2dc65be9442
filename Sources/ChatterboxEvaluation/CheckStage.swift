import Chatterbox
import SpeechAudio
import Torch

/// One part of the pipeline as a check runs it: on networks of some device and arithmetic, and on the exact ones.
struct CheckStage: Sendable {
    let name: String
    /// The arithmetic that this part of the pipeline is computed in.
    let arithmetics: Set<CheckedArithmetic>
    /// Whether only a GPU computes it this way.
    var isForGPU = false
    /// How much more than the arithmetic's own bound is allowed.
    var slack = 1.0
    /// Whether it is T3's, whose weights alone shrink to 4 bits: the others keep 8.
    var isT3 = false
    /// The result, on any device.
    let compute: @Sendable (CheckNetworks, CheckInputs) throws -> Tensor

    /// In the order of the pipeline.
    static let all = voice + t3 + sound

    func bound(in arithmetic: CheckedArithmetic) -> Double {
        (arithmetic == .packedInt4 && !isT3 ? CheckedArithmetic.packedInt8 : arithmetic).bound * slack
    }
}

// MARK: what hears a recording

extension CheckStage {
    static let voice = [
        CheckStage(name: "voice encoder", arithmetics: [.float32, .tf32]) { networks, inputs in
            try networks.voiceEncoder.embedding(ofMel: inputs.voiceMel.to(networks.device))
        },
        // In float32 the tokenizer is not packed. Tokens are rounded from these numbers, and one that lies between two may be
        // rounded to either.
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
        // The sampler computes in float32 whatever the logits are in.
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
        // A kernel draws on the CPU, a batch of operations on a GPU: the same tokens from the same seed.
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
    /// Logits `[steps, rows, vocabulary]` after each of the first speech tokens; without steps, those of the first.
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
        // In bfloat16 no model computes it.
        CheckStage(name: "flow", arithmetics: soundArithmetics.union([.float16])) { networks, inputs in
            try networks.s3Gen.flow(
                tokens: Tensor(inputs.tokens, shape: [1, inputs.tokens.count]), prompt: inputs.voice.prompt, noise: inputs.noise,
                generator: Generator(seed: 4))
        },
        CheckStage(name: "pitch", arithmetics: [.float32, .tf32]) { networks, inputs in
            try networks.s3Gen.vocoder.pitchPredictor(inputs.mel.to(networks.device))
        },
        // Phases are sums over all samples before, in float32: another order of adding is off by a hundred times the rounding of one.
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

/// A result that is wrong whatever its error.
enum CheckProblem: Error, CustomStringConvertible {
    case impossibleToken(Int)

    var description: String {
        switch self {
        case .impossibleToken(let token): "token \(token) was drawn, whose probability is 0"
        }
    }
}
