import SpeechAudio
import SpeechText
import Torch

/// Draws the speech tokens of a piece of text, and draws them again if something is wrong with them.
extension SpeechWork {
    /// Options that have no effect because of how the text is spoken.
    static func warnings(_ options: SpeechOptions, _ model: Model, _ judge: (any SpeechJudge)?) -> [SpeechWarning] {
        var warnings: [SpeechWarning] = []
        let way = drawsOnce(options, model)
        if options.weighsWords, takes(options, model) == 1 {
            warnings.append(
                SpeechWarning(
                    .ignoredOption, "takes is ignored: speech \(way ?? "with a given token limit") is sampled once", option: "takes"))
        }
        if judge != nil, let way {
            warnings.append(SpeechWarning(.ignoredOption, "judge is ignored: speech \(way) is sampled once", option: "judge"))
        }
        if options.splitting == .none, options.pauses != .standard {
            warnings.append(SpeechWarning(.ignoredOption, "pauses is ignored: an undivided text has no pieces", option: "pauses"))
        }
        return warnings
    }

    /// The kind of speech in which nothing is sampled again, for messages; nil for others.
    static func drawsOnce(_ options: SpeechOptions, _ model: Model) -> String? {
        if options.splitting == .none { return "of an undivided text" }
        if model.isExact { return "on the exact path" }
        if options.drawsOnlySound { return "for measuring" }
        return options.delivery == .chunks ? "in chunks" : nil
    }

    /// The largest number of takes of a piece.
    static func takes(_ options: SpeechOptions, _ model: Model) -> Int { drawsOnce(options, model) == nil ? options.mostTakes : 1 }

    /// One take of a piece.
    struct Drawn {
        let take: SpeechTake
        let decoder: T3Decoder
        /// The generator after drawing, from which the noise of flow and excitation is drawn next.
        let generator: Generator
        /// The sound, if it has already been computed.
        let samples: [Float]?
    }

    /// Draws a piece's tokens, again if something is wrong with them, and reports the best take. For a judge the sound of each take is computed.
    mutating func bestTake(
        _ tokens: [Int], of piece: TextPlan.Piece, _ clock: inout StageClock, _ onProgress: @escaping (SpeechProgress) -> Void
    ) throws -> Drawn {
        let seed = seeds.next(for: piece.text), takes = Self.takes(options, model)
        var best: Drawn?, first: SpeechProblem?, judged: [JudgedTake] = [], draws = 0
        while draws < takes {
            draws += 1
            let generator = try model.generator(seed: UtteranceSeeds.seed(seed, draw: draws))
            let decoder = try drawToEnd(tokens, of: piece, generator, &clock, onProgress)
            var take = SpeechTake(
                decoder.end, tokens: decoder.tokens.count, number: draws, text: piece.spoken,
                coverage: takes > 1 ? coverage(piece, tokens, decoder) : nil)
            var samples: [Float]?
            if let judge {
                samples = try sound(of: decoder, generator, voice(of: piece), &clock, onProgress)
                let transcript = try judge.words(in: Audio(samples: samples!, sampleRate: sampleRate), turn)
                finishing.report.stages.judging += clock.lap()
                let judgement = JudgedTake(transcript: transcript, errors: text.plan.wordErrors(of: piece, transcript: transcript))
                take.judged = judgement
                judged.append(judgement)
            }
            if draws == 1 { first = take.problem }
            if best.map({ take.isBetter(than: $0.take) }) ?? true {
                best = Drawn(take: take, decoder: decoder, generator: generator, samples: samples)
            }
            if take.isGood { break }
        }
        let kept = best!
        finishing.report.textTokens += tokens.count
        drawn = (kept.decoder.tokens.count, draws, kept.take.number, kept.decoder.end, judged)
        try note(kept.decoder)
        warn(kept.take.warning(piece.text, first: first, takes: takes))
        return kept
    }

    /// A piece's tokens.
    private mutating func drawToEnd(
        _ tokens: [Int], of piece: TextPlan.Piece, _ generator: Generator, _ clock: inout StageClock, _ onProgress: @escaping (SpeechProgress) -> Void
    ) throws -> T3Decoder {
        try model.offload?.enter()
        defer { model.offload?.exit() }
        let decoder = try makeDecoder(tokens, of: piece, generator, &clock)
        try draw(decoder, &clock, onProgress) { _ in false }
        return decoder
    }

    mutating func warn(_ warning: SpeechWarning?) {
        // If only tokens with sound are drawn, their number is the requested one.
        guard let warning, !finishing.report.warnings.contains(warning), !(options.drawsOnlySound && warning.kind == .cutShort) else { return }
        finishing.report.warnings.append(warning)
    }

    /// The share of a piece's words that were attended to.
    private func coverage(_ piece: TextPlan.Piece, _ tokens: [Int], _ decoder: T3Decoder) -> Double? {
        guard let attention = decoder.attention else { return nil }
        let owners = TokenWords(piece.spoken, pieces: tokens.map { model.tokenizer.piece(of: $0) ?? "" })
        return attention.coverage(owners.owners, words: owners.words.count)
    }

    /// Creates the decoder of a piece's speech tokens.
    mutating func makeDecoder(
        _ tokens: [Int], of piece: TextPlan.Piece, _ generator: Generator, _ clock: inout StageClock
    ) throws -> T3Decoder {
        let voice = voice(of: piece)
        let conditioning = try T3Conditioning(voice, dtype: model.dtype, exaggeration: options.exaggeration ?? 0.5)
        // The tokens of a piece are limited by the plausible length of its text; for undivided text, as in upstream, only by the caller's limit.
        let isGuarded = options.splitting != .none
        let limit = min(options.tokenLimit, model.configuration.t3.maximumSpeech)
        let budget = isGuarded ? min(limit, speechBudget(for: piece.spoken)) : limit
        let capacity = model.configuration.t3.prefixLength(text: tokens.count, prompt: voice.conditioningTokens.size(1)) + budget
        let engine =
            try turn.decodeEngine(of: model)
            ?? model.makeDecodeEngine(
                slots: model.configuration.t3.isGuided(by: sampling) ? 2 : 1, capacity: capacity, t3: adapters?.t3 ?? model.t3)
        let decoder = try T3Decoder(
            engine: engine, text: tokens, conditioning: conditioning, adaptation: adapters?.packed, options: sampling,
            budget: budget, earliestStop: model.variant.ending.earliestStop(after: tokens), loopGuard: isGuarded ? LoopGuard() : nil,
            recording: heads, generator: generator)
        if options.drawsOnlySound { decoder.excludedTokens = model.configuration.controlTokens }
        finishing.report.stages.prefill += clock.lap()
        return decoder
    }

    /// Draws until there are enough tokens, or to the end.
    mutating func draw(
        _ decoder: T3Decoder, _ clock: inout StageClock, _ onProgress: @escaping (SpeechProgress) -> Void,
        until isEnough: @escaping (T3Decoder) -> Bool
    ) throws {
        let before = tokensDone
        // The time until the first token is that of the prefill.
        let start = ContinuousClock.now, first = FirstDraw(), isBeginning = decoder.tokens.isEmpty
        try turn.draw(decoder, of: model, until: isEnough) {
            first.time = first.time ?? .now
            onProgress(.tokens(before + decoder.tokens.count))
        }
        let beforeFirst = isBeginning ? ((first.time ?? start) - start) / .seconds(1) : 0
        finishing.report.stages.prefill += beforeFirst
        finishing.report.stages.decode += max(0, clock.lap() - beforeFirst)
    }

    /// Reports a decoder that has ended.
    mutating func note(_ decoder: T3Decoder) throws {
        tokensDone += decoder.tokens.count
        finishing.report.speechTokens = tokensDone
        finishing.report.end = [finishing.report.end, decoder.end].compactMap(\.self).max()
        let stop = decoder.end == .stop && model.configuration.t3.style == .chatterbox ? [model.configuration.t3.stopSpeech] : []
        trace?("speech_tokens", try Tensor(decoder.tokens + stop, shape: [1, decoder.tokens.count + stop.count]))
    }

    /// A piece's words with times in its waveform; empty if no attention was recorded.
    func words(_ piece: TextPlan.Piece, _ tokens: [Int], _ decoder: T3Decoder) -> [SpokenWord] {
        guard options.wordTimes, let attention = decoder.attention else { return [] }
        let owners = TokenWords(piece.spoken, pieces: tokens.map { model.tokenizer.piece(of: $0) ?? "" })
        let frames = WordAlignment(owners: owners.owners, wordCount: owners.words.count)
            .frames(model.variant.ending.audible(in: decoder.tokens, model.configuration).map(attention.weights(at:)))
        return piece.written(owners.words).map { word in
            SpokenWord(
                text: word.text, start: frames[word.spoken.lowerBound].lowerBound / 25, end: frames[word.spoken.upperBound - 1].upperBound / 25)
        }
    }
}

extension T3Configuration {
    /// Warnings about options that the network does not support.
    func warnings(_ options: SpeechOptions) -> [SpeechWarning] {
        guard options.tokenLimit > maximumSpeech else { return [] }
        return [
            SpeechWarning(
                .tokenLimit, "maximumTokens is \(options.tokenLimit); this model makes \(maximumSpeech) speech tokens for a piece of text at most",
                option: "maximumTokens")
        ]
    }
}

/// When the first token of a text was drawn.
private final class FirstDraw {
    var time: ContinuousClock.Instant?
}
