import Foundation
import Torch

/// A head of one of a transformer's layers, both counted from 0.
public struct AttentionHead: Sendable, Codable, Hashable {
    /// The layer, and the head within it.
    public var layer, head: Int

    /// A head of a layer, both counted from 0.
    public init(layer: Int, head: Int) {
        self.layer = layer
        self.head = head
    }
}

/// Records the attention of some heads while a request decodes: for each speech token, at the step that drew it, the attention of each text token.
///
/// An engine writes to the recorder of a sequence (``DecodeSequence/recorder``). Not for concurrent use.
package final class AttentionRecorder {
    /// The recorded heads.
    package let heads: [AttentionHead]
    /// The positions of the sequence whose attention is recorded.
    package let positions: Range<Int>
    /// The number of recorded steps.
    package private(set) var steps = 0
    private var weights: [Float] = []
    private let weightsOfStep: UnsafeMutableBufferPointer<Float>

    package init(_ heads: [AttentionHead], positions: Range<Int>) {
        self.heads = heads
        self.positions = positions
        weightsOfStep = .allocate(capacity: heads.count * positions.count)
        weightsOfStep.initialize(repeating: 0)
    }

    deinit { weightsOfStep.deallocate() }

    /// The heads' attention at a step, `[heads × positions]`: shares of the whole attention, of which a part is at other positions.
    package func weights(at step: Int) -> ArraySlice<Float> { weights[step * weightsOfStep.count..<(step + 1) * weightsOfStep.count] }

    /// Where one head's attention in the current step is written, `[positions]`.
    func weightsOfStep(of index: Int) -> UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(rebasing: weightsOfStep[index * positions.count..<(index + 1) * positions.count])
    }

    /// Computes the attention of those recorded heads that are in a layer.
    ///
    /// - Parameters:
    ///   - query: the query of the newest position, `[heads, head]`.
    ///   - keys: the keys of all positions so far, `[heads, positions, head]`.
    func read(layer: Int, query: Tensor, keys: Tensor) throws {
        for (index, head) in heads.enumerated() where head.layer == layer {
            let (query, keys) = (try query.select(axis: 0, head.head), try keys.select(axis: 0, head.head))
            let scores = try keys.matmul(query.unsqueezed(1)).squeezed(1).to(.float32) / Double(query.size(0)).squareRoot()
            let weights = try scores.softmax(axis: 0).narrow(axis: 0, from: positions.lowerBound, count: positions.count)
            _ = weightsOfStep(of: index).update(from: try weights.array(of: Float.self))
        }
    }

    /// Records attention that was computed elsewhere.
    ///
    /// - Parameter attention: the heads' attention to the first positions, `[heads, positions]`.
    func read(_ attention: Tensor) throws {
        let seen = try attention.narrow(axis: 1, from: positions.lowerBound, count: positions.count).contiguous()
        _ = weightsOfStep.update(from: try seen.array(of: Float.self))
    }

    /// Completes the step.
    func keep() {
        weights += weightsOfStep
        steps += 1
    }
}

/// Runs whole sequences and records, in every layer, the attention of speech to text.
final class AttentionSurvey: AttentionMemory {
    let firstPositions = [0]
    /// For each layer so far, `[batch, heads, speech, text]`.
    private(set) var layers: [Tensor] = []
    private let text, speech: Range<Int>

    init(text: Range<Int>, speech: Range<Int>) {
        self.text = text
        self.speech = speech
    }

    func attend(layer: Int, query: Tensor, key: Tensor, value: Tensor) throws -> Tensor {
        let queries = try query.narrow(axis: 2, from: speech.lowerBound, count: speech.count)
        let scores = try queries.matmul(key.transposed(2, 3)).to(.float32) / Double(query.size(3)).squareRoot()
        let hidden = try Tensor.ones([speech.count, query.size(2)], device: query.device).triu(speech.lowerBound + 1).greater(than: 0)
        let attention = try scores.maskedFill(hidden, -.infinity).softmax(axis: -1)
        layers.append(try attention.narrow(axis: 3, from: text.lowerBound, count: text.count))
        return try query.attention(key: key, value: value, causal: true)
    }
}

extension T3 {
    /// Every head's attention to a text while its speech is predicted, as in decoding.
    ///
    /// - Parameters:
    ///   - text: text tokens with start and stop tokens.
    ///   - speech: speech tokens, without start and stop.
    ///   - conditioning: conditions of a batch of one.
    /// - Returns: for each layer `[heads, speech, text]`, shares of the whole attention.
    package func attention(text: [Int], speech: [Int], conditioning: T3Conditioning) throws -> [Tensor] {
        precondition(!speech.isEmpty, "speech of at least one token")
        let prompt = try prompt(text: text, conditioning: conditioning, guidance: false)
        let textEnd = prompt.size(1) - configuration.startTokens, first = prompt.size(1) - 1
        let spoken = try embedded(speech: Tensor(speech, shape: [1, speech.count], device: device), from: [1])
        let inputs = try Tensor.cat([prompt, spoken.narrow(axis: 1, from: 0, count: speech.count - 1)], axis: 1)
        let survey = AttentionSurvey(text: textEnd - text.count..<textEnd, speech: first..<first + speech.count)
        _ = try backbone(inputs, memory: survey)
        return try survey.layers.map { try $0.select(axis: 0, 0) }
    }
}
