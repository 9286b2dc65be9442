import Torch

extension Voice {
    /// A voice of random numbers, of the sizes that a model's voices have: for a model with random weights.
    ///
    /// - Parameters:
    ///   - sizes: those of the model that will speak.
    ///   - seconds: how much speech S3Gen continues.
    ///   - generator: source of the numbers.
    public static func random(_ sizes: Sizes, seconds: Double = 3, generator: Generator) throws -> Voice {
        func tokens(_ count: Int) throws -> Tensor {
            try (Tensor.rand([1, count], generator: generator) * Double(sizes.tokenCount)).clamped(max: Double(sizes.tokenCount - 1)).to(.int64)
        }
        func direction(_ size: Int) throws -> Tensor {
            let numbers = try Tensor.randn([1, size], generator: generator)
            return try numbers / numbers.square().sum().item(Double.self).squareRoot()
        }
        let count = max(1, Int(seconds * 25))
        return Voice(
            speakerEmbedding: try direction(sizes.speakerEmbedding), conditioningTokens: try tokens(min(count, 150)),
            prompt: SpeechPrompt(
                tokens: try tokens(count), mel: try Tensor.randn([1, 2 * count, sizes.melBins], generator: generator) - 5,
                speaker: try Tensor.randn([1, sizes.speaker], generator: generator)))
    }
}
