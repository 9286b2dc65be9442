import Kernels
import Torch

/// Draws the tokens of one request one by one until the model stops or the token limit is reached.
///
/// ```swift
/// let decoder = try T3Decoder(engine: engine, text: tokens, conditioning: voice, generator: Generator(seed: 1))
/// while let token = try decoder.next() { … }
/// ```
/// A decoder contains a request's state and computes nothing by itself: ``advance(_:rows:)`` computes the next positions of several decoders
/// together, positions of the text for some and of tokens for others. The memory of a request is freed when it ends or is released. Wrap the calls in
/// `withoutGradients`.
package final class T3Decoder {
    /// The speech tokens so far, without start and stop.
    package private(set) var tokens: [Int] = []
    /// Why there are no further tokens; nil while there may be.
    package private(set) var end: DecodingEnd?
    /// The largest number of tokens that this request may draw.
    package let budget: Int
    /// Attention of the recorded heads, one step for each token and, after a stop, one more; nil if none is recorded.
    package let attention: AttentionRecorder?
    /// The largest number of positions of all of the request's sequences together.
    let positions: Int
    /// The number of the request's sequences: two with guidance.
    let sequenceCount: Int
    /// Tokens that are never drawn. For measurements: models with random weights draw control tokens, which make no sound, as often as others.
    package var excludedTokens: Range<Int>?

    private let engine: any DecodeEngine
    private let earliestStop: Int
    private let loopGuard: LoopGuard?
    private let sampler: SpeechTokenSampler
    /// The stored rows with which all texts in the voice begin; nil if ``prompt`` contains them.
    private let prefix: DecodePrefix?
    /// One for each row; empty before they are needed, and after the end.
    private var sequences: [DecodeSequence] = []
    /// The inputs before the first token, `[rows, time, hidden]`; `promptPositions` is the number of positions computed so far.
    private var prompt: Tensor?
    private var promptPositions = 0
    /// After the last position, `[rows, vocabulary]`, until a token is drawn from them.
    private var logits: Tensor?

    /// Checks the request and embeds its text.
    ///
    /// - Parameters:
    ///   - engine: the engine; its capacity must suffice for the request.
    ///   - text: text tokens with start and stop tokens, from `T3Configuration.framed(_:)`.
    ///   - conditioning: the conditions of the voice.
    ///   - adaptation: the adapters, for an engine with packed weights.
    ///   - options: the sampling options.
    ///   - budget: the largest number of tokens to draw; upstream's is 1000, 40 seconds.
    ///   - earliestStop: the number of tokens that are drawn before the stop token is possible; upstream's is 0.
    ///   - loopGuard: ends speech that repeats itself; nil, as in upstream, to allow it.
    ///   - heads: the heads whose attention to the text is recorded, in the row with text.
    ///   - generator: on the CPU, or on the engine's device; one draw for each token.
    /// - Throws: `T3Error` if the request exceeds the limits of the model or the engine.
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
        // If the engine has a limited number of slots, they are taken at once.
        if prefix == nil { sequences = try (0..<prompt.size(0)).map { _ in try engine.begin(with: adaptation) } }
        sequences.first?.recorder = attention
        self.prompt = prompt
    }

    // MARK: drawing

    /// Draws the next token; nil after the end, when `end` is set.
    ///
    /// - Throws: `CancellationError` if the task is cancelled, and errors of the engine.
    package func next() throws -> Int? {
        guard end == nil else { return nil }
        try Task.checkCancellation()
        while !isReady { try Self.advance([self]) }
        return try Self.draw([self])[0]
    }

    /// Whether the logits of the next token have been computed.
    package var isReady: Bool { logits != nil }

    /// Draws the next tokens of decoders of one model whose logits have been computed, in one call.
    ///
    /// - Returns: the token of each decoder; nil if the model stops.
    @discardableResult
    package static func draw(_ decoders: [T3Decoder]) throws -> [Int?] {
        let drawn = try SpeechTokenSampler.draw(
            try decoders.map {
                SpeechTokenSampler.Row($0.sampler, logits: try $0.allowedLogits(), rulingOut: $0.tokens.count < $0.earliestStop ? $0.stopToken : nil)
            })
        return zip(decoders, drawn).map { $0.take($1) }
    }

    private func allowedLogits() throws -> Tensor { try excludedTokens.map { try logits!.ruling(out: $0) } ?? logits! }

    /// How many of the tokens so far are final: the tokens of a current repetition may be removed.
    var certainCount: Int { tokens.count - (end == nil ? loopGuard?.atRisk(in: tokens) ?? 0 : 0) }

    private var stopToken: Int { engine.model.configuration.stopSpeech }

    /// Stores a token that was drawn.
    ///
    /// - Returns: nil if the model stops.
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

    /// Computes new positions of those decoders that have no logits yet, in one call of their common engine: one token for each decoder that draws
    /// tokens, and for the others as many positions before the first token as there is room for.
    ///
    /// - Parameters:
    ///   - decoders: decoders of one engine; those that have logits or have ended are skipped.
    ///   - rows: the largest number of positions before first tokens; nil for the engine's limit.
    package static func advance(_ decoders: [T3Decoder], rows: Int? = nil) throws {
        let waiting = decoders.filter { $0.end == nil && $0.logits == nil }
        guard let engine = waiting.first?.engine else { return }
        precondition(waiting.allSatisfy { $0.engine === engine }, "decoders of different engines cannot step together")
        var stretches: [DecodeStretch] = []
        // The decoders that get logits, in the stretches' order, and those whose prompt has advanced.
        var owners: [T3Decoder] = [], prompted: [(decoder: T3Decoder, positions: Int)] = []
        for decoder in waiting where decoder.prompt == nil {
            stretches += decoder.step
            owners.append(decoder)
        }
        precondition(stretches.count < engine.rows, "fewer requests than the engine has rows")
        var capacity = engine.rows == .max ? Int.max : engine.rows - stretches.count
        if let rows { capacity = min(capacity, max(rows, 2)) }
        var prefixes: Set<ObjectIdentifier> = []
        for decoder in waiting where decoder.prompt != nil && capacity >= 2 {
            if let prefix = decoder.prefix, !prefix.isComplete {
                // Decoders with the same voice wait for the first of them.
                guard prefixes.insert(ObjectIdentifier(prefix)).inserted, let stretch = try prefix.next(capacity) else { continue }
                stretches.append(stretch)
                capacity -= stretch.count
                continue
            }
            let parts = try decoder.nextOfPrompt(capacity)
            stretches += parts
            capacity -= parts.reduce(0) { $0 + $1.count }
            prompted.append((decoder, parts[0].count))
            if parts[0].isWanted { owners.append(decoder) }
        }
        // If this fails, no decoder has changed.
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

    /// The next positions before the first token, for each row, at most this many in all.
    private func nextOfPrompt(_ capacity: Int) throws -> [DecodeStretch] {
        let prompt = self.prompt!, rows = prompt.size(0)
        if sequences.isEmpty, let prefix {
            sequences = try (0..<rows).map { _ in try engine.begin(after: prefix) }
            sequences[0].recorder = attention
        }
        let count = min(max(1, capacity / rows), prompt.size(1) - promptPositions)
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
    /// Refuses a request for which the model has not enough positions or no embeddings.
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

/// Detects speech that repeats itself: the same few tokens again and again.
///
/// In a long silence one token is repeated, too, so that only a repetition of several seconds counts.
package struct LoopGuard: Sendable, Hashable {
    /// The number of tokens that a repetition must span; 25 are a second.
    package let span: Int
    /// The longest period that is detected, in tokens.
    package let longestPeriod: Int

    package init(span: Int = 75, longestPeriod: Int = 25) {
        precondition(longestPeriod >= 1 && span >= 2 * longestPeriod, "a loop can be detected only after two repetitions")
        self.span = span
        self.longestPeriod = longestPeriod
    }

    /// How many of the last tokens only repeat those before them; 0 if speech does not repeat itself.
    package func repeated(in tokens: [Int]) -> Int {
        guard tokens.count >= span else { return 0 }
        let recent = tokens.suffix(span)
        let (start, end) = (recent.startIndex, recent.endIndex)
        for period in 1...longestPeriod where (start + period..<end).allSatisfy({ recent[$0] == recent[$0 - period] }) {
            return span - period
        }
        return 0
    }

    /// How many of the last tokens may be removed if the current repetition continues; earlier ones are final.
    package func atRisk(in tokens: [Int]) -> Int {
        (1...longestPeriod).reduce(0) { most, period in
            var run = 0
            while tokens.count - run > period, tokens[tokens.count - 1 - run] == tokens[tokens.count - 1 - run - period] { run += 1 }
            return max(most, run)
        }
    }
}

/// The largest plausible number of tokens for a text, 25 a second: one and a half times as long as slow speech, plus two seconds for pauses.
func speechBudget(for text: String) -> Int { Int((25 * (2 + 1.5 * slowSeconds(of: text))).rounded(.up)) }

/// The seconds that slow speech takes for a text: about 0.12 s for each letter; figures count as words, and a Chinese or Japanese character as one or
/// two syllables.
func slowSeconds(of text: String) -> Double {
    text.reduce(0.0) { total, character in
        if character.isNumber { return total + 0.5 }
        guard let scalar = character.unicodeScalars.first, !character.isASCII else { return total + 0.12 }
        return total + (scalar.value >= 0x2E80 ? 0.45 : 0.15)
    }
}
