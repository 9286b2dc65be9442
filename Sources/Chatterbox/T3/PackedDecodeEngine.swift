import Kernels
import Torch

/// Decodes on the CPU with this package's kernels: one call for each step, which reads the packed weights once for all requests.
///
/// In float32 the logits equal those of ``TensorDecodeEngine`` to within 1e-4; the documentation's page on performance has the errors of rounding to
/// 8 or 4 bits. A request's logits depend neither on other requests in the step nor on the number of threads.
package final class PackedDecodeEngine: DecodeEngine {
    package let packed: PackedT3
    package let capacity: Int
    private let decoder: TransformerDecoder
    /// The prefixes of recently used voices.
    private var prefixes: RecentlyUsed<DecodePrefix.Key, DecodePrefix>
    /// `[rows, hidden]`
    private let inputs: UnsafeMutableBufferPointer<Float>

    /// - Parameters:
    ///   - packed: the T3.
    ///   - capacity: the length of the longest sequence of conditions, text and speech; nil for the longest that the model supports. Keys and values
    ///     of the full model take 240 KiB for each position of each sequence, with quantised weights about a quarter of that; memory is allocated
    ///     when sequences grow, 16 positions at a time, and freed with them.
    ///   - rows: the largest number of positions that are computed together: enough for efficiency, and few enough that their activations fit into
    ///     cache.
    ///   - prefixes: the number of positions of all stored prefixes together.
    /// - Throws: `KernelError.outOfMemory`.
    package init(_ packed: PackedT3, capacity: Int? = nil, rows: Int = 256, prefixes: Int = 2048) throws {
        self.packed = packed
        let longest = packed.model.configuration.longestSequence
        self.capacity = min(capacity ?? longest, packed.transformer.rotatedPositions ?? longest)
        decoder = try TransformerDecoder(
            packed.transformer, longest: self.capacity, rows: rows, rounded: packed.format != .float32)
        self.prefixes = RecentlyUsed(limit: prefixes) { $0.length }
        inputs = .allocate(capacity: rows * packed.transformer.shape.hidden)
    }

    deinit { inputs.deallocate() }

    package var model: T3 { packed.model }
    package var rows: Int { decoder.rows }
    package var team: ThreadTeam? { packed.transformer.team }

    // MARK: sequences

    private final class Sequence: DecodeSequence {
        let stored: TransformerDecoder.Sequence
        let adaptation: PackedAdaptation?

        init(_ stored: TransformerDecoder.Sequence, _ adaptation: PackedAdaptation?) {
            (self.stored, self.adaptation) = (stored, adaptation)
            super.init()
            length = stored.length
        }
    }

    package func begin(with adaptation: PackedAdaptation?) throws -> DecodeSequence { Sequence(try decoder.sequence(), adaptation) }

    package func begin(after prefix: DecodePrefix) throws -> DecodeSequence {
        precondition(prefix.isComplete, "a prefix whose rows are computed")
        let sequence = prefix.sequence as! Sequence
        return Sequence(try decoder.sequence(after: sequence.stored), sequence.adaptation)
    }

    package func prefix(of conditioning: T3Conditioning, with adaptation: PackedAdaptation?) throws -> DecodePrefix? {
        let key = try DecodePrefix.Key(conditioning, adaptation)
        if let prefix = prefixes.use(key) { return prefix }
        let prefix = DecodePrefix(
            try model.embedded(conditioning).to(.float32).contiguous().select(axis: 0, 0), sequence: try begin(with: adaptation))
        prefixes.insert(prefix, for: key)
        return prefix
    }

    // MARK: computing

    package func forward(_ stretches: [DecodeStretch]) throws -> Tensor {
        try checkRoom(for: stretches)
        let (hidden, vocabulary) = (packed.transformer.shape.hidden, packed.transformer.vocabulary)
        var row = 0
        for stretch in stretches {
            try gather(stretch, at: row)
            row += stretch.count
        }
        let wanted = stretches.count(where: \.isWanted)
        let logits = try Tensor.empty([wanted, vocabulary])
        try logits.withElements(of: Float.self) { logits in
            try decoder.run(
                stretches.map {
                    let sequence = $0.sequence as! Sequence
                    return .init(sequence.stored, count: $0.count, wanted: $0.isWanted, adaptation: sequence.adaptation)
                },
                inputs: UnsafeBufferPointer(rebasing: inputs[..<(row * hidden)]), logits: logits,
                records: stretches.enumerated().flatMap { index, stretch in
                    stretch.isWanted ? stretch.sequence.recorder?.records(stretch: index) ?? [] : []
                })
        }
        for stretch in stretches {
            stretch.sequence.length += stretch.count
            if stretch.isWanted { stretch.sequence.recorder?.keep() }
        }
        return logits
    }

    /// Writes the embedded input of a stretch from a row on, each at its position in the speech and in the sequence.
    private func gather(_ stretch: DecodeStretch, at first: Int) throws {
        let hidden = packed.transformer.shape.hidden
        let target = UnsafeMutableBufferPointer(rebasing: inputs[first * hidden..<(first + stretch.count) * hidden])
        switch stretch.input {
        case .token(let token, let position):
            let vocabulary = model.configuration.speechVocabulary
            guard 0..<vocabulary ~= token else { throw T3Error.unknownToken(token, of: "speech", vocabulary: vocabulary) }
            try model.speechEmbedding.weight.withElements(of: Float.self) {
                _ = target.update(fromContentsOf: $0[token * hidden..<(token + 1) * hidden])
            }
            try model.speechPositions?.add(position, to: target)
        case .embedded(let vectors):
            precondition(vectors.size(1) == hidden, "vectors of the transformer's width")
            try vectors.to(.float32).contiguous().withElements(of: Float.self) { _ = target.update(fromContentsOf: $0) }
        }
        guard let positions = packed.positions else { return }
        for index in 0..<stretch.count {
            try positions.add(
                stretch.sequence.length + index, to: UnsafeMutableBufferPointer(rebasing: target[index * hidden..<(index + 1) * hidden]))
        }
    }
}

extension AttentionRecorder {
    /// What is recorded for one of a call's stretches.
    fileprivate func records(stretch: Int) -> [TransformerDecoder.Record] {
        heads.enumerated().map { index, head in
            TransformerDecoder.Record(
                layer: head.layer, head: head.head, stretch: stretch, first: positions.lowerBound, weights: weightsOfStep(of: index))
        }
    }
}

extension PositionTable {
    /// Adds the row of a position to an input.
    ///
    /// - Throws: `T3Error.sequenceTooLong` beyond the table's end.
    fileprivate func add(_ position: Int, to input: UnsafeMutableBufferPointer<Float>) throws {
        guard 0..<count ~= position else { throw T3Error.sequenceTooLong(positions: position + 1, limit: count) }
        try rows.withElements(of: Float.self) { rows in
            let start = position * input.count
            for index in input.indices { input[index] += rows[start + index] }
        }
    }
}

/// A speech token model's transformer and head, packed for the CPU: in float32, or rounded to 8 or 4 bits.
///
/// Embeddings and conditions remain in the ``T3`` from which it was made. Immutable; any number of engines can use it.
package final class PackedT3: Sendable {
    package let model: T3
    package let format: WeightFormat
    let transformer: PackedTransformer
    /// In GPT-2 a row is added to every input; in Llama positions rotate queries and keys instead.
    let positions: PositionTable?

    /// - Parameters:
    ///   - model: the T3 whose weights are packed; float32 on the CPU.
    ///   - format: the format of all matrices except the head, which has at least 8 bits.
    ///   - team: the threads that pack the weights, and later compute with them.
    ///   - afterLayer: called when a layer has been packed and its float32 weights are no longer needed.
    /// - Throws: `KernelError.outOfMemory`; `TorchError` if the weights are not float32 on the CPU; ``T3Error/cannotPack(backbone:)``.
    package init(_ model: T3, format: WeightFormat, team: ThreadTeam, afterLayer: () -> Void = {}) throws {
        self.model = model
        self.format = format
        let head = try PackedMatrix([.init(model.speechHead)], format: format == .int4 ? .int8 : format, team: team)
        guard let backbone = model.backbone as? any PackableBackbone else { throw T3Error.cannotPack(backbone: "\(type(of: model.backbone))") }
        positions = backbone.inputPositions
        transformer = try backbone.packed(
            head: head, team: team,
            pack: { layers, gated in
                try PackedMatrix(layers.map(\.source), format: format, gated: gated, team: team)
            }, afterLayer: afterLayer)
    }

    /// The bytes of weights that one step reads, for any number of requests.
    package var bytesPerStep: Int { transformer.byteCount }

    /// Packs the adapters of a network that shares this one's weights.
    ///
    /// - Parameter adapted: the result of ``T3/adapted(by:digest:)`` for ``model``.
    /// - Throws: ``KernelError/shape(_:expected:found:)``, `TorchError`.
    func adaptation(of adapted: T3) throws -> PackedAdaptation {
        guard let backbone = adapted.backbone as? any PackableBackbone else { throw T3Error.cannotPack(backbone: "\(type(of: adapted.backbone))") }
        let changes = backbone.packedPlaces.flatMap { place in
            place.projection.changes.map {
                PackedAdaptation.Change(layer: place.layer, place.product, first: place.first, a: $0.a, b: $0.b, scale: $0.scale)
            }
        }
        return try PackedAdaptation(changes, of: transformer)
    }
}
