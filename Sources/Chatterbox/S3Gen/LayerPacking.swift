import Kernels
import Torch

/// What the layers of a network of S3Gen are packed as.
struct LayerPacking {
    /// Of the matrices of transformer blocks and of convolutions.
    let format: WeightFormat
    let team: ThreadTeam

    /// Of keys and values: frames are no weights, 8 bits are the least that they are rounded to.
    var attentionFormat: WeightFormat { format == .int4 ? .int8 : format }

    func callAsFunction(_ layers: Linear...) throws -> PackedMatrix {
        try PackedMatrix(layers.map { .init($0) }, format: format, team: team)
    }

    func callAsFunction(_ layers: Projection...) throws -> PackedMatrix {
        try PackedMatrix(layers.map(\.source), format: format, team: team)
    }

    /// A convolution over a frame and those before it; with a `lead` of 0 over those after it.
    func callAsFunction(_ convolution: Conv1d, in wayIn: WayIn = .plain, lead: Int? = nil) throws -> PackedLayer {
        let winograd = format == .float32 && convolution.weight.size(2) >= 3
        let matrix = try PackedMatrix([.init(convolution)], format: format, winograd: winograd, team: team)
        return PackedLayer(matrix, in: wayIn, convolution: .init(lead: lead ?? matrix.taps - 1))
    }
}
