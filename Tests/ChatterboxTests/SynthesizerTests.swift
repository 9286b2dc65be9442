import Foundation
import SpeechAudio
import SpeechText
import Synchronization
import TestSupport
import Testing
import Torch

@testable import Chatterbox

@Suite("Synthesizer", .standInModel) struct SynthesizerTests {
    let model: Model
    let synthesizer: Synthesizer

    init() throws {
        model = try Model.load(StandInModel.folder)
        synthesizer = Synthesizer(model)
    }

    /// Two pieces for the sentence splitter.
    static let twoPieces = [200, 200].map { String(repeating: "word ", count: $0 / 5).dropLast() + "." }.joined(separator: " ")

    private func options(seed: UInt64? = 7, tokens: Int = 12, _ splitting: SpeechOptions.Splitting = .none) throws -> SpeechOptions {
        SpeechOptions(steps: 2, maximumTokens: tokens, seed: seed, splitting: splitting)
    }

    private func voice(pitch: Double) throws -> Voice {
        try model.voiceAnalyzer.voice(from: StandInModel.buzz(seconds: 1, pitch: pitch))
    }

    @Test("speech ends where the model draws its stop token, and the report says so") func end() async throws {
        let speech = try await synthesizer.speak("One two.", voice: voice(pitch: 120), options: options(tokens: 100))
        #expect(speech.report.end == .stop)
        #expect(speech.report.speechTokens == 8)
        #expect(speech.audio.frames == 8 * 960)
        #expect(speech.audio.sampleRate == synthesizer.sampleRate)
        let stages = speech.report.stages
        #expect([stages.prefill, stages.decode, stages.flow, stages.vocoder].allSatisfy { $0 > 0 })
        #expect(stages.prefill + stages.decode + stages.flow + stages.vocoder <= speech.report.wallSeconds)
    }

    @Test("with only sound tokens drawn, the number of tokens determines the duration") func onlySound() async throws {
        var options = try options(tokens: 50)
        options.drawsOnlySound = true
        let speech = try await synthesizer.speak("One two.", voice: voice(pitch: 120), options: options)
        #expect(speech.report.end == .budget)
        #expect(speech.report.speechTokens == 50)
        #expect(speech.audio.duration == 2)
    }

    @Test("the same seed gives the same sound, another seed another") func seeds() async throws {
        let voice = try voice(pitch: 120)
        let first = try await synthesizer.speak("One two.", voice: voice, options: options())
        let again = try await synthesizer.speak("One two.", voice: voice, options: options())
        let other = try await synthesizer.speak("One two.", voice: voice, options: options(seed: 8))
        #expect(first.audio == again.audio)
        #expect(first.audio != other.audio)
        #expect(!first.audio.samples.isEmpty)
    }

    @Test("numbers are spoken as words, except with upstream's options") func normalisation() throws {
        func tokens(_ text: String, _ normalizes: Bool?, _ splitting: SpeechOptions.Splitting = .sentences) throws -> [Int] {
            let prepared = try PreparedText(text, model, SpeechOptions(splitting: splitting, normalizes: normalizes))
            return prepared.parts.flatMap { part in if case .piece(let piece) = part { prepared.tokens(of: piece) } else { [Int]() } }
        }
        let (written, said) = ("It is 2 ﬁne.", "It is two fine.")
        #expect(try tokens(written, nil) == tokens(said, false))
        #expect(try tokens(written, false) != tokens(said, false))
        #expect(try tokens(written, nil, .none) == tokens(written, false, .none))
        #expect(try tokens(written, true, .none) == tokens(said, false, .none))
        let exact = try Model.load(StandInModel.folder, compute: .exact)
        guard case .piece(let piece) = try PreparedText(written, exact, .standard).parts[0] else { return }
        #expect(piece.spoken == written)
    }

    @Test("a text that becomes too long in words is divided into more pieces") func longNumbers() throws {
        let text = Array(repeating: "1234567", count: 30).joined(separator: " ") + "."
        let prepared = try PreparedText(text, model, .standard)
        #expect(prepared.pieceCount > 1)
        let pieces = prepared.parts.compactMap { part in if case .piece(let piece) = part { piece.text } else { nil } }
        #expect(pieces.joined(separator: " ") == text)
    }

    private func pieces(_ text: String, _ options: SpeechOptions = .standard, speakers: Set<String> = []) throws -> [TextPlan.Piece] {
        try PreparedText(text, model, options, speakers: speakers).parts.compactMap { part in if case .piece(let piece) = part { piece } else { nil }
        }
    }

    @Test("markup is not spoken, and words refer to the written text") func markup() throws {
        let text = "# Title\n\n**Two** words &amp; `code` cost <sub alias=\"five\">5</sub> $3 today, said the man in the hat.\n\n```\nx = 1\n```\n"
        let prepared = try PreparedText(text, model, .standard)
        guard case .piece(let piece) = prepared.parts[0] else { return }
        #expect(piece.spoken == "Title. Two words and code cost five three dollars today, said the man in the hat.")
        #expect(prepared.warnings.map(\.kind) == [.codeLeftOut])
        let written = piece.written(piece.spoken.split(separator: " ").map(String.init)).map(\.text)
        #expect(written == ["Title", "Two", "words", "&", "code", "cost", "5", "$3", "today,", "said", "the", "man", "in", "the", "hat."])
        #expect(try pieces("**Two** words", SpeechOptions(normalizes: false)).map(\.spoken) == ["**Two** words"])
        #expect(try pieces("**Two** words", SpeechOptions(splitting: .none)).map(\.spoken) == ["**Two** words"])
        #expect(try pieces("**Two** words", SpeechOptions(splitting: .none, normalizes: true)).map(\.spoken) == ["Two words"])
    }

    @Test("silences and rates of a document are applied") func document() throws {
        let parts = try PreparedText(
            "<speak>One two three.<break time=\"2s\"/><prosody rate=\"slow\">Four five six.</prosody></speak>", model, .standard
        ).parts
        guard parts.count == 3, case .piece(let first) = parts[0], case .silence(2) = parts[1], case .piece(let second) = parts[2] else {
            Issue.record("\(parts)")
            return
        }
        #expect(first.spoken == "One two three." && first.manner.rate == 1 && first.pause == 0)
        #expect(second.spoken.trimmingSpaces() == "Four five six." && second.manner.rate == 0.8)
    }

    @Test("short neighbours are spoken together, with a pause where they meet") func neighbours() throws {
        let pieces = try pieces("\"No.\"\n\n\"Are you quite sure of that?\"\n\nHe was, and he went away without another word.")
        #expect(pieces.map(\.text) == ["\"No.\" \"Are you quite sure of that?\"", "He was, and he went away without another word."])
        #expect(pieces[0].joints.count == 1 && pieces[0].joints[0].pause == Pauses.standard(after: .paragraph))
        #expect(abs(pieces[0].joints[0].share - 5.0 / 34) < 0.02)
        #expect(pieces[0].pause == Pauses.standard(after: .paragraph) && pieces[1].joints.isEmpty)
        #expect(try self.pieces("Chapter One\n\nIt was a dark night.").map(\.spoken) == ["Chapter One. It was a dark night."])
        #expect(try self.pieces("It was a dark and stormy night indeed.\n\n\"No.\"").count == 1)
    }

    @Test("a lexicon's replacements are spoken, even if numbers are not normalised") func lexicon() throws {
        let lexicon = try Lexicon(tsv: "Nguyen\tWin\nGPT-4\tthe model\n")
        #expect(try pieces("Nguyen has GPT-4 and 2 more.", SpeechOptions(lexicon: lexicon)).map(\.spoken) == ["Win has the model and two more."])
        #expect(try pieces("Nguyen has 2.", SpeechOptions(splitting: .none, lexicon: lexicon)).map(\.spoken) == ["Win has 2."])
    }

    @Test("turns are separate pieces, and an unknown speaker is refused") func speakers() throws {
        let turns = try pieces("[ada] Hello to you all. [ben] Good [day] everybody.", speakers: ["ada", "ben"])
        #expect(turns.map(\.manner.speaker) == ["ada", "ben"])
        #expect(turns.map { $0.spoken.trimmingSpaces() } == ["Hello to you all.", "Good [day] everybody."])
        #expect(turns[0].pause == Pauses.standard(after: .sentence))
        #expect(throws: TextError.unknownSpeakers(["eve"], known: ["ada"])) { try pieces("<voice name=\"eve\">Hi</voice>", speakers: ["ada"]) }
        #expect(try pieces("[ada] Hello", SpeechOptions(normalizes: false), speakers: ["ada"]).map(\.manner.speaker) == ["ada"])
        #expect(throws: TextError.unknownSpeakers(["ben"], known: ["ada"])) { try pieces("[ada] Hello. [ben] Good morning.", speakers: ["ada"]) }
        #expect(throws: Never.self) { try pieces("[ada] Hello. [laugh] Good morning [sic] all.", speakers: ["ada"]) }
        #expect(throws: Never.self) { try pieces("Hello. [ben] Good morning.") }
    }

    @Test("each turn has its speaker's voice") func turns() async throws {
        let (ada, ben) = (try voice(pitch: 120), try voice(pitch: 220)), options = try options(.sentences)
        func speak(_ text: String, _ voice: Voice, _ voices: [String: Voice] = [:]) async throws -> [Float] {
            var samples: [Float] = []
            for try await chunk in synthesizer.chunks(for: SpeechRequest(text, voice: voice, voices: voices, options: options)) {
                samples += chunk.audio.samples
            }
            return samples
        }
        let both = try await speak("[ada] One two three four. [ben] One two three four.", ada, ["ada": ada, "ben": ben])
        let first = try await speak("One two three four.", ada)
        #expect(both.starts(with: first.dropLast(0)))
        let same = try await speak("[ada] One two three four. [ben] One two three four.", ada, ["ada": ada, "ben": ada])
        #expect(both != same && same.starts(with: first))
    }

    @Test(
        "speech that was cut or is too short is drawn again as often as requested, with a warning",
        arguments: [
            // The stand-in model ends after 8 tokens: too soon for a long text, and too late for a limit of 4.
            ("One two.", 3, 4, [SpeechWarning.Kind.ignoredOption, .cutShort], 1), ("One two.", 1, 4, [.cutShort], 1),
            ("One two.", nil, 4, [.cutShort], 1), ("One two.", nil, nil, [], 1),
            ("One two three four five six seven eight nine ten eleven twelve.", nil, nil, [.oddLength], 2),
            ("One two three four five six seven eight nine ten eleven twelve.", 4, nil, [.oddLength], 4),
            ("One two three four five six seven eight nine ten eleven twelve.", 1, nil, [], 1),
        ] as [(String, Int?, Int?, [SpeechWarning.Kind], Int)])
    func takes(text: String, takes: Int?, limit: Int?, warnings: [SpeechWarning.Kind], draws: Int) async throws {
        let count = Mutex(0), voice = try voice(pitch: 120)
        func speak(_ takes: Int?, _ splitting: SpeechOptions.Splitting = .sentences) async throws -> Speech {
            count.withLock { $0 = 0 }
            let options = SpeechOptions(steps: 1, maximumTokens: limit, seed: 7, watermark: false, splitting: splitting, takes: takes)
            return try await synthesizer.speak(text, voice: voice, options: options) { if $0 == .tokens(1) { count.withLock { $0 += 1 } } }
        }
        let speech = try await speak(takes)
        #expect(speech.report.warnings.map(\.kind) == warnings)
        #expect(count.withLock(\.self) == draws)
        #expect(speech.report.pieces.map(\.draws) == [draws] && speech.report.pieces.map(\.keptDraw) == [1])
        // All takes end alike here, so the first is kept.
        #expect(try await speech.audio == speak(1).audio)
        let whole = try await speak(takes, .none)
        #expect(count.withLock(\.self) == 1)
        #expect(whole.report.warnings.contains { $0.kind == .ignoredOption && $0.option == "takes" } == (takes ?? 1 > 1))
    }

    @Test(
        "a report has each piece's times, its takes and why it ended", arguments: [SpeechOptions.Delivery.utterances, .chunks],
        [1.0, 2])
    func pieces(delivery: SpeechOptions.Delivery, speed: Double) async throws {
        let options = SpeechOptions(steps: 1, seed: 7, watermark: false, delivery: delivery, speed: speed)
        let speech = try await synthesizer.speak(
            "One two three four five six.\n\nSeven eight nine ten eleven.", voice: voice(pitch: 120), options: options)
        let pieces = speech.report.pieces
        #expect(pieces.map(\.number) == [1, 2] && pieces.map(\.text) == ["One two three four five six.", "Seven eight nine ten eleven."])
        #expect(pieces.allSatisfy { $0.ending == .stop && $0.speechTokens == 8 && $0.draws >= 1 && $0.end > $0.start })
        #expect(
            pieces[0].start == 0 && abs(pieces[1].start - pieces[0].end - 0.7 / speed) < 0.001 && abs(pieces[1].end - speech.audio.duration) < 0.1)
    }

    @Test("further takes have their own seeds, the first has the utterance's") func drawSeeds() throws {
        #expect(UtteranceSeeds.seed(7, draw: 1) == 7 && Set((1...10).map { UtteranceSeeds.seed(7, draw: $0) }).count == 10)
    }

    @Test("the best take is one that ended, then one of plausible length, then one with more of the words") func best() {
        let text = "One two three four five."
        func take(_ end: DecodingEnd, _ tokens: Int, _ coverage: Double? = nil) -> SpeechTake {
            SpeechTake(end, tokens: tokens, text: text, coverage: coverage)
        }
        let ranked = [
            take(.stop, 40, 1), take(.stop, 40, 0.9), take(.stop, 40, 0.5), take(.stop, 5), take(.stop, 3), take(.budget, 80), take(.loop, 80),
        ]
        for (index, better) in ranked.enumerated() {
            for worse in ranked[(index + 1)...] { #expect(better.isBetter(than: worse) && !worse.isBetter(than: better)) }
        }
        #expect(ranked.map(\.problem) == [nil, nil, .missingWords, .oddLength, .oddLength, .cutShort, .loop])
        let again = SpeechTake(.stop, tokens: 40, number: 2, text: text)
        #expect(
            again.warning(text, first: .loop, takes: 2)?.description
                == "the speech of \"One two three four five.\" repeated itself and was sampled again; take 2 was kept")
        #expect(
            take(.budget, 80).warning(text, first: nil, takes: 1)?.description
                == "the speech of \"One two three four five.\" reached the limit of 80 tokens (3.2 s) and was cut there")
    }

    @Test(
        "the best of several takes is one that ended, then one of a plausible length",
        arguments: [
            ("One two three four five.", 0.6...4.8), ("No.", 0.05...1.7), ("東京都庁へ行きます。", 0.8...7),
        ]) func plausible(text: String, seconds: ClosedRange<Double>)
    {
        let range = SpeechTake.plausibleSeconds(of: text)
        #expect(abs(range.lowerBound - seconds.lowerBound) < 0.2 && abs(range.upperBound - seconds.upperBound) < 0.6, "\(range)")
    }

    @Test("a warning about a tag that is read as text names the models with tags") func unknownTags() throws {
        let warnings = try PreparedText("One [laugh] two [laugh]. [pause] Three.", model, .standard).warnings
        #expect(warnings.map(\.kind) == [.unknownTag])
        #expect(warnings.first?.description.contains("[laugh]") == true && warnings.first?.description.contains("Turbo") == true)
    }

    @Test("a warning names a name in brackets without a voice") func unknownTurns() throws {
        let warnings = try PreparedText("[ada] Hello. [ben] Good morning.", model, .standard).warnings
        #expect(warnings.map(\.kind) == [.unknownTag, .unknownTag])
        #expect(warnings.first?.description.hasPrefix("[ada] is read as text: no voice was given for a speaker of that name") == true)
    }

    @Test("with a requested pause between sentences, pieces end at sentences") func sentencePauses() throws {
        let text = "It was a dark and stormy night. Rain fell in torrents on the town."
        #expect(try PreparedText(text, model, .standard).pieceCount == 1)
        #expect(try PreparedText(text, model, SpeechOptions(pauses: Pauses(sentence: 0.5))).pieceCount == 2)
        #expect(try PreparedText(text, model, SpeechOptions(pauses: Pauses(paragraph: 0.5))).pieceCount == 1)
    }

    @Test("a warning names characters that the model does not know") func unknownCharacters() throws {
        let warnings = try PreparedText("One 日 two 😀 and 日.", model, .standard).warnings
        #expect(warnings.map(\.kind) == [.unknownCharacters, .unknownCharacters])
        #expect(
            warnings[0].description.contains("日: it does not speak it; Chatterbox Multilingual v3 (multilingual-v3) speaks Chinese"), "\(warnings)")
        #expect(warnings[1].description == "the model does not know 😀: it does not speak it")
        #expect(try PreparedText("One two.", model, .standard).warnings.isEmpty)
    }

    @Test("a warning about a paragraph in another script names a model for it; a text mostly in it is refused") func foreignScripts()
        throws
    {
        let warnings = try PreparedText(
            "One two three four five six seven eight nine ten eleven.\n\nДоброе утро, как дела сегодня у вас?", model, .standard
        ).warnings
        #expect(
            warnings.map(\.kind) == [.unknownCharacters]
                && warnings[0].description.hasSuffix("Chatterbox Multilingual v3 (multilingual-v3) speaks Russian"))
        let text = "One two.\n\nДоброе утро, как дела сегодня у вас?"
        #expect(throws: ForeignTextError(text: text, languages: [.russian])) { try PreparedText(text, model, .standard) }
        #expect(throws: Never.self) { try PreparedText(text, model, SpeechOptions(normalizes: false)) }
        #expect(throws: ForeignTextError(text: "Доброе утро", languages: [.russian])) { try PreparedText("Доброе утро", model, .standard) }
        #expect(throws: TextError.nothingToSpeak("?!")) { try PreparedText("?!", model, .standard) }
    }

    @Test("letters beyond basic Latin are named with the models that speak their language, found from the whole text") func foreignLetters() throws {
        func last(_ text: String) throws -> String? { try PreparedText(text, model, .standard).warnings.last?.description }
        #expect(
            try last("Dzień dobry, jak się pan dzisiaj czuje? Gdzie jest najbliższa apteka?")?.hasSuffix(
                "; Chatterbox Multilingual v3 (multilingual-v3) speaks Polish") == true)
        let chinese = try last("One two three four five six seven eight nine ten eleven twelve. 今天天气很好")
        #expect(chinese?.hasSuffix("; Chatterbox Multilingual v3 (multilingual-v3) speaks Chinese, as does the model pack:zh-cmn") == true)
        #expect(try last("The word für has a letter of its own, and so has the name Łódź in this sentence.")?.contains("Multilingual") == false)
    }

    @Test("requested pauses have their length, and others their default") func pauses() throws {
        let text = "It was a dark and stormy night indeed.\n\nHe was there, and he went away without another word."
        let options = SpeechOptions(pauses: Pauses(paragraph: 2))
        #expect(try pieces(text, options).map(\.pause) == [2, 0])
        #expect(try pieces(text).map(\.pause) == [0.7, 0])
        #expect(try pieces("\"No.\"\n\n\"Are you quite sure of that?\"", options)[0].joints.map(\.pause) == [2])
        #expect(try Pauses(["sentence": 0.5]) == Pauses(sentence: 0.5))
        #expect(throws: SpeechOptionsError.self) { try Pauses(["line": 1]) }
    }

    @Test("every word of any text is in one piece or in a warning, and no piece is too long for the model", arguments: 0..<40) func anyText(
        seed: UInt64
    ) throws {
        var random = SeededRandom(seed: seed)
        let scripts = [
            "abcdefghijklmnop", "äöüßéñçåø", "абвгдежзик", "αβγδεζηθ", "אבגדהוזח", "ابتثجحخد", "अआइईउऊएऐ", "日月火水木金土曜", "あいうえおかき", "가나다라마바사", "กขฃคฅ",
        ].map(Array.init)
        let ends = [
            ". ", "! ", "? ", "。", "！", "؟ ", "। ", ", ", "; ", "、", "\n", "\n\n", " ", " ", " ", " ", "… ", "\" ", " 42 ", " $3.50 ", " [pause] ",
        ]
        var text = ""
        for _ in 0..<Int.random(in: 1...120, using: &random) {
            let script = Bool.random(using: &random) ? scripts[0] : scripts.randomElement(using: &random)!
            text +=
                String((0..<Int.random(in: 1...12, using: &random)).map { _ in script.randomElement(using: &random)! }) + ends.randomElement(
                    using: &random)!
        }
        for normalizes in [true, false] {
            let prepared: PreparedText
            do { prepared = try PreparedText(text, model, SpeechOptions(normalizes: normalizes)) } catch is TextError {
                continue
            } catch is ForeignTextError { continue }
            let pieces = prepared.parts.compactMap { part in if case .piece(let piece) = part { piece } else { nil } }
            #expect(pieces.allSatisfy { prepared.tokens(of: $0).count <= model.configuration.t3.maximumText + 2 })
            #expect(pieces.allSatisfy { slowSeconds(of: $0.spoken) < 80 })
            // In order, every letter is in one piece, or is unknown to the model and in a warning.
            let encoded = model.tokenizer.encode(model.variant.normalizer(text), language: .english)
            let unknown = Set(model.tokenizer.unknownCharacters(in: model.variant.normalizer(text), encoded))
            let given = (normalizes ? MarkedText(PlainText.cleaned(text)).text : text).replacing("[pause]", with: " ").filter { !$0.isWhitespace }
            var spoken = pieces.flatMap { $0.text.filter { !$0.isWhitespace } }[...], isSkipping = false, isLost = false
            for character in given {
                if spoken.first == character {
                    spoken.removeFirst()
                } else if character.isLetter {
                    isLost = isLost || !unknown.contains(character)
                    isSkipping = true
                }
            }
            #expect(spoken.isEmpty && !isLost, "\(text)")
            #expect(!isSkipping || prepared.warnings.contains { $0.kind == .unknownCharacters })
        }
    }

    @Test("samples do not depend on the number of threads") func threads() async throws {
        let voice = try voice(pitch: 120)
        var spoken: [Audio] = []
        for threads in [1, 2, 5] {
            let model = try Model.load(StandInModel.folder, compute: try ComputeOptions(threads: threads))
            spoken.append(try await Synthesizer(model).speak("One two.", voice: voice, options: options()).audio)
        }
        #expect(spoken[1] == spoken[0] && spoken[2] == spoken[0])
    }

    @Test("loading and speaking do not change other threads' number of threads", arguments: [false, true]) func limits(isExact: Bool) async throws {
        let before = await Task.detached { Libtorch.threads }.value
        let model = try Model.load(StandInModel.folder, compute: try ComputeOptions(exact: isExact, threads: before + 3))
        #expect(Libtorch.threads == before)
        #expect(model.libtorchThreads == (isExact ? before + 3 : 1))
        let found = Mutex<Set<Int>>([])
        _ = try await Synthesizer(model).speak("One two.", voice: voice(pitch: 120), options: options()) { _ in
            found.withLock { _ = $0.insert(Libtorch.threads) }
        }
        #expect(found.withLock { $0 } == [model.libtorchThreads])
        #expect(Libtorch.threads == before)
    }

    @Test("a random seed is reported and gives the same sound again") func drawnSeed() async throws {
        let voice = try voice(pitch: 120)
        let first = try await synthesizer.speak("One two.", voice: voice, options: options(seed: nil))
        let again = try await synthesizer.speak("One two.", voice: voice, options: options(seed: first.seed))
        #expect(first.audio == again.audio)
    }

    @Test("joined chunks equal the whole, and their reports add up") func chunks() async throws {
        let voice = try voice(pitch: 120)
        let options = try options(.sentences)
        let whole = try await synthesizer.speak(Self.twoPieces, voice: voice, options: options)
        var samples: [Float] = []
        var texts: [String] = []
        var last: SpeechChunk?
        for try await chunk in synthesizer.chunks(Self.twoPieces, voice: voice, options: options) {
            samples += chunk.audio.samples
            texts.append(chunk.text)
            last = chunk
        }
        #expect(texts.count == 2)
        #expect(samples == whole.audio.samples)
        #expect(last?.report.speechTokens == whole.report.speechTokens)
        #expect(last?.report.audioSeconds == whole.audio.duration)
    }

    /// Speaks in a task that is cancelled when its progress meets a condition.
    private func cancelled(options: SpeechOptions, when isTime: @escaping @Sendable (SpeechProgress) -> Bool) async throws {
        let voice = try voice(pitch: 120)
        let speaking = SpeakingTask(), synthesizer = synthesizer
        let task = Task {
            try await synthesizer.speak("One two.", voice: voice, options: options) { progress in
                if isTime(progress) { speaking.cancel() }
            }
        }
        speaking.keep(task)
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test("cancellation stops before the next token") func cancellation() async throws {
        let drawn = Mutex(0)
        try await cancelled(options: options(tokens: 200)) { progress in
            guard case .tokens(let count) = progress else { return false }
            drawn.withLock { $0 = count }
            return count == 3
        }
        #expect(drawn.withLock { $0 } == 3)
    }

    @Test("cancellation stops before the next step of the flow") func cancellationOfFlow() async throws {
        let reached = Mutex(0)
        try await cancelled(options: SpeechOptions(steps: 9, maximumTokens: 8, seed: 7)) { progress in
            guard case .flow(let step, of: _) = progress else { return false }
            reached.withLock { $0 = step }
            return step == 2
        }
        #expect(reached.withLock { $0 } == 2)
    }

    @Test("leaving the loop over chunks stops the work, and the next request runs") func leavingTheLoop() async throws {
        let voice = try voice(pitch: 120)
        let begun = Mutex(0)
        let left = DispatchSemaphore(value: 0)
        for try await _ in synthesizer.chunks(
            Self.twoPieces, voice: voice, options: try options(.sentences),
            onProgress: { progress in
                // The second piece continues when the loop has been left.
                if case .piece(2, of: 2, _) = progress { left.wait() }
                if case .flow = progress { begun.withLock { $0 += 1 } }
            })
        { break }
        left.signal()
        // Requests run one after the other: when this one runs, the other has ended.
        _ = try await synthesizer.speak("One two.", voice: voice, options: options())
        #expect(begun.withLock { $0 } == 2, "the two steps of the first piece's flow")
    }

    @Test("a stream does nothing before its first chunk is requested") func cold() async throws {
        let begun = Mutex(0)
        let stream = synthesizer.chunks("One two.", voice: try voice(pitch: 120), options: try options()) { _ in begun.withLock { $0 += 1 } }
        // Requests run one after the other: if the stream had begun, it would have been first.
        _ = try await synthesizer.speak("One two.", voice: voice(pitch: 120), options: options())
        #expect(begun.withLock { $0 } == 0)
        for try await _ in stream {}
        #expect(begun.withLock { $0 } > 0)
    }

    @Test("a task that is cancelled in its loop over chunks gets CancellationError, not the end of the speech") func cancelledLoop() async throws {
        let voice = try voice(pitch: 120)
        let options = try options(.sentences)
        let task = Task {
            for try await _ in synthesizer.chunks(Self.twoPieces, voice: voice, options: options) {
                withUnsafeCurrentTask { $0?.cancel() }
            }
        }
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test("a slow loop delays only its own request") func slowLoop() async throws {
        let voice = try voice(pitch: 120)
        let text = Array(repeating: Self.twoPieces, count: 4).joined(separator: " ")
        let stream = try options(.sentences), begun = Mutex(0)
        var read = 0
        for try await _ in synthesizer.chunks(
            text, voice: voice, options: stream,
            onProgress: { progress in
                if case .piece(let number, _, _) = progress { begun.withLock { $0 = number } }
            })
        {
            read += 1
            // Other requests run while chunks of this one wait.
            for _ in 0..<3 { _ = try await synthesizer.speak("One two.", voice: voice, options: options()) }
            #expect(begun.withLock { $0 } <= read + 3, "two wait and one is being made")
        }
        #expect(read == 8)
    }

    @Test("a text of pauses only is silence of their length") func silence() async throws {
        let voice = try voice(pitch: 120)
        let speech = try await synthesizer.speak("[pause:1s]", voice: voice, options: options(.sentences))
        #expect(speech.audio.samples == Array(repeating: 0, count: 24_000))
        #expect(speech.report.firstAudioSeconds == 0)
        for text in ["[pause:0s]", "[pause:1s] 🙂"] {
            await #expect(throws: TextError.nothingToSpeak(text)) { try await synthesizer.speak(text, voice: voice, options: options(.sentences)) }
        }
    }

    @Test("no chunk is empty, and the first sound is the first audible one") func audibleChunks() async throws {
        let voice = try voice(pitch: 120)
        var chunks: [SpeechChunk] = []
        let text = "[pause:0s] [pause:0.5s] One two. [pause:0s] Three."
        for try await chunk in synthesizer.chunks(text, voice: voice, options: try options(.sentences)) { chunks.append(chunk) }
        #expect(chunks.map(\.text) == ["", "One two.", "Three."])
        #expect(chunks.allSatisfy { !$0.audio.samples.isEmpty })
        #expect(chunks[0].audio.samples.allSatisfy { $0 == 0 } && chunks[0].report.firstAudioSeconds == 0)
        #expect(chunks[1].report.firstAudioSeconds == chunks[1].report.wallSeconds)
        #expect(chunks[2].report.firstAudioSeconds == chunks[1].report.wallSeconds)
        #expect(chunks.last?.report.audioSeconds == Double(chunks.reduce(0) { $0 + $1.audio.frames }) / 24_000)
    }

    @Test("a token limit above the model's is lowered to it, with a warning") func tokenLimit() async throws {
        let folder = try TemporaryFolder()
        var configuration = ModelConfiguration.tiny
        configuration.t3.maximumSpeech = 60
        try Model.writeRandom(configuration, tokenizer: fixturesFolder.appending(path: "tokenizer.json"), seed: 1, to: folder.url)
        let model = try Model.load(folder.url)
        let voice = try model.voiceAnalyzer.voice(from: StandInModel.buzz(seconds: 1, pitch: 120))
        let speech = try await Synthesizer(model).speak("One two.", voice: voice, options: options(tokens: 61))
        #expect(speech.report.speechTokens <= 60)
        let warning = try #require(speech.report.warnings.first { $0.kind == .tokenLimit })
        #expect(warning.description.contains("61") && warning.description.contains("60"))
        let within = try await Synthesizer(model).speak("One two.", voice: voice, options: options(tokens: 60))
        #expect(!within.report.warnings.contains { $0.kind == .tokenLimit })
    }

    @Test("a conversion's report has its stages, its first sound and that it has no watermark") func conversion() async throws {
        let voice = try voice(pitch: 120)
        let recording = StandInModel.buzz(seconds: 0.5, pitch: 200)
        let speech = try await synthesizer.convert(recording, to: voice, steps: 2, seed: 3)
        let report = speech.report
        #expect([report.stages.listening, report.stages.flow, report.stages.vocoder].allSatisfy { $0 > 0 })
        #expect(report.stages.listening + report.stages.flow + report.stages.vocoder <= report.wallSeconds)
        #expect(report.firstAudioSeconds > 0 && report.firstAudioSeconds <= report.wallSeconds)
        #expect(report.audioSeconds == speech.audio.duration)
        #expect(report.warnings.besideLength.map(\.kind) == [.noWatermark])
        let unmarked = try await synthesizer.convert(recording, to: voice, steps: 2, seed: 3, watermark: false)
        #expect(unmarked.report.warnings.besideLength.isEmpty && unmarked.audio == speech.audio)
    }

    @Test("two synthesizers with one model do not affect each other") func concurrent() async throws {
        let (low, high) = try (voice(pitch: 100), voice(pitch: 220))
        let options = try options(tokens: 30)
        let alone = try await (
            synthesizer.speak("One two.", voice: low, options: options).audio,
            synthesizer.speak("Three four five.", voice: high, options: options).audio
        )
        let (first, second) = (Synthesizer(model), Synthesizer(model))
        async let one = first.speak("One two.", voice: low, options: options).audio
        async let two = second.speak("Three four five.", voice: high, options: options).audio
        #expect(try await one == alone.0)
        #expect(try await two == alone.1)
    }

    @Test("simultaneous requests at one synthesizer keep their voices") func sharedSynthesizer() async throws {
        let (low, high) = try (voice(pitch: 100), voice(pitch: 220))
        let options = try options()
        let alone = try await (
            synthesizer.speak("One two.", voice: low, options: options).audio,
            synthesizer.speak("One two.", voice: high, options: options).audio
        )
        #expect(alone.0 != alone.1)
        async let one = synthesizer.speak("One two.", voice: low, options: options).audio
        async let two = synthesizer.speak("One two.", voice: high, options: options).audio
        async let three = synthesizer.speak("One two.", voice: low, options: options).audio
        let met = try await [one, two, three]
        #expect(met == [alone.0, alone.1, alone.0])
    }

    @Test("speaking without a voice fails if the model has none") func noVoice() async throws {
        await #expect { try await synthesizer.speak("One.") } throws: { "\($0)".contains("conds.pt") }
    }

    @Test("a prepared voice sounds like the recording from which it was made") func preparedVoice() async throws {
        let folder = try TemporaryFolder()
        let file = folder.url.appending(path: "me.voice.safetensors")
        let voice = try await synthesizer.voice(from: StandInModel.recording)
        try voice.save(to: file)
        let prepared = try await synthesizer.voice(from: file)
        let fromRecording = try await synthesizer.speak("One two.", voice: voice, options: options()).audio
        #expect(try await synthesizer.speak("One two.", voice: prepared, options: options()).audio == fromRecording)
    }

    @Test("a long text is divided unless splitting is off, and traced undivided") func splitting() async throws {
        let voice = try voice(pitch: 120)
        func pieces(_ options: SpeechOptions, trace: Bool = false) async throws -> Int {
            let last = Mutex(0)
            let note: @Sendable (SpeechProgress) -> Void = { if case .piece(_, let count, _) = $0 { last.withLock { $0 = count } } }
            if trace {
                _ = try await synthesizer.trace(Self.twoPieces, voice: voice, options: options, onProgress: note)
            } else {
                _ = try await synthesizer.speak(Self.twoPieces, voice: voice, options: options, onProgress: note)
            }
            return last.withLock { $0 }
        }
        #expect(try await pieces(options(tokens: 1, .sentences)) == 2)
        #expect(try await pieces(options(tokens: 1, .none)) == 1)
        #expect(try await pieces(options(tokens: 1, .sentences), trace: true) == 1)
    }

    @Test("a trace contains the results of every stage under upstream's names") func trace() async throws {
        let voice = try voice(pitch: 120)
        let (speech, trace) = try await synthesizer.trace("One two.", voice: voice, options: options())
        #expect(
            Set(trace.keys) == [
                "text_tokens", "speaker_embedding", "cond_prompt_tokens", "prompt_token", "prompt_feat", "xvector", "speech_tokens", "mel", "wav",
            ])
        #expect(try trace["wav"]!.array(of: Float.self) == speech.audio.samples)
    }
}

/// A task that is cancelled from its own progress.
private final class SpeakingTask: Sendable {
    private let task = Mutex<Task<Speech, any Error>?>(nil)
    private let isKept = DispatchSemaphore(value: 0)

    func keep(_ task: Task<Speech, any Error>) {
        self.task.withLock { $0 = task }
        isKept.signal()
    }

    func cancel() {
        isKept.wait()
        task.withLock { $0?.cancel() }
        isKept.signal()
    }
}
