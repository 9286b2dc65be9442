import Torch

/// Speaks one text: draws speech tokens one by one until the model stops or the budget is spent.
///
/// ```swift
/// let decoder = try T3Decoder(engine: engine, text: tokens, conditioning: voice, generator: Generator(seed: 1))
/// while let token = try decoder.next() { … }
/// ```
/// Several decoders over one engine take their steps together when `advance(_:)` is called before each draws its token.
/// The request's slots are given back when it ends, fails or is dropped. Wrap the calls in `withoutGradients`.
public final class T3Decoder {
    /// The speech tokens so far, without start and stop.
    public private(set) var tokens: [Int] = []
    /// Why there are no further tokens; `nil` while there may be.
    public private(set) var end: DecodingEnd?
    /// Most tokens that this request may draw.
    public let budget: Int
    /// What the heads asked for attended to, one step for each token and, after a stop, one more; nil where none were.
    public let attention: AttentionRecorder?
    /// Tokens that are never drawn. For measuring: random weights draw control tokens, which make no sound, as often as others.
    package var excludedTokens: Range<Int>?

    private let engine: any DecodeEngine
    private let earliestStop: Int
    private let loopGuard: LoopGuard?
    private let sampler: SpeechTokenSampler
    private var slots: Range<Int>
    private var logits: Tensor?

    /// Checks the request, and computes everything before the first token.
    ///
    /// - Parameters:
    ///   - text: text tokens as `T3Configuration.framed(_:)` frames them.
    ///   - budget: most tokens to draw; upstream's is 1000, 40 seconds.
    ///   - earliestStop: tokens that are drawn before the stop token can be; upstream's is 0.
    ///   - loopGuard: ends speech that goes round in a circle; nil, as upstream, lets it.
    ///   - heads: whose attention over the text is recorded, that of the guided row.
    ///   - generator: on the engine's device; one draw a token.
    /// - Throws: `T3Error` when the request does not fit the model or the engine.
    public init(
        engine: any DecodeEngine, text: [Int], conditioning: T3Conditioning,
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
            startToken: configuration.startSpeech, generator: generator, device: model.device,
            team: engine.team)
        let prompt = try model.prompt(text: text, conditioning: conditioning, guidance: guidance)
        let longest = prompt.size(1) + budget - 1
        let limit = min(engine.capacity, configuration.longestSequence)
        guard longest <= limit else { throw T3Error.sequenceTooLong(positions: longest, limit: limit) }
        let textEnd = prompt.size(1) - configuration.startTokens
        attention = heads.isEmpty ? nil : AttentionRecorder(heads, positions: textEnd - text.count..<textEnd)
        slots = try engine.reserve(guidance ? 2 : 1)
        if let attention { engine.record(attention, slot: slots.lowerBound) }
        logits = try engine.prefill(prompt, slots: slots)
    }

    deinit {
        engine.release(slots)
    }

    /// Draws the next token; `nil` once `end` says why there is none.
    ///
    /// - Throws: `CancellationError` when the task is cancelled, and what the engine throws.
    public func next() throws -> Int? {
        guard end == nil else { return nil }
        try Task.checkCancellation()
        if logits == nil { try Self.advance([self]) }
        let stop = engine.model.configuration.stopSpeech
        let allowed = try excludedTokens.map { try logits!.ruling(out: $0) } ?? logits!
        let token = try sampler.draw(from: allowed, rulingOut: tokens.count < earliestStop ? stop : nil)
        logits = nil
        if token == stop {
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

    /// Computes, in one step of their common engine, the logits from which each unfinished decoder draws its next token.
    public static func advance(_ decoders: [T3Decoder]) throws {
        let waiting = decoders.filter { $0.end == nil && $0.logits == nil }
        guard let engine = waiting.first?.engine else { return }
        precondition(waiting.allSatisfy { $0.engine === engine }, "decoders of different engines cannot step together")
        var logits = try engine.step(waiting.flatMap(\.inputs))
        for decoder in waiting {
            let rows = decoder.slots.count
            decoder.logits = try logits.narrow(axis: 0, from: 0, count: rows)
            logits = try logits.narrow(axis: 0, from: rows, count: logits.size(0) - rows)
        }
    }

    /// The last token, once for each slot.
    private var inputs: [DecodeInput] {
        slots.map { DecodeInput(slot: $0, token: tokens[tokens.count - 1], position: tokens.count) }
    }

    private func finish(_ reason: DecodingEnd) {
        end = reason
        engine.release(slots)
        slots = slots.lowerBound..<slots.lowerBound
    }
}

/// Why speech ended, the best reason first.
public enum DecodingEnd: String, Sendable, Codable, CaseIterable, Comparable {
    /// The model drew its stop token.
    case stop
    /// The most tokens asked for are drawn.
    case budget
    /// The tokens went round in a circle, of which one round is kept.
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
