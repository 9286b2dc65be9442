import Torch

extension T3 {
    /// The same network, sharing its weights, with layers computed for training in the fastest way; equal up to rounding.
    package var forTraining: T3 {
        guard var backbone = backbone as? any Backbone & Adaptable else { return self }
        backbone.changeProjections { $1.isTrained = true }
        var trained = self
        trained.backbone = backbone
        return trained
    }

    /// The cross-entropy of given speech and text, differentiable by every weight.
    ///
    /// Each utterance is arranged in its row as in decoding: conditions, text, the start tokens of speech, speech; padding is at the end, where no
    /// position attends to it.
    ///
    /// - Parameters:
    ///   - text: the text tokens of each utterance, with start and stop tokens.
    ///   - speech: speech tokens of each, without start and stop.
    ///   - input: the speech tokens that the model gets as input, as many for each utterance; nil for the tokens themselves.
    ///   - conditioning: conditions of each text, or of one for all.
    ///   - textShown: which utterances get their text; the others get only its positions, like the second row of classifier-free guidance. nil for
    ///     all.
    ///   - guided: whether to return the distance of some heads' attention from the diagonal between speech and text.
    /// - Returns: mean cross-entropies in nats, the share of speech tokens that were the most likely, and with `guided` the loss of attention off the
    ///   diagonal.
    /// - Throws: errors of `logits`.
    package func loss(
        text: [[Int]], speech: [[Int]], input: [[Int]]? = nil, conditioning: T3Conditioning, textShown: [Bool]? = nil,
        guided: Bool = false
    ) throws -> (text: Tensor, speech: Tensor, accuracy: Tensor, alignment: Tensor?) {
        let layout = try TrainingLayout(self, text: text, speech: speech, input: input, conditioning: conditioning, textShown: textShown)
        let guide = !guided ? nil : try GuidedAttention(layout.guidedRows, positions: layout.longest, device: device)
        let states = try guide.map { try backbone(layout.inputs, memory: $0) } ?? backbone(layout.inputs, memory: WholeSequence())
        let ofSpeech = try speechLoss(of: states, layout)
        return (try textLoss(of: states, layout), ofSpeech.loss, ofSpeech.accuracy, try guide?.loss())
    }

    /// The cross-entropy of given speech alone, differentiable by every weight.
    ///
    /// - Parameters:
    ///   - text, speech, input, conditioning, textShown: as ``loss(text:speech:input:conditioning:textShown:guided:)``
    ///   - checkpoints: differentiate the loss, once; nil if all activations are stored. With them each layer is computed again in the backward
    ///     pass.
    /// - Returns: the mean cross-entropy in nats, and the share of tokens that were the most likely.
    /// - Throws: ``AdapterError/noLayers(backbone:)`` if the backbone cannot run single layers; `TorchError`.
    package func speechLoss(
        text: [[Int]], speech: [[Int]], input: [[Int]]? = nil, conditioning: T3Conditioning, textShown: [Bool]? = nil,
        checkpoints: ActivationCheckpoints? = nil
    ) throws -> (loss: Tensor, accuracy: Tensor) {
        let layout = try TrainingLayout(self, text: text, speech: speech, input: input, conditioning: conditioning, textShown: textShown)
        guard let checkpoints else { return try speechLoss(of: backbone(layout.inputs, memory: WholeSequence()), layout) }
        guard let backbone = backbone as? any LayeredBackbone else { throw AdapterError.noLayers(backbone: "\(type(of: backbone))") }
        var hidden = layout.inputs
        for layer in 0..<backbone.layerCount {
            hidden = try checkpoints.segment([hidden]) { [try backbone($0[0], layers: layer..<layer + 1, memory: WholeSequence())] }[0]
        }
        return try speechLoss(of: backbone.normalised(hidden), layout)
    }

    /// The mean cross-entropy of the speech and its stop token, and the share of tokens that were the most likely.
    fileprivate func speechLoss(of states: Tensor, _ layout: TrainingLayout) throws -> (loss: Tensor, accuracy: Tensor) {
        let hidden = try states.reshaped([-1, states.size(2)])
        let logits = try speechHead.forTraining(hidden.indexSelect(axis: 0, Tensor(layout.speechPlaces, device: device))).to(.float32)
        let targets = try Tensor(layout.speechTargets, device: device)
        return (
            try logits.crossEntropy(targets), try logits.detached().argmax(axis: -1).equal(to: targets).to(.float32).mean()
        )
    }

    private func textLoss(of states: Tensor, _ layout: TrainingLayout) throws -> Tensor {
        guard !layout.textPlaces.isEmpty else { return try .zeros([], device: device) }
        let hidden = try states.reshaped([-1, states.size(2)])
        let logits = try textHead.forTraining(hidden.indexSelect(axis: 0, Tensor(layout.textPlaces, device: device)))
        return try logits.to(.float32).crossEntropy(Tensor(layout.textTargets, device: device))
    }
}

/// A batch in training: each utterance is arranged in its row as in decoding.
private struct TrainingLayout {
    /// `[rows, longest, hidden]`.
    let inputs: Tensor
    let longest: Int
    /// The positions among those of all rows from which speech is predicted, and the tokens to predict; the same for text if it is shown.
    let speechPlaces, speechTargets, textPlaces, textTargets: [Int]
    let guidedRows: [GuidedAttention.Row]

    init(
        _ model: T3, text: [[Int]], speech: [[Int]], input: [[Int]]?, conditioning: T3Conditioning, textShown: [Bool]?
    ) throws {
        precondition(text.count == speech.count && !text.isEmpty, "as many texts as utterances of speech, at least one")
        let input = input ?? speech, (configuration, device) = (model.configuration, model.device)
        precondition(input.map(\.count) == speech.map(\.count), "one input token for each target token")
        let rows = text.count, size = configuration.backbone.hiddenSize
        func padded(_ lists: [[Int]], with filler: Int) throws -> Tensor {
            let longest = lists.map(\.count).max()!
            return try Tensor(
                lists.flatMap { $0 + Array(repeating: filler, count: longest - $0.count) }, shape: [rows, longest], device: device)
        }
        var conditions = try model.embedded(conditioning)
        if conditions.size(0) != rows { conditions = try conditions.expanded([rows, conditions.size(1), size]) }
        var words = try model.textEmbedding(padded(text, with: configuration.stopText))
        if let textShown { words = try words * Tensor(textShown.map { $0 ? 1 : 0 }, shape: [rows, 1, 1], device: device).to(model.dtype) }
        words = try model.textPositions.map { try words + $0(from: [0], count: words.size(1)) } ?? words
        let spoken = try model.embedded(speech: padded(input.map { [configuration.startSpeech] + $0 }, with: configuration.stopSpeech), from: [0])
        let starts = configuration.style == .chatterbox ? 1 : 0
        let all = try Tensor.cat(
            [conditions, words] + Array(repeating: spoken.narrow(axis: 1, from: 0, count: 1), count: starts) + [spoken], axis: 1)

        // The indices in `all` of each row's inputs, one after the other.
        let (before, textEnd, width) = (conditions.size(1), conditions.size(1) + words.size(1), all.size(1))
        let places = (0..<rows).map { (row: Int) -> [Int] in
            Array(0..<before + text[row].count) + Array(textEnd..<textEnd + starts + 1 + speech[row].count)
        }
        let longest = places.map(\.count).max()!
        let order = places.enumerated().flatMap { (row: Int, places: [Int]) -> [Int] in
            let filled = places + Array(repeating: places[places.count - 1], count: longest - places.count)
            return filled.map { row * width + $0 }
        }
        inputs = try all.reshaped([rows * width, size]).indexSelect(axis: 0, Tensor(order, device: device)).reshaped([rows, longest, size])
        self.longest = longest

        // Speech is predicted from its start token on, text from its first token on if it is shown.
        speechPlaces = (0..<rows).flatMap { (row: Int) -> [Int] in
            let first = row * longest + before + text[row].count + starts
            return Array(first...first + speech[row].count)
        }
        speechTargets = speech.flatMap { $0 + [configuration.stopSpeech] }
        let shown = (0..<rows).filter { textShown?[$0] ?? true }
        textPlaces = shown.flatMap { (row: Int) -> [Int] in
            let first = row * longest + before
            return Array(first..<first + text[row].count - 1)
        }
        textTargets = shown.flatMap { text[$0].dropFirst() }
        guidedRows = (0..<rows).map { (row: Int) -> GuidedAttention.Row in
            let speechStart = before + text[row].count + starts
            return GuidedAttention.Row(
                text: before..<before + text[row].count, speech: speechStart..<speechStart + speech[row].count + 1,
                isGuided: textShown?[row] ?? true)
        }
    }
}

/// A whole sequence in which the first heads of some layers are trained towards a diagonal between speech and text. Early in training this shows the
/// model its position in the text, which it would otherwise learn slowly (guided attention, Tachibana et al. 2018).
final class GuidedAttention: AttentionMemory {
    let firstPositions = [0]
    /// The weight of attention from one position to another, `[batch, 1, positions, positions]`, 0 to 1.
    private let target: Tensor
    /// 1 for positions that are guided, `[batch, 1, positions]`.
    private let guided: Tensor
    private let layers: ClosedRange<Int>
    private let heads: Int
    private var terms: [Tensor] = []

    /// The positions of an utterance's text and speech in its row.
    struct Row {
        var text, speech: Range<Int>
        var isGuided: Bool
    }

    /// - Parameters:
    ///   - positions: the number of positions of the longest row.
    ///   - width: the standard deviation of the diagonal, as a share of the text.
    init(_ rows: [Row], positions: Int, layers: ClosedRange<Int> = 1...2, heads: Int = 2, width: Double = 0.07, device: Device) throws {
        // Distances from the diagonal are computed from two small vectors for each row: the relative position of a speech token in the speech, and of
        // a text token in the text.
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
            // For short texts with few tokens the band is at least one and a half tokens wide.
            scale[row] = Float(1 / max(width, 1.5 / Double(place.text.count)))
        }
        let shape = [rows.count, 1, positions]
        let distance =
            try (Tensor(through, shape: shape).unsqueezed(3) - Tensor(along, shape: shape).unsqueezed(2))
            * Tensor(scale, shape: [rows.count, 1, 1, 1])
        target = try (distance.square() * -0.5).exp().to(device)
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
            let mass = try (attention * target).sum(axis: -1)
            terms.append(try ((mass + 1e-3).log() * guided).sum() / (guided.sum().clamped(min: 1) * -Double(heads)))
        }
        return try query.attention(key: key, value: value, causal: true)
    }

    /// The mean of −log of the share of the guided attention that is on the diagonal, differentiable.
    func loss() throws -> Tensor { try terms.reduce(Tensor.zeros([], device: target.device)) { try $0 + $1 } / Double(max(1, terms.count)) }
}
