import Chatterbox
import Torch

/// What a decode step takes, the draw of the tokens included, by the number of requests that take part in it.
public struct StepTime: Sendable, Hashable, Codable {
    public let requests: Int
    /// How many different adapters they have, one each.
    public let adapters: Int
    /// Seconds, the mean over an utterance.
    public let seconds: Double
}

extension Model {
    /// Draws utterances of so many tokens for some requests together, apart from any engine.
    ///
    /// - Parameters:
    ///   - requests: how many there are.
    ///   - voices: with which they are spoken in turn.
    ///   - adapters: of which each has one, in turn; none for none.
    ///   - tokens: of each utterance.
    ///   - seed: of the first request's generator; each further one's is one more.
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
