import Kernels
import Torch

/// Samples one request's speech tokens from logits, and stores which it has drawn.
///
/// On a CPU in float32 the tokens are those of upstream's `T3.inference` and `T3.inference_turbo` with the same seed. With threads, a kernel draws
/// for all requests of a step in one call, with the same result: a token where rounding could make a difference is drawn by libtorch's operations. On
/// a GPU the tokens are drawn in one batch (`BatchedDraw`), with numbers from a generator on the CPU.
///
/// At temperature 0 nothing is drawn, and the generator does not change: the token is the most likely one after guidance and repetition penalty, the
/// first of equals. The other options restrict the tokens from which one is drawn and have no effect, in all variants.
package final class SpeechTokenSampler {
    package let options: SamplingOptions
    private let style: DecodingStyle
    /// `[vocabulary]`: the tokens to which the repetition penalty applies, without the latest changes.
    private let seen: Tensor
    private var changes: [(token: Int, isSeen: Bool)] = []
    private let generator: Generator
    private let kernel: (sampler: TokenSampler, team: ThreadTeam)?
    /// The numbers that are copied to the device for draws in a batch.
    private let numbers: BatchedDraw.Numbers?
    /// Whether the numbers of the next draw exist: after a batch that failed because of another request, the same numbers are used again.
    private var hasNumbers = false
    private var isFirst = true
    private let startToken: Int

    /// - Parameters:
    ///   - options: the sampling options.
    ///   - style: which options apply, and in which order.
    ///   - vocabulary: the number of logits of a row.
    ///   - startToken: the start of speech, penalised like a token already drawn (in Turbo for the first draw only).
    ///   - generator: on the CPU, or on the device of the logits, where each draw is then a separate operation.
    ///   - device: the device of the logits.
    ///   - team: the threads that draw on the CPU; nil to use libtorch only.
    ///   - isBatched: whether draws are made in one batch with those of others; nil for true if generator and logits are on different devices.
    package init(
        _ options: SamplingOptions, style: DecodingStyle, vocabulary: Int, startToken: Int, generator: Generator,
        device: Device = .cpu, team: ThreadTeam? = nil, isBatched: Bool? = nil
    ) throws {
        self.options = options
        self.style = style
        self.generator = generator
        self.startToken = startToken
        seen = try Tensor.zeros([vocabulary], dtype: .bool, device: device)
        kernel = team.map { (TokenSampler(.init(options, style: style), vocabulary: vocabulary, generator: generator), $0) }
        numbers = try isBatched ?? (device != generator.device) ? BatchedDraw.Numbers(vocabulary: vocabulary) : nil
        try remember([startToken])
    }

    /// Whether draws are made in one batch with those of other requests, as on a GPU.
    var drawsInBatch: Bool { numbers != nil }

    /// One request in a step.
    package struct Row {
        let sampler: SpeechTokenSampler
        let logits: Tensor
        let ruledOut: Int?

        /// - Parameters:
        ///   - sampler: the sampler whose next token is drawn.
        ///   - logits: `[1, vocabulary]`, or with guidance `[2, vocabulary]`: with text and without.
        ///   - ruledOut: a token that cannot be drawn.
        package init(_ sampler: SpeechTokenSampler, logits: Tensor, rulingOut ruledOut: Int? = nil) {
            (self.sampler, self.logits, self.ruledOut) = (sampler, logits, ruledOut)
        }

        /// The same, with the numbers of its next draw.
        fileprivate func forBatch() throws -> BatchedDraw.Row {
            if !sampler.options.isGreedy, !sampler.hasNumbers { try sampler.numbers!.draw(from: sampler.generator) }
            sampler.hasNumbers = true
            return BatchedDraw.Row(options: sampler.options, logits: logits, ruledOut: ruledOut, numbers: sampler.numbers!)
        }
    }

    /// Draws the next token.
    ///
    /// - Parameters:
    ///   - logits: `[1, vocabulary]`, or with guidance `[2, vocabulary]`: with text and without.
    ///   - ruledOut: a token that cannot be drawn.
    package func draw(from logits: Tensor, rulingOut ruledOut: Int? = nil) throws -> Int {
        try Self.draw([Row(self, logits: logits, rulingOut: ruledOut)])[0]
    }

    /// Draws the next token of each of several requests of one model.
    package static func draw(_ rows: [Row]) throws -> [Int] {
        let fast = rows.indices.filter { rows[$0].sampler.kernel != nil }
        var tokens: [Int?] = Array(repeating: nil, count: rows.count)
        if let team = fast.first.flatMap({ rows[$0].sampler.kernel?.team }) {
            let drawn = try TokenSampler.draw(
                fast.map { TokenSampler.Row(rows[$0].sampler.kernel!.sampler, logits: rows[$0].logits, rulingOut: rows[$0].ruledOut) },
                team: team)
            for (index, token) in zip(fast, drawn) { tokens[index] = token }
        }
        let batched = rows.indices.filter { rows[$0].sampler.numbers != nil }
        if let first = batched.first {
            let drawn = try BatchedDraw(batched.map { try rows[$0].forBatch() }, style: rows[first].sampler.style)()
            for (index, token) in zip(batched, drawn) { tokens[index] = token }
        }
        return try zip(rows, tokens).map { row, token in
            let token = try token ?? row.sampler.drawByOperations(row.ruledOut.map { try row.logits.ruling(out: $0..<$0 + 1) } ?? row.logits)
            try row.sampler.finishDraw(of: token)
            return token
        }
    }

    private func drawByOperations(_ logits: Tensor) throws -> Int {
        options.isGreedy ? try likeliest(logits) : try probabilities(logits).multinomial(1, generator: generator).item(Int.self)
    }

    private func finishDraw(of token: Int) throws {
        if isFirst, style == .turbo { try mark(startToken, false) }
        (isFirst, hasNumbers) = (false, false)
        try remember([token])
    }

    /// Applies the repetition penalty to these tokens as if they had been drawn.
    func remember(_ tokens: [Int]) throws {
        for token in tokens { try mark(token, true) }
    }

    /// The token that is chosen without drawing.
    private func likeliest(_ logits: Tensor) throws -> Int {
        try applyChanges()
        var logits = try logits.to(.float32)
        logits = style == .chatterbox && logits.size(0) == 2 ? try logits.guided(by: options.guidance) : try logits.select(axis: 0, 0)
        if options.repetitionPenalty != 1 { logits = try logits.penalised(seen, by: options.repetitionPenalty) }
        return try logits.argmax(axis: -1).item(Int.self)
    }

    /// The probabilities `[vocabulary]` from which the next token is drawn; at temperature 0 the most likely token has probability 1.
    package func probabilities(_ logits: Tensor) throws -> Tensor {
        if options.isGreedy {
            let certain = try Tensor.zeros([logits.size(1)], device: logits.device)
            try certain.narrow(axis: 0, from: likeliest(logits), count: 1).fill(1)
            return certain
        }
        try applyChanges()
        var logits = try logits.to(.float32)
        switch style {
        case .chatterbox:
            logits = try logits.size(0) == 2 ? logits.guided(by: options.guidance) : logits.select(axis: 0, 0)
            if options.repetitionPenalty != 1 { logits = try logits.penalised(seen, by: options.repetitionPenalty) }
            if options.temperature != 1 { logits = try logits / options.temperature }
            if options.minP > 0 { logits = try logits.keepingShare(options.minP) }
            if options.topP < 1 { logits = try logits.keepingNucleus(options.topP) }
        case .turbo:
            logits = try logits.select(axis: 0, 0)
            if options.temperature != 1 { logits = try logits / options.temperature }
            if let topK = options.topK { logits = try logits.keepingTop(topK) }
            if options.topP < 1 { logits = try logits.keepingNucleus(options.topP) }
            if options.repetitionPenalty != 1 { logits = try logits.penalised(seen, by: options.repetitionPenalty) }
        }
        return try logits.softmax(axis: -1)
    }

    /// Updates the tokens to which the penalty applies.
    private func applyChanges() throws {
        for change in changes { try seen.narrow(axis: 0, from: change.token, count: 1).fill(change.isSeen ? 1 : 0) }
        changes.removeAll(keepingCapacity: true)
    }

    private func mark(_ token: Int, _ isSeen: Bool) throws {
        changes.append((token, isSeen))
        try numbers?.setPenalty(isSeen ? options.repetitionPenalty : 1, of: token)
        kernel?.sampler.mark(token, isSeen: isSeen)
    }
}

extension TokenSampler.Options {
    init(_ options: SamplingOptions, style: DecodingStyle) {
        let (guidance, penalty, temperature) = (options.guidance, options.repetitionPenalty, options.temperature)
        switch style {
        case .chatterbox:
            self.init(
                order: .penaltyFirst, guidance: guidance, repetitionPenalty: penalty, temperature: temperature, minP: options.minP,
                topP: options.topP)
        case .turbo:
            self.init(
                order: .penaltyLast, repetitionPenalty: penalty, temperature: temperature, topP: options.topP, topK: options.topK)
        }
    }
}

/// Draws the next tokens of many requests on a GPU in one batch of operations, with different options for each.
///
/// To draw one of several tokens, libtorch chooses the one with the largest p ÷ q, where q is exponentially distributed. Here q is drawn from each
/// request's own generator on the CPU, while the GPU computes the logits, and all rows' numbers are copied together. A seed therefore gives the same
/// numbers on every device, and a request draws the same tokens whether or not others run at the same time. On a CPU the tokens are those of
/// ``SpeechTokenSampler/probabilities(_:)`` and `multinomial`.
struct BatchedDraw {
    /// One request.
    struct Row {
        let options: SamplingOptions
        /// `[1, vocabulary]`, or with guidance `[2, vocabulary]`: with text and without.
        let logits: Tensor
        let ruledOut: Int?
        let numbers: Numbers
    }

    /// The numbers that a request needs on the device at each step: `[2, vocabulary]` on the CPU.
    struct Numbers {
        let tensor: Tensor
        private let vocabulary: Int

        init(vocabulary: Int) throws {
            self.vocabulary = vocabulary
            tensor = try .ones([2, vocabulary])
        }

        /// Draws the numbers by which probabilities are divided.
        func draw(from generator: Generator) throws {
            try tensor.select(axis: 0, 0).assign(.exponential([vocabulary], generator: generator))
        }

        /// Sets the penalty of a token.
        func setPenalty(_ penalty: Double, of token: Int) throws {
            try tensor.withElements(of: Float.self) { $0[vocabulary + token] = Float(penalty) }
        }
    }

    private let style: DecodingStyle
    private let rows: [Row]
    private let device: Device
    private var vocabulary: Int { rows[0].logits.size(1) }

    /// - Parameter rows: at least one, all of one model.
    init(_ rows: [Row], style: DecodingStyle) {
        (self.rows, self.style, device) = (rows, style, rows[0].logits.device)
    }

    /// - Throws: ``T3Error/unusableLogits`` if a model's logits are NaN or infinite.
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
        // Token numbers are exact in float32.
        let found = try Tensor.stack([scores.argmax(axis: 1).to(.float32), scores.max(axis: 1)]).array(of: Float.self)
        guard !found.contains(where: \.isNaN) else { throw T3Error.unusableLogits }
        return found.prefix(rows.count).map { Int($0) }
    }

    /// One option of each row, `[rows, 1]`.
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
        // A row with a top-p of 1 keeps everything, even tokens with probability 0.
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

/// The steps between logits and probabilities, with the arithmetic of the corresponding processors in transformers. All take and return the logits of
/// one token, `[vocabulary]`.
extension Tensor {
    /// Both rows' logits `[2, vocabulary]`, extrapolated from the second (without text) past the first.
    func guided(by weight: Double) throws -> Tensor {
        let (withText, without) = (try select(axis: 0, 0), try select(axis: 0, 1))
        return try withText + (withText - without) * weight
    }

    /// Rows of logits `[rows, vocabulary]` with some tokens ruled out; finite, so that guidance can compute differences.
    func ruling(out tokens: Range<Int>) throws -> Tensor {
        let logits = try clone()
        try logits.narrow(axis: 1, from: tokens.lowerBound, count: tokens.count).fill(-1e4)
        return logits
    }

    /// Tokens marked in `seen` `[vocabulary]` become less likely: positive logits shrink, negative ones grow.
    func penalised(_ seen: Tensor, by penalty: Double) throws -> Tensor {
        let penalised = try Tensor.select(less(than: 0), self * penalty, self / penalty)
        return try Tensor.select(seen, penalised, self)
    }

    /// Keeps only tokens that are at least `share` times as likely as the most likely one (Nguyen et al. 2024).
    func keepingShare(_ share: Double) throws -> Tensor {
        let probabilities = try softmax(axis: -1)
        let threshold = try probabilities.max(axis: -1, keepAxis: true) * share
        return try maskedFill(probabilities.less(than: threshold), -.infinity)
    }

    /// Keeps only the most likely tokens that together reach `probability` (Holtzman et al. 2020), at least one.
    func keepingNucleus(_ probability: Double) throws -> Tensor {
        let (ascending, order) = try sorted(axis: -1, descending: false)
        let tail = try ascending.softmax(axis: -1).cumsum(axis: -1).lessOrEqual(to: 1 - probability)
        try tail.narrow(axis: -1, from: count - 1, count: 1).fill(0)
        return try maskedFill(tail.scatter(axis: -1, index: order, source: tail), -.infinity)
    }

    /// Keeps only the `limit` most likely tokens, and those equal to the last of them.
    func keepingTop(_ limit: Int) throws -> Tensor {
        let kept = Swift.min(limit, count)
        let least = try topK(kept, axis: -1).values.narrow(axis: -1, from: kept - 1, count: 1)
        return try maskedFill(less(than: least), -.infinity)
    }
}
