import Torch

/// Snake activation with a learned frequency for each channel: `x + sin²(αx) / α`, Ziyin, Hartwig and Ueda 2020.
struct Snake: Sendable {
    /// `[1, channels, 1]`
    let frequency: Tensor

    init(_ weights: Weights, channels: Int) throws {
        frequency = try weights.tensor("alpha", shape: [channels], initial: .ones).reshaped([1, channels, 1])
    }

    /// `[batch, channels, time]` → the same shape.
    func callAsFunction(_ x: Tensor) throws -> Tensor {
        try x + (frequency + 1e-9).reciprocal() * (x * frequency).sin().square()
    }
}

/// Residual convolutions of growing dilation, each pair with Snake activations before its two convolutions.
///
/// Kong, Kim and Bae, "HiFi-GAN", 2020. Upstream: `ResBlock` in `models/s3gen/hifigan.py`.
struct HiFTResidualBlock: Sendable {
    struct Layer: Sendable {
        let dilatedActivation, plainActivation: Snake
        let dilated, plain: Conv1d
    }

    let layers: [Layer]

    init(_ weights: Weights, channels: Int, kernel: Int, dilations: [Int]) throws {
        layers = try dilations.enumerated().map { index, dilation in
            Layer(
                dilatedActivation: try Snake(weights["activations1"][index], channels: channels),
                plainActivation: try Snake(weights["activations2"][index], channels: channels),
                dilated: try Conv1d(
                    weights["convs1"][index], from: channels, to: channels, kernel: kernel,
                    padding: (kernel - 1) * dilation / 2, dilation: dilation, weightNorm: true),
                plain: try Conv1d(
                    weights["convs2"][index], from: channels, to: channels, kernel: kernel,
                    padding: (kernel - 1) / 2, weightNorm: true))
        }
    }

    /// `[batch, channels, time]` → the same shape.
    func callAsFunction(_ input: Tensor) throws -> Tensor {
        var x = input
        for layer in layers {
            let hidden = try layer.dilated(layer.dilatedActivation(x))
            x = try layer.plain(layer.plainActivation(hidden)) + x
        }
        return x
    }
}
