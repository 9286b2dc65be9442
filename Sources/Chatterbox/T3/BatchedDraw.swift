import Torch

/// Draws the next tokens of many requests on a GPU in one batch of operations, whatever options each of them has.
///
/// Of several numbers libtorch draws the one with the largest p ÷ q, where q comes from an exponential distribution. Here q comes
/// from each request's own generator on the CPU, drawn while the GPU still computes the logits, and all rows' numbers go there in
/// one copy. So a seed means the same on every device, and a request draws the same alone and in company. On a CPU the tokens are
/// those of ``SpeechTokenSampler/probabilities(_:)`` and `multinomial`.
struct BatchedDraw {
    /// A request's part.
    struct Row {
        let options: SamplingOptions
        /// `[1, vocabulary]`, or with guidance `[2, vocabulary]`: with text and without.
        let logits: Tensor
        let ruledOut: Int?
        let numbers: Numbers
    }

    /// What a request brings to the device at each step: `[2, vocabulary]` on the CPU.
    struct Numbers {
        let tensor: Tensor
        private let vocabulary: Int

        init(vocabulary: Int) throws {
            self.vocabulary = vocabulary
            tensor = try .ones([2, vocabulary])
        }

        /// Draws what probabilities are divided by.
        func draw(from generator: Generator) throws {
            try tensor.select(axis: 0, 0).assign(.exponential([vocabulary], generator: generator))
        }

        /// Sets by how much a token's logit is made less likely.
        func setPenalty(_ penalty: Double, of token: Int) throws {
            try tensor.withElements(of: Float.self) { $0[vocabulary + token] = Float(penalty) }
        }
    }

    private let style: DecodingStyle
    private let rows: [Row]
    private let device: Device
    private var vocabulary: Int { rows[0].logits.size(1) }

    /// - Parameter rows: of one model; at least one.
    init(_ rows: [Row], style: DecodingStyle) {
        (self.rows, self.style, device) = (rows, style, rows[0].logits.device)
    }

    /// - Throws: ``T3Error/unusableLogits`` where a model gives no number.
    func callAsFunction() throws -> [Int] {
        // `[rows, 2, vocabulary]`.
        let numbers = try Tensor.stack(rows.map(\.numbers.tensor)).to(device)
        let logits = try guided(), penalties = try numbers.select(axis: 1, 1)
        let hasPenalties = rows.contains { $0.options.repetitionPenalty != 1 }
        func penalised(_ logits: Tensor) throws -> Tensor { try hasPenalties ? self.penalised(logits, by: penalties) : logits }
        var chosen = logits
        switch style {
        case .chatterbox:
            chosen = try heated(penalised(chosen))
            chosen = try keepingShares(chosen)
            chosen = try keepingNuclei(chosen)
        case .turbo:
            chosen = try keepingTop(heated(chosen))
            chosen = try penalised(keepingNuclei(chosen))
        }
        var scores = try chosen.softmax(axis: -1) / numbers.select(axis: 1, 0)
        if rows.contains(where: \.options.isGreedy) {
            let greedy = try column { $0.isGreedy ? 1 : 0 }.greater(than: 0)
            scores = try .select(greedy, penalised(logits), scores)
        }
        // In float32 every token's number is exact.
        let found = try Tensor.stack([scores.argmax(axis: 1).to(.float32), scores.max(axis: 1)]).array(of: Float.self)
        guard !found.contains(where: \.isNaN) else { throw T3Error.unusableLogits }
        return found.prefix(rows.count).map { Int($0) }
    }

    /// One number of each row, `[rows, 1]`.
    private func column(_ number: (SamplingOptions) -> Double) throws -> Tensor {
        try Tensor(rows.map { Float(number($0.options)) }, shape: [rows.count, 1], device: device)
    }

    /// `[rows, vocabulary]`, after guidance.
    private func guided() throws -> Tensor {
        func row(_ index: (Tensor) -> Int) throws -> Tensor {
            try Tensor.cat(rows.map { try $0.logits.narrow(axis: 0, from: index($0.logits), count: 1) }).to(.float32)
        }
        var logits = try row { _ in 0 }
        if style == .chatterbox, rows.contains(where: { $0.logits.size(0) == 2 }) {
            let difference = try logits - row { $0.size(0) - 1 }
            logits = try logits + difference * column(\.guidance)
        }
        let ruledOut = rows.enumerated().compactMap { row, request in request.ruledOut.map { (row, $0) } }
        if !ruledOut.isEmpty {
            let places = try [Tensor(ruledOut.map(\.0), device: device), Tensor(ruledOut.map(\.1), device: device)]
            logits = try logits.indexPut(places, .full([ruledOut.count], -1e4, device: device))
        }
        return logits
    }

    private func penalised(_ logits: Tensor, by penalties: Tensor) throws -> Tensor {
        try .select(logits.less(than: 0), logits * penalties, logits / penalties)
    }

    private func heated(_ logits: Tensor) throws -> Tensor {
        guard rows.contains(where: { $0.options.temperature != 1 && !$0.options.isGreedy }) else { return logits }
        return try logits / column { $0.isGreedy ? 1 : $0.temperature }
    }

    private func keepingShares(_ logits: Tensor) throws -> Tensor {
        guard rows.contains(where: { $0.options.minP > 0 }) else { return logits }
        let probabilities = try logits.softmax(axis: -1)
        let thresholds = try probabilities.max(axis: -1, keepAxis: true) * column(\.minP)
        return try logits.maskedFill(probabilities.less(than: thresholds), -.infinity)
    }

    private func keepingNuclei(_ logits: Tensor) throws -> Tensor {
        guard rows.contains(where: { $0.options.topP < 1 }) else { return logits }
        let (ascending, order) = try logits.sorted(axis: -1, descending: false)
        // A row that keeps everything drops nothing, not even what has no chance.
        let tail = try ascending.softmax(axis: -1).cumsum(axis: -1).lessOrEqual(to: column { $0.topP < 1 ? 1 - $0.topP : -1 })
        try tail.narrow(axis: -1, from: vocabulary - 1, count: 1).fill(0)
        return try logits.maskedFill(tail.scatter(axis: -1, index: order, source: tail), -.infinity)
    }

    private func keepingTop(_ logits: Tensor) throws -> Tensor {
        let kept = rows.map { $0.options.isGreedy ? vocabulary : min($0.options.topK ?? vocabulary, vocabulary) }
        guard let fewest = kept.min(), fewest < vocabulary else { return logits }
        let most = kept.max()!, descending = try logits.topK(most, axis: -1).values
        let least =
            try fewest == most
            ? descending.narrow(axis: -1, from: most - 1, count: 1)
            : descending.gather(axis: 1, Tensor(kept.map { $0 - 1 }, shape: [rows.count, 1], device: device))
        return try logits.maskedFill(logits.less(than: least), -.infinity)
    }
}
