import Foundation
import SpeechAudio
import Torch

/// The difference between a faster setting and the exact path: sums over utterances, from which the means are computed.
package struct SettingLoss: Sendable, Hashable, Codable {
    /// The number of compared utterances.
    package private(set) var utterances = 0
    /// The number of tokens whose logits were compared.
    package private(set) var tokens = 0
    /// The number of tokens that were computed from recordings.
    package private(set) var recordedTokens = 0
    private var squaredError = 0.0, squaredLogits = 0.0, agreements = 0.0
    private var surprise = 0.0, exactSurprise = 0.0
    private var melDifference = 0.0, spectralDistance = 0.0, equalTokens = 0

    package init() {}

    /// The root mean square difference of the guided logits, divided by the exact logits' root mean square.
    package var logitError: Double { (squaredError / max(squaredLogits, .leastNormalMagnitude)).squareRoot() }
    /// The share of tokens for which both have the same most likely token.
    package var topAgreement: Double { agreements / Double(max(tokens, 1)) }
    /// The perplexity of the given tokens, without guidance.
    package var perplexity: Double { exp(surprise / Double(max(tokens, 1))) }
    /// The same on the exact path.
    package var exactPerplexity: Double { exp(exactSurprise / Double(max(tokens, 1))) }
    /// The share of equal tokens computed from recordings; nil if there were no recordings.
    package var hearingAgreement: Double? { recordedTokens == 0 ? nil : Double(equalTokens) / Double(recordedTokens) }
    /// The mean absolute difference of the mels in decibels.
    package var melDecibels: Double { melDifference / Double(max(utterances, 1)) }
    /// The mean `LogSpectralDistance` of the sounds in decibels.
    package var spectralDecibels: Double { spectralDistance / Double(max(utterances, 1)) }

    fileprivate mutating func add(recorded: [Int], to exact: [Int]) {
        recordedTokens += exact.count
        equalTokens += zip(recorded, exact).count { $0 == $1 }
    }

    fileprivate mutating func add(
        _ found: SettingComparison.Computed, to exact: SettingComparison.Computed, distance: LogSpectralDistance
    ) throws {
        let count = exact.targets.count
        utterances += 1
        tokens += count
        squaredError += try (found.guided - exact.guided).square().sum().item(Double.self)
        squaredLogits += try exact.guided.square().sum().item(Double.self)
        agreements += try found.guided.argmax(axis: -1).equal(to: exact.guided.argmax(axis: -1)).to(.float32).sum().item(Double.self)
        let targets = try Tensor(exact.targets)
        surprise += try found.plain.crossEntropy(targets).item(Double.self) * Double(count)
        exactSurprise += try exact.plain.crossEntropy(targets).item(Double.self) * Double(count)
        // Mels are natural logarithms of amplitudes.
        melDifference += try (found.mel - exact.mel).abs().mean().item(Double.self) * 20 / log(10)
        spectralDistance += try distance(exact.waveform, found.waveform)
    }
}

/// Compares settings of one model, utterance by utterance; each token is predicted after the same preceding tokens.
package struct SettingComparison {
    private let exact: Model
    private let others: [Model]
    private let distance: LogSpectralDistance
    /// The losses of the other settings against the exact path.
    package private(set) var losses: [SettingLoss]

    /// - Parameters:
    ///   - exact: the model, loaded on the exact path.
    ///   - others: the same folder, loaded with other settings.
    package init(exact: Model, others: [Model]) throws {
        (self.exact, self.others) = (exact, others)
        distance = try LogSpectralDistance()
        losses = Array(repeating: SettingLoss(), count: others.count)
    }

    fileprivate struct Computed {
        /// The token after each position: the given tokens, and the stop token if there is one.
        let targets: [Int]
        /// Logits with and without guidance, `[targets, vocabulary]`.
        let guided, plain: Tensor
        let mel, waveform: Tensor
    }

    /// Compares on one utterance.
    ///
    /// - Parameters:
    ///   - text: spoken undivided.
    ///   - tokens: the speech tokens of a recording, from which the next ones are predicted; nil to draw them on the exact path.
    ///   - voice: the voice.
    ///   - limit: the largest number of tokens to draw.
    ///   - seed: the seed of drawn tokens and of the flow's noise, the same for every setting.
    /// - Throws: as `Synthesizer.speak`.
    package mutating func add(_ text: String, tokens: [Int]? = nil, voice: Voice, limit: Int = 100, seed: UInt64 = 1) throws {
        let options = SpeechOptions(maximumTokens: limit, splitting: .none)
        try options.check()
        let prepared = try PreparedText(text, exact, options)
        for case .piece(let piece) in prepared.parts {
            let text = prepared.tokens(of: piece)
            let conditioning = try T3Conditioning(voice)
            try withoutGradients {
                let targets =
                    try tokens.map { $0 + [exact.configuration.t3.stopSpeech] }
                    ?? drawn(text, conditioning, limit: limit, seed: seed)
                let expected = try compute(exact, text, conditioning, targets, voice, seed)
                for (index, other) in others.enumerated() {
                    let found = try compute(other, text, conditioning, targets, voice, seed)
                    try losses[index].add(found, to: expected, distance: distance)
                }
            }
        }
    }

    /// Compares the tokens computed from a recording, and returns those of the exact path.
    ///
    /// - Throws: `AudioError` if it cannot be resampled to 16 kHz.
    package mutating func hear(_ recording: Audio) throws -> [Int] {
        try withoutGradients {
            let tokens = try exact.s3Gen.tokenizer.tokens(of: recording).array(of: Int.self)
            for (index, other) in others.enumerated() {
                losses[index].add(recorded: try other.s3Gen.tokenizer.tokens(of: recording).array(of: Int.self), to: tokens)
            }
            return tokens
        }
    }

    /// Tokens drawn by the model, with the stop token if it was drawn.
    private func drawn(_ text: [Int], _ conditioning: T3Conditioning, limit: Int, seed: UInt64) throws -> [Int] {
        let configuration = exact.configuration.t3
        let capacity = configuration.prefixLength(text: text.count, prompt: conditioning.prompt?.size(1) ?? 0) + limit
        let decoder = try T3Decoder(
            engine: exact.makeDecodeEngine(slots: configuration.isGuided(by: exact.variant.sampling) ? 2 : 1, capacity: capacity), text: text,
            conditioning: conditioning,
            options: exact.variant.sampling, budget: limit, earliestStop: exact.variant.ending.earliestStop(after: text),
            generator: Generator(seed: seed, device: exact.device))
        while try decoder.next() != nil {}
        return decoder.tokens + (decoder.end == .stop ? [configuration.stopSpeech] : [])
    }

    private func compute(
        _ model: Model, _ text: [Int], _ conditioning: T3Conditioning, _ targets: [Int], _ voice: Voice, _ seed: UInt64
    ) throws -> Computed {
        let configuration = model.configuration.t3
        let isGuided = configuration.style == .chatterbox
        let prompt = try model.t3.prompt(text: text, conditioning: conditioning, guidance: isGuided)
        let engine = try model.makeDecodeEngine(slots: prompt.size(0), capacity: prompt.size(1) + targets.count)
        let logits = try engine.logits(after: prompt, of: targets.dropLast())
        let all = try Tensor.stack(logits).to(.float32)
        let plain = try all.select(axis: 1, 0)
        let guided = isGuided ? try plain + (plain - all.select(axis: 1, 1)) * model.variant.sampling.guidance : plain

        let generator = try Generator(seed: seed, device: model.device)
        let codes = model.variant.ending.speakable(targets, model.configuration)
        let speech = try model.s3Gen(
            tokens: Tensor(codes, shape: [1, codes.count], device: model.device), prompt: voice.prompt, generator: generator)
        return Computed(
            targets: targets, guided: guided, plain: plain, mel: speech.mel, waveform: speech.waveform)
    }
}
