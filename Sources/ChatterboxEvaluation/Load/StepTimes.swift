import Chatterbox
import Torch

/// The time of a decoding step, sampling included, by the number of requests in it.
public struct StepTime: Sendable, Hashable, Codable {
    public let requests: Int
    /// The number of different adapters of the requests, one for each request.
    public let adapters: Int
    /// Seconds, the mean over an utterance.
    public let seconds: Double
}

extension Model {
    /// Decodes utterances of a fixed number of tokens for several requests together, without an engine.
    ///
    /// - Parameters:
    ///   - requests: the number of requests.
    ///   - voices: the voices, assigned to requests one after the other.
    ///   - adapters: the adapters, assigned in the same way; empty for none.
    ///   - tokens: the number of tokens of each utterance.
    ///   - seed: seed of the first request's generator; each further seed is larger by one.
    /// - Throws: `AdapterError`, `T3Error`, `KernelError`, `TorchError`.
    public func stepTime(requests: Int, voices: [Voice], adapters: [Adapter] = [], tokens: Int, seed: UInt64) throws -> StepTime {
        precondition(requests > 0 && !voices.isEmpty && tokens > 1, "somebody speaks")
        let engine = try makeSharedDecodeEngine(), t3 = configuration.t3
        let text = t3.framed((0..<24).map { 20 + $0 }), adaptations = try adapters.map { try adaptation(of: [AdapterUse($0)]) }
        return try Libtorch.withThreads(libtorchThreads) {
            try withoutGradients {
                let decoders = try (0..<requests).map { number in
                    let decoder = try T3Decoder(
                        engine: engine, text: text, conditioning: T3Conditioning(voices[number % voices.count], dtype: dtype),
                        adaptation: adaptations.isEmpty ? nil : adaptations[number % adaptations.count], options: variant.sampling, budget: tokens,
                        generator: Generator(seed: seed &+ UInt64(number)))
                    decoder.excludedTokens = configuration.controlTokens
                    return decoder
                }
                while !decoders.allSatisfy(\.isReady) { try T3Decoder.advance(decoders) }
                let time = try ContinuousClock().measure {
                    for _ in 1..<tokens {
                        try T3Decoder.draw(decoders)
                        try T3Decoder.advance(decoders)
                    }
                }
                return StepTime(requests: requests, adapters: min(adapters.count, requests), seconds: time / .seconds(1) / Double(tokens - 1))
            }
        }
    }
}
