import Kernels
import Synchronization
import Torch

/// Computes the logits of next tokens for sequences whose keys and values it stores.
///
/// Implementations run the same network in different ways: plain tensor operations, captured graphs, fused or quantised kernels. There are no
/// separate phases for prefill and decoding, only sequences that become longer: one call serves many requests, some of which process their text while
/// others draw tokens. Not for concurrent use.
package protocol DecodeEngine: AnyObject {
    /// The network that the engine runs.
    var model: T3 { get }
    /// The number of positions of the longest sequence.
    var capacity: Int { get }
    /// The largest number of new positions in one call.
    var rows: Int { get }
    /// The threads with which it computes, which also draw tokens; nil if libtorch's operations do both.
    var team: ThreadTeam? { get }

    /// An empty sequence. Its slot becomes free when nothing refers to it any more.
    ///
    /// - Parameter adaptation: the adapters for its positions; nil for engines whose weights are not packed.
    /// - Throws: ``T3Error/noFreeSlots(wanted:free:)`` if all slots are taken.
    func begin(with adaptation: PackedAdaptation?) throws -> DecodeSequence
    /// The stored beginning of all texts in a voice, with adapters; nil if the engine computes it again for each text.
    func prefix(of conditioning: T3Conditioning, with adaptation: PackedAdaptation?) throws -> DecodePrefix?
    /// A sequence that continues a complete prefix.
    func begin(after prefix: DecodePrefix) throws -> DecodeSequence

    /// Computes new positions of some sequences, each at most once.
    ///
    /// - Returns: the logits `[stretches with isWanted, vocabulary]` after the last position of each.
    /// - Throws: ``T3Error/sequenceTooLong(positions:limit:)`` if a sequence would exceed the capacity; no sequence is changed then.
    func forward(_ stretches: [DecodeStretch]) throws -> Tensor
}

extension DecodeEngine {
    package var team: ThreadTeam? { nil }

    package func prefix(of conditioning: T3Conditioning, with adaptation: PackedAdaptation?) throws -> DecodePrefix? { nil }
    package func begin(after prefix: DecodePrefix) throws -> DecodeSequence { preconditionFailure("an engine that stores no prefixes") }

    package func begin() throws -> DecodeSequence { try begin(with: nil) }
    func prefix(of conditioning: T3Conditioning) throws -> DecodePrefix? { try prefix(of: conditioning, with: nil) }

    /// The logits `[rows, vocabulary]` of each next token: after a prompt `[rows, time, hidden]`, and after each of the tokens that follow it.
    package func logits(after prompt: Tensor, of tokens: some Collection<Int>) throws -> [Tensor] {
        let sequences = try (0..<prompt.size(0)).map { _ in try begin() }
        return try logits(after: prompt, of: tokens, in: sequences)
    }

    func logits(after prompt: Tensor, of tokens: some Collection<Int>, in sequences: [DecodeSequence]) throws -> [Tensor] {
        let time = prompt.size(1), most = rows == .max ? time : max(1, rows / sequences.count)
        var logits: [Tensor] = []
        for start in stride(from: 0, to: time, by: most) {
            let count = min(most, time - start), isLast = start + count == time
            let found = try forward(
                sequences.enumerated().map { row, sequence in
                    DecodeStretch(
                        sequence, .embedded(try prompt.select(axis: 0, row).narrow(axis: 0, from: start, count: count)), wanted: isLast)
                })
            if isLast { logits.append(found) }
        }
        for (index, token) in tokens.enumerated() {
            logits.append(try forward(sequences.map { DecodeStretch($0, .token(token, position: index + 1)) }))
        }
        return logits
    }

    func checkRoom(for stretches: [DecodeStretch]) throws {
        for stretch in stretches where stretch.sequence.length + stretch.count > capacity {
            throw T3Error.sequenceTooLong(positions: stretch.sequence.length + stretch.count, limit: capacity)
        }
    }
}

/// A sequence whose keys and values an engine stores until the sequence is released.
package class DecodeSequence {
    /// The number of positions so far.
    package internal(set) var length = 0
    /// Records the attention of the last position of each stretch whose logits are wanted.
    package var recorder: AttentionRecorder?

    init() {}
}

/// New positions of a sequence.
package struct DecodeStretch {
    package enum Input {
        /// A speech token; generated token *i* has position *i* + 1 in the speech.
        case token(Int, position: Int)
        /// Vectors `[positions, hidden]`.
        case embedded(Tensor)
    }

    package let sequence: DecodeSequence
    package let input: Input
    /// Whether the logits after the last position are needed.
    package let isWanted: Bool

    package init(_ sequence: DecodeSequence, _ input: Input, wanted: Bool = true) {
        (self.sequence, self.input, isWanted) = (sequence, input, wanted)
    }

    /// The number of new positions.
    var count: Int {
        switch input {
        case .token: 1
        case .embedded(let vectors): vectors.size(0)
        }
    }
}

/// Decodes with the same tensor operations as `T3.logits`, over a preallocated cache.
package final class TensorDecodeEngine: DecodeEngine {
    package let model: T3
    let cache: KeyValueCache
    package var rows: Int { .max }

    /// - Parameters:
    ///   - model: the T3.
    ///   - slots: the number of sequences; a guided request takes two, others one.
    ///   - capacity: the length of the longest sequence of conditions, text and speech; keys and values of the full model take 240 KiB for each
    ///     position of each slot, whose memory is first used when they are written.
    package convenience init(_ model: T3, slots: Int = 2, capacity: Int) throws {
        try self.init(model, slots: slots, capacity: capacity, zeroed: false)
    }

    /// - Parameter zeroed: whether positions that have not been written may be read, behind a mask.
    init(_ model: T3, slots: Int, capacity: Int, zeroed: Bool) throws {
        self.model = model
        cache = try KeyValueCache(
            layers: model.backbone.layerCount, heads: model.backbone.headCount, headSize: model.backbone.headSize,
            slots: slots, capacity: capacity, dtype: model.dtype, device: model.device, zeroed: zeroed)
    }

    package var capacity: Int { cache.capacity }

    package func begin(with adaptation: PackedAdaptation?) throws -> DecodeSequence {
        precondition(adaptation == nil, "this engine's adapters are part of the network")
        return try cache.begin()
    }

    /// The tokens of all sequences form one batch, as do the vectors of sequences that have the same length and get the same number of positions.
    package func forward(_ stretches: [DecodeStretch]) throws -> Tensor {
        try checkRoom(for: stretches)
        var logits = [Tensor?](repeating: nil, count: stretches.count)
        let tokens = stretches.indices.filter { if case .token = stretches[$0].input { true } else { false } }
        if !tokens.isEmpty {
            let inputs = tokens.map { index in
                guard case .token(let token, let position) = stretches[index].input else { preconditionFailure("a token") }
                return (token, position)
            }
            let ids = try Tensor(inputs.map(\.0), shape: [inputs.count, 1], device: model.device)
            try extend(tokens, of: stretches, with: model.embedded(speech: ids, from: inputs.map(\.1)), into: &logits)
        }
        var rest = stretches.indices.filter { !tokens.contains($0) }
        while let first = rest.first {
            let batch = rest.filter {
                stretches[$0].count == stretches[first].count && stretches[$0].sequence.length == stretches[first].sequence.length
            }
            let vectors = try Tensor.stack(
                batch.map { index in
                    guard case .embedded(let vectors) = stretches[index].input else { preconditionFailure("vectors") }
                    return vectors
                })
            rest.removeAll(where: batch.contains)
            try extend(batch, of: stretches, with: vectors, into: &logits)
        }
        let wanted = logits.compactMap(\.self)
        return try wanted.isEmpty
            ? Tensor.empty([0, model.configuration.speechVocabulary], dtype: model.dtype, device: model.device) : Tensor.cat(wanted)
    }

    /// - Parameter inputs: `[indices, time, hidden]`.
    private func extend(_ indices: [Int], of stretches: [DecodeStretch], with inputs: Tensor, into logits: inout [Tensor?]) throws {
        let sequences = indices.map { stretches[$0].sequence as! KeyValueCache.Sequence }, time = inputs.size(1)
        let recorders = indices.map { stretches[$0].isWanted ? stretches[$0].sequence.recorder : nil }
        let hidden = try cache.extend(sequences, by: time, recorders: recorders) { try model.backbone(inputs, memory: $0) }
        for recorder in recorders { recorder?.keep() }
        guard indices.contains(where: { stretches[$0].isWanted }) else { return }
        let heads = try model.speechHead(hidden.select(axis: 1, time - 1))
        for (row, index) in indices.enumerated() where stretches[index].isWanted {
            logits[index] = try heads.narrow(axis: 0, from: row, count: 1)
        }
    }
}

/// The beginning of every text in a voice: the rows of the speaker, its prompt and the emotion. They do not attend to the text, so that their keys
/// and values are computed once and shared by all sequences that continue them, including those without text for guidance.
package final class DecodePrefix {
    /// What determines the rows.
    struct Key: Hashable {
        /// The identity of the adapters in the rows; the stored prefix's sequence keeps them alive.
        let adaptation: ObjectIdentifier?
        let speaker: [Float]
        let prompt: [Int]
        let emotion: [Float]

        init(_ conditioning: T3Conditioning, _ adaptation: PackedAdaptation?) throws {
            self.adaptation = adaptation.map(ObjectIdentifier.init)
            speaker = try conditioning.speaker.to(.float32).array(of: Float.self)
            prompt = try conditioning.prompt?.array(of: Int.self) ?? []
            emotion = try conditioning.emotion?.to(.float32).array(of: Float.self) ?? []
        }
    }

    /// The number of positions of the whole prefix.
    let length: Int
    let sequence: DecodeSequence
    /// `[length, hidden]`, until all positions are computed.
    private var vectors: Tensor?

    init(_ vectors: Tensor, sequence: DecodeSequence) {
        length = vectors.size(0)
        self.vectors = vectors
        self.sequence = sequence
    }

    /// Whether every position is computed.
    var isComplete: Bool { sequence.length == length }

    /// The next positions to compute, at most this many.
    func next(_ rows: Int) throws -> DecodeStretch? {
        if isComplete { vectors = nil }
        guard let vectors else { return nil }
        let count = min(rows, length - sequence.length)
        return DecodeStretch(sequence, .embedded(try vectors.narrow(axis: 0, from: sequence.length, count: count)), wanted: false)
    }
}

/// Which slots of a cache are taken. A sequence releases its slot on whatever thread it is released.
final class SlotTable: Sendable {
    private let isTaken: Mutex<[Bool]>

    init(count: Int) { isTaken = Mutex(Array(repeating: false, count: count)) }

    /// Reserves the first free slot.
    ///
    /// - Throws: `T3Error.noFreeSlots`.
    func reserve() throws -> Int {
        try isTaken.withLock { isTaken in
            guard let slot = isTaken.firstIndex(of: false) else { throw T3Error.noFreeSlots(wanted: 1, free: 0) }
            isTaken[slot] = true
            return slot
        }
    }

    /// Releases a slot.
    func release(_ slot: Int) { isTaken.withLock { $0[slot] = false } }
}
