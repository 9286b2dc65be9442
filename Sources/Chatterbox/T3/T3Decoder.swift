import Kernels
import Torch

/// The tokens of one request: draws them one by one until the model stops or the token limit is reached.
///
/// ```swift
/// let decoder = try T3Decoder(engine: engine, text: tokens, conditioning: voice, generator: Generator(seed: 1))
/// while let token = try decoder.next() { … }
/// ```
/// A decoder holds a request's state and computes nothing by itself: ``advance(_:rows:)`` computes the next positions of several
/// decoders at once, of the text of some and the tokens of others. The memory of a request goes back when it ends or is
/// dropped. Wrap the calls in `withoutGradients`.
package final class T3Decoder {
    /// The speech tokens so far, without start and stop.
    package private(set) var tokens: [Int] = []
    /// Why there are no further tokens; `nil` while there may be.
    package private(set) var end: DecodingEnd?
    /// Most tokens that this request may draw.
    package let budget: Int
    /// Attention of the recorded heads, one step for each token and, after a stop, one more; nil where none is recorded.
    package let attention: AttentionRecorder?
    /// Most positions that the request's sequences will have, together.
    let positions: Int
    /// Sequences that the request takes: with guidance two.
    let sequenceCount: Int
    /// Tokens that are never drawn. For measuring: random weights draw control tokens, which make no sound, as often as others.
    package var excludedTokens: Range<Int>?

    private let engine: any DecodeEngine
    private let earliestStop: Int
    private let loopGuard: LoopGuard?
    private let sampler: SpeechTokenSampler
    /// The rows that all texts in the voice begin with; nil where ``prompt`` has them.
    private let prefix: DecodePrefix?
    /// One for each row; none before there is a use for them, and none after the end.
    private var sequences: [DecodeSequence] = []
    /// What is still to be computed before the first token, `[rows, time, hidden]`, and how much of it is.
    private var prompt: Tensor?
    private var promptPositions = 0
    /// After the last position, `[rows, vocabulary]`, until a token is drawn from them.
    private var logits: Tensor?

    /// Checks the request and embeds its text.
    ///
    /// - Parameters:
    ///   - engine: what computes; its capacity must hold the request.
    ///   - text: text tokens as `T3Configuration.framed(_:)` frames them.
    ///   - conditioning: who speaks, and how.
    ///   - adaptation: what adapters add, for an engine of packed weights.
    ///   - options: how tokens are drawn.
    ///   - budget: most tokens to draw; upstream's is 1000, 40 seconds.
    ///   - earliestStop: tokens that are drawn before the stop token can be; upstream's is 0.
    ///   - loopGuard: ends speech that repeats itself; nil, as upstream, lets it.
    ///   - heads: whose attention over the text is recorded, that of the guided row.
    ///   - generator: on the CPU, or on the engine's device; one draw a token.
    /// - Throws: `T3Error` when the request does not fit the model or the engine.
    package init(
        engine: any DecodeEngine, text: [Int], conditioning: T3Conditioning, adaptation: PackedAdaptation? = nil,
        options: SamplingOptions = .chatterbox, budget: Int = 1000, earliestStop: Int = 0,
        loopGuard: LoopGuard? = nil, recording heads: [AttentionHead] = [], generator: Generator
    ) throws {
        let (model, configuration) = (engine.model, engine.model.configuration)
        try configuration.check(text: text, prompt: conditioning.prompt, budget: budget)
        let guidance = configuration.isGuided(by: options)
        self.engine = engine
        self.budget = budget
        self.earliestStop = earliestStop
        self.loopGuard = loopGuard
        sampler = try SpeechTokenSampler(
            options, style: configuration.style, vocabulary: configuration.speechVocabulary,
            startToken: configuration.startSpeech, generator: generator, device: model.device, team: engine.team)
        prefix = try engine.prefix(of: conditioning, with: adaptation)
        let prompt =
            try prefix == nil
            ? model.prompt(text: text, conditioning: conditioning, guidance: guidance) : model.prompt(text: text, guidance: guidance)
        let beginning = (prefix?.length ?? 0) + prompt.size(1)
        let longest = beginning + budget - 1
        let limit = min(engine.capacity, configuration.longestSequence)
        guard longest <= limit else { throw T3Error.sequenceTooLong(positions: longest, limit: limit) }
        (positions, sequenceCount) = (longest * prompt.size(0), prompt.size(0))
        let textEnd = beginning - configuration.startTokens
        attention = heads.isEmpty ? nil : AttentionRecorder(heads, positions: textEnd - text.count..<textEnd)
        // Places are taken at once where they can run out.
        if prefix == nil { sequences = try (0..<prompt.size(0)).map { _ in try engine.begin(with: adaptation) } }
        sequences.first?.recorder = attention
        self.prompt = prompt
    }

    // MARK: drawing

    /// Draws the next token; `nil` once `end` says why there is none.
    ///
    /// - Throws: `CancellationError` when the task is cancelled, and what the engine throws.
    package func next() throws -> Int? {
        guard end == nil else { return nil }
        try Task.checkCancellation()
        while !isReady { try Self.advance([self]) }
        return try Self.draw([self])[0]
    }

    /// Whether the logits of the next token are there.
    package var isReady: Bool { logits != nil }

    /// Draws the next tokens of decoders whose logits are there, of one model, in one call.
    ///
    /// - Returns: for each its token, nil where the model stops.
    @discardableResult
    package static func draw(_ decoders: [T3Decoder]) throws -> [Int?] {
        let drawn = try SpeechTokenSampler.draw(
            try decoders.map {
                SpeechTokenSampler.Row($0.sampler, logits: try $0.allowedLogits(), rulingOut: $0.tokens.count < $0.earliestStop ? $0.stopToken : nil)
            })
        return zip(decoders, drawn).map { $0.take($1) }
    }

    private func allowedLogits() throws -> Tensor { try excludedTokens.map { try logits!.ruling(out: $0) } ?? logits! }

    /// How many of the tokens so far stay whatever is drawn next: a repetition that runs now may be one to be cut.
    var certainCount: Int { tokens.count - (end == nil ? loopGuard?.atRisk(in: tokens) ?? 0 : 0) }

    private var stopToken: Int { engine.model.configuration.stopSpeech }

    /// Keeps a token that was drawn.
    ///
    /// - Returns: nil where the model stops.
    private func take(_ token: Int) -> Int? {
        logits = nil
        if token == stopToken {
            finish(.stop)
            return nil
        }
        tokens.append(token)
        if tokens.count == budget { finish(.budget) }
        if let repeated = loopGuard?.repeated(in: tokens), repeated > 0 {
            tokens.removeLast(repeated)
            finish(.loop)
        }
        return token
    }

    private func finish(_ reason: DecodingEnd) {
        end = reason
        sequences = []
    }

    // MARK: computing

    /// Computes new positions of those decoders that have no logits yet, in one call of their common engine: a token of each
    /// that draws them, and of the others as many positions of what stands before the first token as there is room for.
    ///
    /// - Parameters:
    ///   - decoders: all of one engine; those that have logits or have ended are passed over.
    ///   - rows: most positions for what stands before first tokens; nil takes as many as the engine does.
    package static func advance(_ decoders: [T3Decoder], rows: Int? = nil) throws {
        let waiting = decoders.filter { $0.end == nil && $0.logits == nil }
        guard let engine = waiting.first?.engine else { return }
        precondition(waiting.allSatisfy { $0.engine === engine }, "decoders of different engines cannot step together")
        var stretches: [DecodeStretch] = []
        // Who gets logits, in the stretches' order, and who got further with the prompt.
        var owners: [T3Decoder] = [], prompted: [(decoder: T3Decoder, positions: Int)] = []
        for decoder in waiting where decoder.prompt == nil {
            stretches += decoder.step
            owners.append(decoder)
        }
        precondition(stretches.count < engine.rows, "fewer requests than the engine has rows")
        var room = engine.rows == .max ? Int.max : engine.rows - stretches.count
        if let rows { room = min(room, max(rows, 2)) }
        var prefixes: Set<ObjectIdentifier> = []
        for decoder in waiting where decoder.prompt != nil && room >= 2 {
            if let prefix = decoder.prefix, !prefix.isComplete {
                // Who waits for the same voice waits for the first of them.
                guard prefixes.insert(ObjectIdentifier(prefix)).inserted, let stretch = try prefix.next(room) else { continue }
                stretches.append(stretch)
                room -= stretch.count
                continue
            }
            let parts = try decoder.nextOfPrompt(room)
            stretches += parts
            room -= parts.reduce(0) { $0 + $1.count }
            prompted.append((decoder, parts[0].count))
            if parts[0].isWanted { owners.append(decoder) }
        }
        // Nobody has changed if this fails.
        let logits = try engine.forward(stretches)
        for (decoder, positions) in prompted {
            decoder.promptPositions += positions
            if decoder.promptPositions == decoder.prompt?.size(1) { decoder.prompt = nil }
        }
        var row = 0
        for decoder in owners {
            let rows = decoder.sequences.count
            decoder.logits = try logits.narrow(axis: 0, from: row, count: rows)
            row += rows
        }
    }

    /// The last token, once for each row.
    private var step: [DecodeStretch] {
        sequences.map { DecodeStretch($0, .token(tokens[tokens.count - 1], position: tokens.count)) }
    }

    /// The next positions before the first token, for each row, at most so many in all.
    private func nextOfPrompt(_ room: Int) throws -> [DecodeStretch] {
        let prompt = self.prompt!, rows = prompt.size(0)
        if sequences.isEmpty, let prefix {
            sequences = try (0..<rows).map { _ in try engine.begin(after: prefix) }
            sequences[0].recorder = attention
        }
        let count = min(max(1, room / rows), prompt.size(1) - promptPositions)
        let isLast = promptPositions + count == prompt.size(1)
        return try (0..<rows).map { row in
            let inputs = try prompt.select(axis: 0, row).narrow(axis: 0, from: promptPositions, count: count)
            return DecodeStretch(sequences[row], .embedded(inputs), wanted: isLast)
        }
    }
}

/// Why speech ended, the best reason first.
public enum DecodingEnd: String, Sendable, Codable, CaseIterable, Comparable {
    /// The model drew its stop token.
    case stop
    /// The token limit was reached.
    case budget
    /// The tokens repeated themselves; one repetition is kept.
    case loop

    public static func < (a: DecodingEnd, b: DecodingEnd) -> Bool {
        allCases.firstIndex(of: a)! < allCases.firstIndex(of: b)!
    }
}

extension T3Configuration {
    /// Refuses what the model has no positions or embeddings for.
    func check(text: [Int], prompt: Tensor?, budget: Int) throws {
        guard !text.isEmpty else { throw T3Error.emptyText }
        if let unknown = text.first(where: { !(0..<textVocabulary).contains($0) }) {
            throw T3Error.unknownToken(unknown, of: "text", vocabulary: textVocabulary)
        }
        if style == .chatterbox, !(text.contains(startText) && text.contains(stopText)) {
            throw T3Error.unframedText(start: startText, stop: stopText)
        }
        if learnedPositions, text.count > textPositions {
            throw T3Error.textTooLong(tokens: text.count, limit: textPositions)
        }
        guard 1...maximumSpeech ~= budget else { throw T3Error.budgetOutOfRange(tokens: budget, limit: maximumSpeech) }
        guard let prompt = try prompt?.array(of: Int.self) else { return }
        if let unknown = prompt.first(where: { !(0..<speechVocabulary).contains($0) }) {
            throw T3Error.unknownToken(unknown, of: "prompt", vocabulary: speechVocabulary)
        }
        if learnedPositions, prompt.count > speechPositions {
            throw T3Error.promptTooLong(tokens: prompt.count, limit: speechPositions)
        }
    }
}

/// Notices that speech goes round in a circle: the same few tokens again and again.
///
/// A held silence repeats one token too, so a circle must last for seconds to count.
package struct LoopGuard: Sendable, Hashable {
    /// Tokens that a circle must span; 25 are a second.
    package let span: Int
    /// The longest circle that is noticed, in tokens.
    package let longestPeriod: Int

    package init(span: Int = 75, longestPeriod: Int = 25) {
        precondition(longestPeriod >= 1 && span >= 2 * longestPeriod, "a circle is seen when it comes round twice")
        self.span = span
        self.longestPeriod = longestPeriod
    }

    /// How many of the last tokens do nothing but repeat those before them; 0 where speech goes on.
    package func repeated(in tokens: [Int]) -> Int {
        guard tokens.count >= span else { return 0 }
        let recent = tokens.suffix(span)
        let (start, end) = (recent.startIndex, recent.endIndex)
        for period in 1...longestPeriod where (start + period..<end).allSatisfy({ recent[$0] == recent[$0 - period] }) {
            return span - period
        }
        return 0
    }

    /// How many of the last tokens may be taken back should a repetition that is running now go on; the others stay.
    package func atRisk(in tokens: [Int]) -> Int {
        (1...longestPeriod).reduce(0) { most, period in
            var run = 0
            while tokens.count - run > period, tokens[tokens.count - 1 - run] == tokens[tokens.count - 1 - run - period] { run += 1 }
            return max(most, run)
        }
    }
}

/// Most tokens that speaking a text can sensibly take, 25 a second: half as much again as slow speech, and two seconds for pauses.
func speechBudget(for text: String) -> Int { Int((25 * (2 + 1.5 * slowSeconds(of: text))).rounded(.up)) }

/// Seconds that slow speech takes for a text: about 0.12 s a letter; figures are words, and a character of Chinese or Japanese a syllable
/// or two.
func slowSeconds(of text: String) -> Double {
    text.reduce(0.0) { total, character in
        if character.isNumber { return total + 0.5 }
        guard let scalar = character.unicodeScalars.first, !character.isASCII else { return total + 0.12 }
        return total + (scalar.value >= 0x2E80 ? 0.45 : 0.15)
    }
}
