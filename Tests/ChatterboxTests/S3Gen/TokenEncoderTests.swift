import Kernels
import TestSupport
import Testing
import Torch

@testable import Chatterbox

@Suite("Token encoder")
struct TokenEncoderTests {
    let fixture: Fixture
    let weights: Weights
    let projection: Projection
    let encoder: TokenEncoder<ExactArithmetic>

    init() throws {
        fixture = try Fixture("token_encoder")
        weights = fixture.weights
        let fresh = Weights(initialising: try Generator(seed: 1)), configuration = try fixture.config(as: TokenEncoderConfiguration.self)
        projection = try Projection(fresh, from: configuration.size, to: 20, bias: true)
        encoder = try TokenEncoder(weights, projection: fresh, configuration, melChannels: 20)
    }

    /// Upstream's features are those after the last normalisation.
    private func features(of embeddings: Tensor, lengths: [Int]? = nil) throws -> Tensor {
        let mask = try FrameBatch.mask(lengths: lengths, count: embeddings.size(1), device: .cpu)
        return try encoder.output.before(encoder.features(of: FrameBatch(embeddings, mask: mask)).rows)
    }

    @Test("every tensor of upstream's encoder is used")
    func everyTensorIsUsed() throws {
        try weights.requireAllUsed()
    }

    @Test("the features are upstream's", arguments: [("x", "y"), ("shorter", "shorter"), ("single", "single")])
    func featuresMatch(input: String, output: String) throws {
        try expectClose(features(of: fixture.input(input)), fixture.output(output), relative: tolerance)
    }

    @Test(
        "packed weights give upstream's projected features within the precision of the weights",
        arguments: [
            ("x", "y"), ("shorter", "shorter"), ("single", "single"),
        ], [(WeightFormat.float32, tolerance), (.int8, 0.04)])
    func packed(names: (input: String, output: String), format: (weights: WeightFormat, tolerance: Double)) throws {
        let packed = try TokenEncoder(encoder, LayerPacking(format: format.weights, team: ThreadTeam(threads: 2)))
        let expected = try projection(fixture.output(names.output))
        try expectClose(packed(fixture.input(names.input)), expected, relative: format.tolerance)
        try expectClose(encoder(fixture.input(names.input)), expected, relative: tolerance)
    }

    @Test("a sequence's features do not depend on longer neighbours in its batch")
    func paddingChangesNothing() throws {
        let (long, short) = try (fixture.input("x"), fixture.input("shorter"))
        let (count, shortCount) = (long.shape[1], short.shape[1])
        let noise = try Tensor.randn([1, count - shortCount, long.shape[2]], generator: Generator(seed: 1))
        let batch = try Tensor.cat([long, Tensor.cat([short, noise], axis: 1)])
        let features = try features(of: batch, lengths: [count, shortCount])
        try expectClose(features[0..<1], fixture.output("y"), relative: tolerance)
        try expectClose(features[1..<2, 0..<(2 * shortCount)], fixture.output("shorter"), relative: tolerance)
    }
}
