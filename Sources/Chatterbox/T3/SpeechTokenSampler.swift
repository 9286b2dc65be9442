import Kernels
import Torch

/// Draws one request's speech tokens from logits and remembers which it drew.
///
/// On CPU in float32 the draws are those of upstream's `T3.inference` and `T3.inference_turbo` with the same seed. With a
/// team of threads they are computed by a kernel, for all requests of a step in one call, and are the same: a draw that rounding
/// could decide is left to libtorch's operations. On a GPU they are computed in one batch (`BatchedDraw`), from numbers of a
/// generator on the CPU.
///
/// At temperature 0 nothing is drawn, and the generator stays as it is: the token is the likeliest after guidance and
/// repetition penalty, of equals the first. The other options choose among tokens to draw from and do not matter, for all
/// variants alike.
public final class SpeechTokenSampler {
    public let options: SamplingOptions
    private let style: DecodingStyle
    /// `[vocabulary]`: the tokens that the repetition penalty strikes, but for the latest changes.
    private let seen: Tensor
    private var changes: [(token: Int, isSeen: Bool)] = []
    private let generator: Generator
    private let kernel: (sampler: TokenSampler, team: ThreadTeam)?
    /// What goes to the device for draws in a batch.
    private let numbers: BatchedDraw.Numbers?
    /// Whether the numbers of the next draw are there: a batch that failed for another's sake is drawn again from the same ones.
    private var hasNumbers = false
    private var isFirst = true
    private let startToken: Int

    /// - Parameters:
    ///   - options: how tokens are drawn.
    ///   - style: in which order the options apply, and which of them.
    ///   - vocabulary: logits of a row.
    ///   - startToken: the start of speech, penalised like a token already drawn (in Turbo for the first draw only).
    ///   - generator: on the CPU, or on the device of the logits: then each draw is an operation of its own there.
    ///   - device: of the logits.
    ///   - team: threads that draw on the CPU; nil leaves all to libtorch.
    ///   - isBatched: whether draws are made in one batch with those of others; nil where generator and logits are not at one place.
    public init(
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

    /// Whether draws are made in one batch with those of others, as on a GPU.
    var drawsInBatch: Bool { numbers != nil }

    /// A request's turn in a step.
    public struct Row {
        let sampler: SpeechTokenSampler
        let logits: Tensor
        let ruledOut: Int?

        /// - Parameters:
        ///   - sampler: whose next token is drawn.
        ///   - logits: `[1, vocabulary]`, or with guidance `[2, vocabulary]`: with text and without.
        ///   - ruledOut: a token that cannot be drawn.
        public init(_ sampler: SpeechTokenSampler, logits: Tensor, rulingOut ruledOut: Int? = nil) {
            (self.sampler, self.logits, self.ruledOut) = (sampler, logits, ruledOut)
        }

        /// The same with the numbers of its next draw.
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
    public func draw(from logits: Tensor, rulingOut ruledOut: Int? = nil) throws -> Int {
        try Self.draw([Row(self, logits: logits, rulingOut: ruledOut)])[0]
    }

    /// Draws the next token of each of different requests of one model.
    public static func draw(_ rows: [Row]) throws -> [Int] {
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

    /// Lets the repetition penalty strike these tokens as if they had been drawn.
    func remember(_ tokens: [Int]) throws {
        for token in tokens { try mark(token, true) }
    }

    /// The token that is taken without drawing.
    private func likeliest(_ logits: Tensor) throws -> Int {
        try applyChanges()
        var logits = try logits.to(.float32)
        logits = style == .chatterbox && logits.size(0) == 2 ? try logits.guided(by: options.guidance) : try logits.select(axis: 0, 0)
        if options.repetitionPenalty != 1 { logits = try logits.penalised(seen, by: options.repetitionPenalty) }
        return try logits.argmax(axis: -1).item(Int.self)
    }

    /// The probabilities `[vocabulary]` that the next token is drawn from; at temperature 0 all of it is the likeliest's.
    public func probabilities(_ logits: Tensor) throws -> Tensor {
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

    /// Brings the tokens that the penalty strikes up to date.
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
