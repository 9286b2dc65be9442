import Kernels
import Torch

/// What every text in a voice begins with: the rows of the speaker, its prompt and the emotion. They see nothing of the text, so
/// that their keys and values are computed once and shared by all sequences that continue them, also those without text that
/// guidance asks for.
public final class DecodePrefix {
    /// What the rows follow from.
    struct Key: Hashable {
        /// Adapters' numbers in the rows, which the stored prefix's sequence holds.
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
