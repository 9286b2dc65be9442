import Torch

/// What every text in a voice begins with: the rows of the speaker, its prompt and the emotion. They see nothing of the text, so
/// that their keys and values are computed once and shared by all sequences that continue them, also those without text that
/// guidance asks for.
public final class DecodePrefix {
    /// What the rows follow from.
    struct Key: Hashable {
        let speaker: [Float]
        let prompt: [Int]
        let emotion: [Float]

        init(_ conditioning: T3Conditioning) throws {
            speaker = try conditioning.speaker.to(.float32).array(of: Float.self)
            prompt = try conditioning.prompt?.array(of: Int.self) ?? []
            emotion = try conditioning.emotion?.to(.float32).array(of: Float.self) ?? []
        }
    }

    /// Positions of the whole prefix.
    let length: Int
    let sequence: DecodeSequence
    /// `[length, hidden]`, until all are computed.
    private var vectors: Tensor?

    init(_ vectors: Tensor, sequence: DecodeSequence) {
        length = vectors.size(0)
        self.vectors = vectors
        self.sequence = sequence
    }

    /// Whether every row is computed.
    var isComplete: Bool { sequence.length == length }

    /// The next rows to compute, at most so many.
    func next(_ rows: Int) throws -> DecodeStretch? {
        if isComplete { vectors = nil }
        guard let vectors else { return nil }
        let count = min(rows, length - sequence.length)
        return DecodeStretch(sequence, .embedded(try vectors.narrow(axis: 0, from: sequence.length, count: count)), wanted: false)
    }
}

/// The prefixes of voices that were used last.
struct DecodePrefixCache {
    /// Positions of all prefixes together.
    let limit: Int
    /// The one used last stands last.
    private var entries: [(key: DecodePrefix.Key, prefix: DecodePrefix)] = []

    init(limit: Int) { self.limit = limit }

    /// - Parameter make: makes the prefix where it is not there.
    mutating func prefix(_ key: DecodePrefix.Key, _ make: () throws -> DecodePrefix) rethrows -> DecodePrefix {
        if let index = entries.firstIndex(where: { $0.key == key }) {
            entries.append(entries.remove(at: index))
        } else {
            entries.append((key, try make()))
            // The new one stays, whatever its length; those who still speak with an old one keep it.
            while entries.count > 1, entries.reduce(0, { $0 + $1.prefix.length }) > limit { entries.removeFirst() }
        }
        return entries[entries.count - 1].prefix
    }
}
