import Foundation
import TestSupport
import Testing

@testable import SpeechText

@Suite("From a text to the pieces that a model speaks") struct TextPipelineTests {
    let english = try! TextPipeline(
        tokenizer: EnglishTokenizer(fixturesFolder.appending(path: "tokenizer.json")), normalizer: .english, languages: [.english], limit: 400)
    let multilingual = try! TextPipeline(
        tokenizer: MultilingualTokenizer(folder: fixturesFolder.appending(path: "multilingual"), tools: .none), normalizer: .multilingual,
        languages: [.english, .french, .german, .russian])

    private func pieces(_ plan: TextPlan) -> [TextPlan.Piece] { plan.parts.compactMap { if case .piece(let piece) = $0 { piece } else { nil } } }
    private func words(_ text: String) -> [String] { text.split(separator: " ").map(String.init) }

    @Test("the whole equals its steps, one after the other") func steps() throws {
        var pipeline = english
        pipeline.lexicon = Lexicon(["Nguyen": "Win"])
        let bytes = Data("\u{FEFF}# Of\u{AD}fers\n\n**Nguyen** has 2 ﬁne hats for $5.\n".utf8)
        let text = try pipeline.decode(bytes)
        #expect(text == "# Offers\n\n**Nguyen** has 2 fine hats for $5.\n")
        let marked = pipeline.markup(text)
        #expect(try pipeline.language(of: marked).0 == .english)
        let parts = try pipeline.split(marked.text)
        #expect(parts == [.speech("Offers", .paragraph), .speech("Nguyen has 2 fine hats for $5.", .sentence)])
        let respelled = pipeline.respell("Offers. Nguyen has 2 fine hats for $5.")
        #expect(respelled.text == "Offers. Win has 2 fine hats for $5.")
        let spoken = pipeline.normalize(respelled.text, in: .english)
        #expect(spoken.text == "Offers. Win has two fine hats for five dollars.")

        let plan = try pipeline(text)
        let piece = try #require(pieces(plan).first)
        #expect(plan.pieceCount == 1 && piece.spoken == spoken.text)
        #expect(plan.tokens(of: piece) == pipeline.tokenize(spoken.text, in: .english).tokens)
        #expect(piece.written(words(piece.spoken)).map(\.text) == ["Offers", "Nguyen", "has", "2", "fine", "hats", "for", "$5."])
    }

    @Test("written words refer to the spoken ones through every step") func wayBack() throws {
        var pipeline = english
        pipeline.lexicon = Lexicon(["GPT": "the model"])
        let piece = try #require(pieces(try pipeline("Ask **GPT** for <sub alias=\"three\">3</sub> of 40–60 at 9:30PM, or so.")).first)
        #expect(piece.spoken == "Ask the model for three of forty to sixty at nine thirty PM, or so.")
        let written = piece.written(words(piece.spoken))
        #expect(written.map(\.text) == ["Ask", "GPT", "for", "3", "of", "40–60", "at", "9:30PM,", "or", "so."])
        #expect(written.map(\.spoken) == [0..<1, 1..<3, 3..<4, 4..<5, 5..<6, 6..<9, 9..<10, 10..<13, 13..<14, 14..<15])
    }

    @Test("silences have the requested lengths, and boundaries are those of the text") func silences() throws {
        var pipeline = english
        pipeline.pause = { $0 == .paragraph ? 3 : 0 }
        let plan = try pipeline(
            "It was a dark and stormy night indeed.\n\nHe was there and went away again. [pause:2s] Then he came back to the house.")
        #expect(pieces(plan).map(\.pause) == [3, 0, 0])
        #expect(plan.parts.contains { if case .silence(2) = $0 { true } else { false } })
        #expect(throws: TextError.pause("long")) {
            pipeline.normalizes = false
            _ = try pipeline("One [pause:long] two.")
        }
    }

    @Test("undivided text is one piece, without interpreting markup") func asWritten() throws {
        var pipeline = english
        (pipeline.normalizes, pipeline.splits) = (false, false)
        let plan = try pipeline("**Two** words: 2.\n\nAnd [pause:1s] more.")
        #expect(pieces(plan).map(\.spoken) == ["**Two** words: 2.\n\nAnd [pause:1s] more."])
        #expect(pieces(plan)[0].readings.isEmpty && plan.parts.count == 1)
    }

    @Test("the language is the given one, the text's own, or the detected one, which is noted") func languages() throws {
        #expect(try multilingual("Il fait 20 °C.", language: .german).language == .german)
        let guessed = try multilingual("Bonjour, comment ça va ? Il y a 3 chats dans la maison.")
        #expect(guessed.language == .french && guessed.notes.map(\.kind) == [.language])
        #expect(pieces(guessed).map(\.spoken).joined(separator: " ").contains("trois chats"))
        #expect(try multilingual("<speak xml:lang=\"fr-FR\">Trois.</speak>").language == .french)
        #expect(throws: TextError.self) { try multilingual("Zażółć gęślą jaźń, proszę pana bardzo.") }
    }

    @Test("characters that the model does not know are reported with their language, whether or not other text is spoken") func unknown() throws {
        let plan = try english("One two three four five six seven eight nine ten eleven.\n\nДоброе утро, как дела?")
        #expect(plan.unknownCharacters.prefix(3) == ["Д", "о", "б"] && plan.unknown.map(\.language) == [.russian] && !plan.isMostlyUnknown)
        let foreign = try english("Доброе утро")
        #expect(foreign.isMostlyUnknown && foreign.pieceCount == 0 && foreign.unknown.map(\.language) == [.russian])
        #expect(try english("One [laugh] two.").unreadTags == ["[laugh]"])
        #expect(throws: TextError.empty) { try english(" \n") }
        #expect(throws: TextError.nothingToSpeak("?!")) { try english("?!") }
        #expect(throws: TextError.unknownSpeakers(["ben"], known: ["ada"])) { try english("[ada] Hello. [ben] Good morning.", speakers: ["ada"]) }
    }

    @Test("characters of several scripts are reported by script, each with its language") func scripts() throws {
        let plan = try english(String(repeating: "One two three four five six seven eight nine ten. ", count: 3) + "Доброе утро. नमस्ते. 你好. 😀")
        #expect(plan.unknown.map(\.language) == [.russian, .hindi, .chinese, nil])
        let beginnings = plan.unknown.map { String($0.characters.prefix(2)) }, expected: [Substring] = ["До", "नमस्ते", "你好", "😀"]
        #expect(beginnings == expected.map { String($0.prefix(2)) }, "\(plan.unknown)")
        #expect(plan.unknownCharacters == plan.unknown.flatMap(\.characters))
    }

    @Test("stacked accents that the model does not know are removed, with a note") func stackedMarks() throws {
        let plan = try english("H\u{337}\u{321}\u{342}e\u{334}\u{31B}\u{349}l\u{335}\u{30D}\u{353}lo there.")
        #expect(pieces(plan).map(\.spoken) == ["Hello there."])
        #expect(plan.unknown.isEmpty && plan.notes.map(\.kind) == [.signs] && plan.notes[0].description.hasSuffix("they are left out"))
        // A single mark belongs to a language, and a letter with it is reported if it is not known.
        let plain = try english("Nai\u{308}ve za\u{331}b.")
        #expect(plain.notes.isEmpty)
        // Two marks that a model knows stay.
        let known = try multilingual("o\u{302}\u{301}\u{316}\u{317}\u{318}n", language: .french)
        #expect(pieces(known).map(\.spoken) == ["\u{1ED1}n"] && known.notes.map(\.kind) == [.signs])
        var asWritten = english
        asWritten.normalizes = false
        #expect(try asWritten("One a\u{337}\u{321}\u{342} two.").notes.isEmpty)
    }

    @Test(
        "phonetic signs are reported",
        arguments: [
            ("Call /\u{2C8}nu\u{2D0}j\u{25B}n/ now.", 1), ("It is [\u{2C8}w\u{26A}n], not \u{2C8}w\u{259}n\u{2D0}.", 1), ("Nguyen and/or Win.", 0),
        ])
    func phonetic(text: String, notes: Int) throws {
        let plan = try english(text)
        #expect(plan.notes.map(\.kind) == Array(repeating: .signs, count: notes))
        if notes > 0 { #expect(plan.notes[0].description.contains("phonetic signs"), "\(plan.notes)") }
    }

    @Test("a text whose language is not detected is spoken in the first, with a note") func noLanguage() throws {
        let plan = try multilingual("OK")
        #expect(plan.language == .english && plan.notes.map(\.kind) == [.language] && plan.notes[0].description.contains("cannot be detected"))
        #expect(try multilingual("OK", language: .english).notes.isEmpty)
    }

    @Test("if pieces end at sentences, each sentence is one, and short ones have their pauses inside") func sentencePieces() throws {
        var pipeline = english
        (pipeline.endsAtSentences, pipeline.pause) = (true, { $0 == .sentence ? 1.5 : 0 })
        let plan = try pipeline("It was a dark and stormy night. Rain fell in torrents on the town. Yes. He would not go out again.")
        #expect(
            pieces(plan).map(\.text) == ["It was a dark and stormy night.", "Rain fell in torrents on the town.", "Yes. He would not go out again."])
        #expect(pieces(plan).map(\.pause) == [1.5, 1.5, 0] && pieces(plan)[2].joints.map(\.pause) == [1.5])
    }

    @Test("no piece has more tokens than the model allows, and a longer word is refused") func limits() throws {
        let pipeline = TextPipeline(tokenizer: english.tokenizer, normalizer: .english, languages: [.english], limit: 60)
        // Digits, which become longer in words, and capitals, which are tokens of one letter.
        for word in ["1234567", "ABCDEFGHI"] {
            let text = Array(repeating: word, count: 30).joined(separator: " ") + "."
            let plan = try pipeline(text)
            #expect(plan.pieceCount > 1 && pieces(plan).allSatisfy { plan.tokens(of: $0).count <= 60 })
            #expect(pieces(plan).map(\.text).joined(separator: " ") == PlainText.cleaned(text))
        }
        #expect(throws: TextError.self) {
            var whole = pipeline
            whole.splits = false
            _ = try whole(String(repeating: "word ", count: 100))
        }
    }

    @Test("a stress mark set by hand is kept, in the text and in the lexicon") func stress() throws {
        var pipeline = multilingual
        pipeline.lexicon = Lexicon(["атлас": "атла\u{301}с"])
        let plan = try pipeline("Старый за\u{301}мок и атлас за 5 рублей.", language: .russian)
        #expect(pieces(plan).map(\.spoken) == ["Старый за\u{301}мок и атла\u{301}с за пять рублей."])
    }

    @Test("every letter and digit of any text is in one piece, in order, as written", arguments: 0..<40) func anyText(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let alphabets = ["abcdefghijklmnop", "ÄöüßéñçåøЖ", "0123456789", "日本語カナ한글"].map(Array.init)
        let ends = [
            ". ", "! ", "? ", "。", ", ", "; ", "\n", "\n\n", " ", " ", " ", "… ", "\" ", " 42 ", " $3.50 ", " *", "* ", "\n- ", "\n# ", " `", "` ",
        ]
        var text = ""
        for _ in 0..<Int.random(in: 1...80, using: &random) {
            let letters = Bool.random(using: &random) ? alphabets[0] : alphabets.randomElement(using: &random)!
            text +=
                String((0..<Int.random(in: 1...9, using: &random)).map { _ in letters.randomElement(using: &random)! }) + ends.randomElement(
                    using: &random)!
        }
        guard let plan = try? english(text) else { return }
        let known = pieces(plan).map { piece in piece.written(words(piece.spoken)).map(\.text).joined() }.joined()
        let expected = english.markup(PlainText.cleaned(text)).parts.map { if case .speech(let part, _) = $0 { part.text } else { "" } }.joined()
        func letters(_ text: String) -> [Character] { text.filter { $0.isLetter || $0.isNumber } }
        // Pieces without a word that the model knows are left out, and their characters are reported.
        var rest = letters(known)[...]
        for character in letters(expected) {
            if rest.first == character { rest.removeFirst() } else { #expect(plan.unknownCharacters.contains(character), "\(text)") }
        }
        #expect(rest.isEmpty, "\(text)")
    }
}
