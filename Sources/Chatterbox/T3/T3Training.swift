import Torch

extension T3 {
    /// How unlikely the model finds given speech and text, differentiable in every weight.
    ///
    /// Every utterance lies in its row as decoding would put it: conditions, text, the start of speech as often as
    /// decoding has it, speech; what fills a row up comes last, where nothing sees it.
    ///
    /// - Parameters:
    ///   - text: framed text tokens of each utterance.
    ///   - speech: speech tokens of each, without start and stop.
    ///   - heard: what the model hears of them as it tells the next, as many tokens for each; the tokens themselves when nil.
    ///   - conditioning: of as many as the texts, or of one for all.
    ///   - textShown: which utterances hear their text; the others keep its positions only, as the second row of
    ///     classifier-free guidance does. All when nil.
    ///   - guided: whether to tell how far some heads' attention is from the diagonal between speech and text.
    /// - Returns: mean cross-entropies in nats, the share of speech tokens that were likeliest, and where `guided` the loss
    ///   of attention off the diagonal.
    /// - Throws: what `logits` throws.
    public func loss(
        text: [[Int]], speech: [[Int]], heard: [[Int]]? = nil, conditioning: T3Conditioning, textShown: [Bool]? = nil,
        guided: Bool = false
    ) throws -> (text: Tensor, speech: Tensor, accuracy: Tensor, alignment: Tensor?) {
        precondition(text.count == speech.count && !text.isEmpty, "as many texts as utterances of speech, at least one")
        let heard = heard ?? speech
        precondition(heard.map(\.count) == speech.map(\.count), "something heard for every token")
        let rows = text.count, size = configuration.backbone.hiddenSize
        func padded(_ lists: [[Int]], with filler: Int) throws -> Tensor {
            let longest = lists.map(\.count).max()!
            return try Tensor(
                lists.flatMap { $0 + Array(repeating: filler, count: longest - $0.count) }, shape: [rows, longest], device: device)
        }
        var conditions = try embedded(conditioning)
        if conditions.size(0) != rows { conditions = try conditions.expanded([rows, conditions.size(1), size]) }
        var words = try textEmbedding(padded(text, with: configuration.stopText))
        if let textShown { words = try words * Tensor(textShown.map { $0 ? 1 : 0 }, shape: [rows, 1, 1], device: device).to(dtype) }
        words = try textPositions.map { try words + $0(from: [0], count: words.size(1)) } ?? words
        let spoken = try embedded(speech: padded(heard.map { [configuration.startSpeech] + $0 }, with: configuration.stopSpeech), from: [0])
        let starts = configuration.style == .chatterbox ? 1 : 0
        let all = try Tensor.cat([conditions, words] + Array(repeating: spoken.narrow(axis: 1, from: 0, count: 1), count: starts) + [spoken], axis: 1)

        // Where in `all` each row's inputs are, one after the other.
        let (before, textEnd, width) = (conditions.size(1), conditions.size(1) + words.size(1), all.size(1))
        let places = (0..<rows).map { (row: Int) -> [Int] in
            Array(0..<before + text[row].count) + Array(textEnd..<textEnd + starts + 1 + speech[row].count)
        }
        let longest = places.map(\.count).max()!
        let order = places.enumerated().flatMap { (row: Int, places: [Int]) -> [Int] in
            let filled = places + Array(repeating: places[places.count - 1], count: longest - places.count)
            return filled.map { row * width + $0 }
        }
        let inputs = try all.reshaped([rows * width, size]).indexSelect(axis: 0, Tensor(order, device: device)).reshaped([rows, longest, size])
        let guide: GuidedAttention? = !guided ? nil : try GuidedAttention((0..<rows).map { (row: Int) -> GuidedAttention.Row in
            let speechStart = before + text[row].count + starts
            return GuidedAttention.Row(
                text: before..<before + text[row].count, speech: speechStart..<speechStart + speech[row].count + 1,
                isGuided: textShown?[row] ?? true)
        }, positions: longest, device: device)
        let states = try guide.map { try backbone(inputs, memory: $0) } ?? backbone(inputs, memory: WholeSequence())
        let hidden = try states.reshaped([rows * longest, size])

        // Speech is told from its start on, text from its first token on where it is shown.
        let speechPlaces = (0..<rows).flatMap { (row: Int) -> [Int] in
            let first = row * longest + before + text[row].count + starts
            return Array(first...first + speech[row].count)
        }
        let speechTargets = try Tensor(speech.flatMap { $0 + [configuration.stopSpeech] }, device: device)
        let speechLogits = try speechHead(hidden.indexSelect(axis: 0, Tensor(speechPlaces, device: device))).to(.float32)
        let shown = (0..<rows).filter { textShown?[$0] ?? true }
        let textPlaces = shown.flatMap { (row: Int) -> [Int] in
            let first = row * longest + before
            return Array(first..<first + text[row].count - 1)
        }
        func textLoss() throws -> Tensor {
            guard !textPlaces.isEmpty else { return try .zeros([], device: device) }
            let logits = try textHead(hidden.indexSelect(axis: 0, Tensor(textPlaces, device: device)))
            return try logits.to(.float32).crossEntropy(Tensor(shown.flatMap { text[$0].dropFirst() }, device: device))
        }
        return (
            try textLoss(), try speechLogits.crossEntropy(speechTargets),
            try speechLogits.detached().argmax(axis: -1).equal(to: speechTargets).to(.float32).mean(),
            try guide?.loss()
        )
    }
}
