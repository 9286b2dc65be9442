import Kernels
import TestSupport
import Testing
import Torch

@testable import Chatterbox

@Suite("Token encoder")
struct TokenEncoderTests {
    let fixture: Fixture
    let weights: Weights
    let encoder: TokenEncoder

    init() throws {
        fixture = try Fixture("token_encoder")
        weights = fixture.weights
        encoder = try TokenEncoder(weights, fixture.config(as: TokenEncoderConfiguration.self))
    }

    @Test("uses every tensor of upstream's encoder")
    func everyTensorIsUsed() throws {
        try weights.requireAllUsed()
    }

    @Test("gives upstream's features", arguments: [("x", "y"), ("shorter", "shorter"), ("single", "single")])
    func featuresMatch(input: String, output: String) throws {
        try expectClose(encoder(fixture.input(input)), fixture.output(output), relative: tolerance)
    }

    @Test(
        "packed weights give upstream's features, projected, as near as the weights are",
        arguments: [
            ("x", "y"), ("shorter", "shorter"), ("single", "single"),
        ], [(WeightFormat.float32, tolerance), (.int8, 0.04)])
    func packed(names: (input: String, output: String), format: (weights: WeightFormat, tolerance: Double)) throws {
        let size = encoder.configuration.size
        let fresh = Weights(initialising: try Generator(seed: 1))
        let projection = try Projection(fresh, from: size, to: 20, bias: true)
        let packed = try PackedTokenEncoder(
            encoder, melProjection: projection, format: format.weights, team: ThreadTeam(threads: 2))
        try expectClose(
            packed(fixture.input(names.input)), projection(fixture.output(names.output)), relative: format.tolerance)
    }

    @Test("a sequence's features do not depend on longer neighbours in its batch")
    func paddingChangesNothing() throws {
        let (long, short) = try (fixture.input("x"), fixture.input("shorter"))
        let (count, shortCount) = (long.shape[1], short.shape[1])
        let noise = try Tensor.randn([1, count - shortCount, long.shape[2]], generator: Generator(seed: 1))
        let batch = try Tensor.cat([long, Tensor.cat([short, noise], axis: 1)])
        let features = try encoder(batch, lengths: [count, shortCount])
        try expectClose(features[0..<1], fixture.output("y"), relative: tolerance)
        try expectClose(features[1..<2, 0..<(2 * shortCount)], fixture.output("shorter"), relative: tolerance)
    }
}
