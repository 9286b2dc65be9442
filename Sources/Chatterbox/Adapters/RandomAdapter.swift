import Torch

extension Adapter {
    /// An adapter of random numbers beside every linear layer of a network, small enough that what it adds stays below what is there:
    /// for measurements.
    ///
    /// - Throws: ``AdapterError`` where the network takes none; `TorchError`.
    public static func random(for t3: T3, rank: Int, generator: Generator) throws -> Adapter {
        var backbone = try t3.adaptable, matrices: [String: Matrices] = [:]
        try backbone.changeProjections { layer, projection in
            let (outputs, inputs) = (projection.weight.size(0), projection.weight.size(1))
            matrices[Part.t3.scope + layer] = Matrices(
                a: try .randn([rank, inputs], generator: generator), b: try .randn([outputs, rank], generator: generator),
                scale: 0.1 / Double(inputs * rank).squareRoot())
        }
        return Adapter(matrices, name: "random")
    }
}
