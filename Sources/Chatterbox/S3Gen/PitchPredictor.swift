import Torch

/// Predicts the fundamental frequency of each mel frame: five convolutions of width 3 and a linear layer.
///
/// Upstream: `ConvRNNF0Predictor` in `models/s3gen/f0_predictor.py`.
public struct PitchPredictor: Sendable {
    static let depth = 5

    let convolutions: [Conv1d]
    let classifier: Linear

    /// Reads the predictor's tensors from its scope (`mel2wav.f0_predictor`).
    ///
    /// Throws when a tensor is missing or has another shape.
    public init(_ weights: Weights, melBins: Int, channels: Int) throws {
        // The scope's odd numbers are activations, which have no tensors.
        convolutions = try (0..<Self.depth).map { layer in
            try Conv1d(
                weights["condnet"][2 * layer], from: layer == 0 ? melBins : channels, to: channels,
                kernel: 3, padding: 1, weightNorm: true)
        }
        classifier = try Linear(weights["classifier"], from: channels, to: 1)
    }

    /// Mel `[batch, bins, frames]` → F0 in Hz, never negative, `[batch, frames]`.
    public func callAsFunction(_ mel: Tensor) throws -> Tensor {
        var x = mel
        for convolution in convolutions {
            x = try convolution(x).elu()
        }
        return try classifier(x.transposed(1, 2)).squeezed(-1).abs()
    }
}
