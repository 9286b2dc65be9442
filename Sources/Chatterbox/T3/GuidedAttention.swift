import Torch

/// A whole sequence whose first heads, in some layers, are pulled towards a diagonal between speech and text: early in
/// training it shows a model where in the text it is, which it would take long to find out (guided attention, Tachibana et
/// al. 2018).
final class GuidedAttention: AttentionMemory {
    let firstPositions = [0]
    /// How welcome attention from one position to another is, `[batch, 1, positions, positions]`, 0 to 1.
    private let welcome: Tensor
    /// 1 for positions that are guided, `[batch, 1, positions]`.
    private let guided: Tensor
    private let layers: ClosedRange<Int>
    private let heads: Int
    private var terms: [Tensor] = []

    /// Where in its row an utterance's text and speech lie.
    struct Row {
        var text, speech: Range<Int>
        var isGuided: Bool
    }

    /// - Parameters:
    ///   - positions: of the longest row.
    ///   - width: standard deviation of the diagonal, as a share of the text.
    init(_ rows: [Row], positions: Int, layers: ClosedRange<Int> = 1...2, heads: Int = 2, width: Double = 0.07, device: Device) throws {
        // Distances from the diagonal come from two small vectors a row: how far through its speech a position is, and
        // how far through the text another.
        var through = [Float](repeating: -10, count: rows.count * positions), along = [Float](repeating: 10, count: rows.count * positions)
        var mask = [Float](repeating: 0, count: rows.count * positions), scale = [Float](repeating: 1, count: rows.count)
        for (row, place) in rows.enumerated() {
            for (number, position) in place.speech.enumerated() {
                through[row * positions + position] = (Float(number) + 0.5) / Float(place.speech.count)
                mask[row * positions + position] = place.isGuided ? 1 : 0
            }
            for (number, position) in place.text.enumerated() {
                along[row * positions + position] = (Float(number) + 0.5) / Float(place.text.count)
            }
            // Short texts have few tokens: the band is at least one and a half of them wide.
            scale[row] = Float(1 / max(width, 1.5 / Double(place.text.count)))
        }
        let shape = [rows.count, 1, positions]
        let distance =
            try (Tensor(through, shape: shape).unsqueezed(3) - Tensor(along, shape: shape).unsqueezed(2))
            * Tensor(scale, shape: [rows.count, 1, 1, 1])
        welcome = try (distance.square() * -0.5).exp().to(device)
        guided = try Tensor(mask, shape: shape).to(device)
        self.layers = layers
        self.heads = heads
    }

    func attend(layer: Int, query: Tensor, key: Tensor, value: Tensor) throws -> Tensor {
        if layers.contains(layer) {
            let (q, k) = try (query.narrow(axis: 1, from: 0, count: heads), key.narrow(axis: 1, from: 0, count: heads))
            let scores = try q.matmul(k.transposed(2, 3)).to(.float32) / Double(query.size(3)).squareRoot()
            let hidden = try Tensor.ones([q.size(2), q.size(2)], device: q.device).triu(1).greater(than: 0)
            let attention = try scores.maskedFill(hidden, -.infinity).softmax(axis: -1)
            let mass = try (attention * welcome).sum(axis: -1)
            terms.append(try ((mass + 1e-3).log() * guided).sum() / (guided.sum().clamped(min: 1) * -Double(heads)))
        }
        return try query.attention(key: key, value: value, causal: true)
    }

    /// How little of the guided attention is on the diagonal: the mean of −log of the share, differentiable.
    func loss() throws -> Tensor { try terms.reduce(Tensor.zeros([], device: welcome.device)) { try $0 + $1 } / Double(max(1, terms.count)) }
}
