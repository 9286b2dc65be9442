import TestSupport
import Testing
import Torch

@testable import Kernels

@Suite("A transformer with pages of keys and values")
struct TransformerDecoderTests {
    /// Two layers with random weights; a head of 80 numbers is a whole number of vectors, but not a multiple of the widest loops.
    struct SmallTransformer {
        static let shape = PackedTransformer.Shape(hidden: 160, heads: 2, inner: 192, activation: .relu)
        static let vocabulary = 50
        var layers: [[Tensor]] = []
        let head: Tensor

        init() throws {
            let generator = try Generator(seed: 1)
            let (hidden, inner) = (Self.shape.hidden, Self.shape.inner)
            func weight(_ outputs: Int, _ inputs: Int) throws -> Tensor {
                try Tensor.randn([outputs, inputs], generator: generator) * (1.5 / Double(inputs).squareRoot())
            }
            for _ in 0..<2 {
                layers.append([try weight(3 * hidden, hidden), try weight(hidden, hidden), try weight(inner, hidden), try weight(hidden, inner)])
            }
            head = try weight(Self.vocabulary, hidden)
        }

        func decoder(
            _ format: WeightFormat = .float32, rounded: Bool? = nil, rows: Int = 64, threads: Int = 1, instructions: String? = nil
        ) throws -> TransformerDecoder {
            let team = try ThreadTeam(threads: threads, instructions: instructions)
            func pack(_ weight: Tensor) throws -> PackedMatrix { try PackedMatrix([.init(weight)], format: format, team: team) }
            let norm = try Norm(weight: .ones([Self.shape.hidden]), bias: .zeros([Self.shape.hidden]), epsilon: 1e-5)
            let packed = try layers.map { weights in
                PackedTransformer.Layer(
                    attentionNorm: norm, queryKeyValue: try pack(weights[0]), attentionOutput: try pack(weights[1]), feedForwardNorm: norm,
                    expand: try pack(weights[2]), contract: try pack(weights[3]))
            }
            let transformer = try PackedTransformer(Self.shape, layers: packed, finalNorm: norm, head: pack(head), rotation: nil, team: team)
            return try TransformerDecoder(transformer, longest: 400, rows: rows, rounded: rounded ?? (format != .float32))
        }

        /// Logits after each position of one sequence `[positions, hidden]`, by libtorch's operations.
        func logits(_ inputs: Tensor) throws -> Tensor {
            let (time, heads, size) = (inputs.size(0), Self.shape.heads, Self.shape.hidden / Self.shape.heads)
            func norm(_ x: Tensor) throws -> Tensor { try x.layerNorm(shape: [Self.shape.hidden]) }
            var x = inputs
            for weights in layers {
                let parts = try norm(x).linear(weights[0]).chunked(3, axis: 1).map { try $0.reshaped([1, time, heads, size]).transposed(1, 2) }
                let seen = try parts[0].attention(key: parts[1], value: parts[2], causal: true)
                x = try x + seen.transposed(1, 2).reshaped([time, Self.shape.hidden]).linear(weights[1])
                x = try x + norm(x).linear(weights[2]).relu().linear(weights[3])
            }
            return try norm(x).linear(head)
        }
    }

    let small: SmallTransformer

    init() throws { small = try SmallTransformer() }

    private func vectors(_ count: Int, seed: UInt64) throws -> [Float] {
        try Tensor.randn([count, SmallTransformer.shape.hidden], generator: Generator(seed: seed)).array(of: Float.self)
    }

    /// Runs stretches and returns the logits after each.
    private func run(
        _ decoder: TransformerDecoder, _ stretches: [(TransformerDecoder.Sequence, [Float])], _ adaptations: [PackedAdaptation?]? = nil
    ) throws -> [[Float]] {
        let inputs = stretches.flatMap(\.1), hidden = SmallTransformer.shape.hidden, vocabulary = SmallTransformer.vocabulary
        var logits = [Float](repeating: 0, count: stretches.count * vocabulary)
        try inputs.withUnsafeBufferPointer { inputs in
            try logits.withUnsafeMutableBufferPointer { logits in
                try decoder.run(
                    stretches.enumerated().map { .init($1.0, count: $1.1.count / hidden, wanted: true, adaptation: adaptations?[$0]) },
                    inputs: inputs,
                    logits: logits)
            }
        }
        return (0..<stretches.count).map { Array(logits[$0 * vocabulary..<($0 + 1) * vocabulary]) }
    }

    @Test("logits equal those of libtorch's operations", arguments: [false, true], ThreadTeam.availableInstructions)
    func operations(rounded: Bool, instructions: String) throws {
        let decoder = try small.decoder(rounded: rounded, instructions: instructions), inputs = try vectors(150, seed: 2),
            hidden = SmallTransformer.shape.hidden
        let expected = try small.logits(Tensor(inputs, shape: [150, hidden]))
        let sequence = try decoder.sequence()
        var position = 0
        for count in [1, 17, 5, 64, 3, 1, 1, 40, 18] {
            let found = try run(decoder, [(sequence, Array(inputs[position * hidden..<(position + count) * hidden]))])[0]
            position += count
            try expectClose(Tensor(found), expected[position - 1], relative: rounded ? 4e-2 : 1e-5, "position \(position)")
        }
        #expect(position == 150)
    }

    /// Sequences of two voices alternately and of none, with different lengths, decoded together or one after the other.
    private func steps(_ decoder: TransformerDecoder, together: Bool) throws -> [[[Float]]] {
        // With 5 and 2 full pages and a partial one.
        let voices = try [83, 37].enumerated().map { number, length in
            let voice = try decoder.sequence()
            for part in 0..<2 { _ = try run(decoder, [(voice, vectors(part == 0 ? 32 : length - 32, seed: UInt64(10 + 2 * number + part)))]) }
            return voice
        }
        let sequences = try (0..<13).map { number in try decoder.sequence(after: number % 5 == 4 ? nil : voices[number % 2]) }
        return try (0..<20).map { step in
            let stretches = try sequences.enumerated().map { number, sequence in
                (sequence, try vectors(step == 0 ? 1 + number * 3 % 7 : number == step ? 3 : 1, seed: UInt64(100 * step + number)))
            }
            return together ? try run(decoder, stretches) : try stretches.flatMap { try run(decoder, [$0]) }
        }
    }

    @Test(
        "sequences that begin with the same pages get the same results as alone, bit for bit", arguments: WeightFormat.allCases,
        ThreadTeam.availableInstructions)
    func company(format: WeightFormat, instructions: String) throws {
        let alone = try steps(small.decoder(format, instructions: instructions), together: false)
        #expect(Set(alone.joined()).count == 20 * 13)
        for threads in [1, 3] {
            #expect(try steps(small.decoder(format, threads: threads, instructions: instructions), together: true) == alone)
        }
    }

    // MARK: adapters

    /// Changes of all products of one or both layers, of some of their outputs, and two of one product.
    private func changes(seed: UInt64, layers: Range<Int>) throws -> [PackedAdaptation.Change] {
        let generator = try Generator(seed: seed), (hidden, inner) = (SmallTransformer.shape.hidden, SmallTransformer.shape.inner)
        func change(_ layer: Int, _ product: PackedAdaptation.Product, first: Int = 0, _ outputs: Int, _ inputs: Int, rank: Int) throws
            -> PackedAdaptation.Change
        {
            .init(
                layer: layer, product, first: first, a: try Tensor.randn([rank, inputs], generator: generator) * (1 / Double(inputs).squareRoot()),
                b: try Tensor.randn([outputs, rank], generator: generator), scale: 0.3)
        }
        return try layers.flatMap { layer in
            [
                try change(layer, .contract, hidden, inner, rank: 3), try change(layer, .queryKeyValue, first: hidden, hidden, hidden, rank: 2),
                try change(layer, .queryKeyValue, first: 2 * hidden - 5, 37, hidden, rank: 5),
                try change(layer, .attentionOutput, hidden, hidden, rank: 1),
                try change(layer, .expand, inner, hidden, rank: 4),
            ]
        }
    }

    /// The transformer with changes in its weights.
    private func merged(_ changes: [PackedAdaptation.Change]) throws -> SmallTransformer {
        var merged = small
        for change in changes {
            let weight = merged.layers[change.layer][change.product.rawValue], (outputs, inputs) = (weight.size(0), weight.size(1))
            let count = change.b.size(0), added = try change.b.matmul(change.a) * change.scale
            let parts = try [Tensor.zeros([change.first, inputs]), added, Tensor.zeros([outputs - change.first - count, inputs])]
            merged.layers[change.layer][change.product.rawValue] = try weight + Tensor.cat(parts)
        }
        return merged
    }

    @Test("logits with an adapter equal those of merged weights", arguments: [false, true], ThreadTeam.availableInstructions)
    func adapted(rounded: Bool, instructions: String) throws {
        let decoder = try small.decoder(rounded ? .int8 : .float32, threads: 2, instructions: instructions), hidden = SmallTransformer.shape.hidden
        let changes = try changes(seed: 5, layers: 0..<2), adaptation = try PackedAdaptation(changes, of: decoder.transformer)
        let inputs = try vectors(60, seed: 2), expected = try merged(changes).logits(Tensor(inputs, shape: [60, hidden]))
        let sequence = try decoder.sequence()
        var position = 0
        for count in [1, 17, 40, 1, 1] {
            let found = try run(decoder, [(sequence, Array(inputs[position * hidden..<(position + count) * hidden]))], [adaptation])[0]
            position += count
            try expectClose(Tensor(found), expected[position - 1], relative: rounded ? 6e-2 : 1e-4, "position \(position)")
        }
        let plain = try small.logits(Tensor(inputs, shape: [60, hidden]))
        #expect(try (plain - expected).abs().max().item(Double.self) > 0.3 * expected.abs().max().item(Double.self))
    }

    @Test("sequences with different adapters and with none get the same results as alone, bit for bit", arguments: WeightFormat.allCases)
    func adaptedCompany(format: WeightFormat) throws {
        func steps(_ decoder: TransformerDecoder, together: Bool) throws -> [[[Float]]] {
            let adaptations = try [nil, changes(seed: 5, layers: 0..<2), changes(seed: 6, layers: 1..<2)].map {
                try $0.map { try PackedAdaptation($0, of: decoder.transformer) }
            }
            let sequences = try (0..<7).map { _ in try decoder.sequence() }
            return try (0..<6).map { step in
                let stretches = try sequences.enumerated().map { number, sequence in
                    (sequence, try vectors(step == 0 ? 1 + number * 3 % 7 : 1, seed: UInt64(100 * step + number)))
                }
                let chosen = sequences.indices.map { adaptations[$0 % 3] }
                return together
                    ? try run(decoder, stretches, chosen) : try zip(stretches, chosen).flatMap { try run(decoder, [$0], [$1]) }
            }
        }
        let alone = try steps(small.decoder(format), together: false)
        for threads in [1, 3] { #expect(try steps(small.decoder(format, threads: threads), together: true) == alone) }
        // Those without adapters get the results of a decoder without any.
        let decoder = try small.decoder(format), sequence = try decoder.sequence()
        #expect(try run(decoder, [(sequence, vectors(1, seed: 0))])[0] == alone[0][0])
    }

    @Test("matrices of another size are refused") func misshapenAdaptation() throws {
        let decoder = try small.decoder(), hidden = SmallTransformer.shape.hidden
        for (a, b) in [
            ([2, hidden + 1], [hidden, 2]), ([2, hidden], [hidden, 3]), ([2, hidden], [3 * hidden + 1, 2]), ([513, hidden], [hidden, 513]),
        ] {
            let change = PackedAdaptation.Change(layer: 0, .queryKeyValue, a: try .zeros(a), b: try .zeros(b), scale: 1)
            #expect(throws: KernelError.self) { try PackedAdaptation([change], of: decoder.transformer) }
        }
    }
}
