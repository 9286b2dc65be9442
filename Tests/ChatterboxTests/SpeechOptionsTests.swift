import Foundation
import SpeechAudio
import SpeechText
import TestSupport
import Testing

@testable import Chatterbox

@Suite("SpeechOptions", .standInModel) struct SpeechOptionsTests {
    private func decoded(_ json: String) throws -> SpeechOptions { try JSONDecoder().decode(SpeechOptions.self, from: Data(json.utf8)) }

    /// Every option with a value other than the default.
    private var all: SpeechOptions {
        SpeechOptions(
            sampling: SamplingChanges(temperature: 0.5, topP: 0.9, topK: 20, minP: 0.1, repetitionPenalty: 1.5, guidance: 0.25), exaggeration: 1.5,
            language: .german, steps: 4, maximumTokens: 500, seed: .max, watermark: false, splitting: .none, wordTimes: true, delivery: .chunks,
            speed: 1.25, loudness: -16, normalizes: true, takes: 3, lexicon: Lexicon(["Nguyen": "Win", "sql": "sequel"]),
            pauses: Pauses(word: 0.1, clause: 0.2, sentence: 0.5, paragraph: 1))
    }

    private var packageFolder: URL { fixturesFolder.deletingLastPathComponent().deletingLastPathComponent() }

    // MARK: JSON

    @Test("options are the same after encoding and decoding") func roundTrip() throws {
        for options in [all, .standard] { #expect(try JSONDecoder().decode(SpeechOptions.self, from: JSONEncoder().encode(options)) == options) }
    }

    @Test("the names and types in JSON are those of the documentation") func names() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let json = String(decoding: try encoder.encode(all), as: UTF8.self)
        #expect(
            json
                == #"{"delivery":"chunks","exaggeration":1.5,"language":"de","lexicon":{"Nguyen":"Win","sql":"sequel"},"loudness":-16,"maximumTokens":500,"#
                + #""normalizes":true,"pauses":{"clause":0.2,"paragraph":1,"sentence":0.5,"word":0.1},"sampling":{"guidance":0.25,"minP":0.1,"#
                + #""repetitionPenalty":1.5,"temperature":0.5,"topK":20,"topP":0.9},"seed":18446744073709551615,"speed":1.25,"splitting":"none","#
                + #""steps":4,"takes":3,"watermark":false,"wordTimes":true}"#)
        let page = try String(contentsOf: packageFolder.appending(path: "Sources/Chatterbox/Documentation.docc/Options.md"), encoding: .utf8)
        let documented = page.matches(of: #/(?m)^\| `([a-zA-Z.]+)` /#).map { String($0.1) }
        let sampling = SamplingChanges.CodingKeys.allCases.map { "sampling.\($0.rawValue)" }, pauses = Pauses.names.map { "pauses.\($0)" }
        let names = SpeechOptions.CodingKeys.allCases.map(\.rawValue).filter { !["sampling", "pauses"].contains($0) }
        #expect(Set(documented) == Set(names + sampling + pauses) && documented.count == Set(documented).count)
    }

    @Test("missing and null options have their defaults") func partial() throws {
        #expect(try decoded("{}") == .standard)
        #expect(
            try decoded(#"{"seed":7,"sampling":{"topP":0.5},"pauses":{"sentence":1}}"#)
                == SpeechOptions(sampling: SamplingChanges(topP: 0.5), seed: 7, pauses: Pauses(sentence: 1)))
        #expect(try decoded(#"{"seed":null,"sampling":null,"speed":null,"watermark":null}"#) == .standard)
        #expect(try decoded(#"{"language":"de-AT"}"#).language == .german)
    }

    @Test(
        "an error names an unknown option or one of the wrong type",
        arguments: [
            (#"{"exageration":1}"#, "exageration", "not known"), (#"{"sampling":{"top_p":1}}"#, "sampling.top_p", "not known"),
            (#"{"pauses":{"line":1}}"#, "pauses.line", "not known"), (#"{"speed":"fast"}"#, "speed", #""fast""#),
            (#"{"steps":1.5}"#, "steps", "1.5"), (#"{"seed":-1}"#, "seed", "-1"), (#"{"watermark":1}"#, "watermark", "1"),
            (#"{"sampling":{"topK":true}}"#, "sampling.topK", "true"), (#"{"sampling":0.5}"#, "sampling", "no object"),
            (#"{"splitting":"words"}"#, "splitting", #""words""#), (#"{"delivery":[]}"#, "delivery", "an object or a list of another kind"),
            (#"{"language":"xx"}"#, "language", #""xx""#), (#"{"pauses":{"word":"1"}}"#, "pauses.word", #""1""#),
            (#"{"lexicon":{"a":""}}"#, "lexicon", #"an object in which there is no text to speak for "a""#),
            (#"{"lexicon":{"a":"wɪn"}}"#, "lexicon", "an object in which \"wɪn\" has the phonetic sign ɪ"),
            ("[]", "the value", "no object"),
        ]) func refused(json: String, option: String, found: String) throws
    {
        let error = try #require(throws: SpeechOptionsError.self) { try decoded(json) }
        #expect(error.option == option && error.found.hasPrefix(found) && !error.allowed.isEmpty, "\(error)")
    }

    @Test("an error names the path to an option in an enclosing object") func path() throws {
        struct Order: Decodable { let options: SpeechOptions }
        let error = try #require(throws: SpeechOptionsError.self) {
            try JSONDecoder().decode(Order.self, from: Data(#"{"options":{"sampling":{"topP":"all"}}}"#.utf8))
        }
        #expect("\(error)" == "options.sampling.topP is \"all\"; allowed is a number")
    }

    // MARK: ranges

    private static let outOfRange: [(option: String, found: String, options: SpeechOptions)] = [
        ("exaggeration", "11.0", SpeechOptions(exaggeration: 11)), ("exaggeration", "nan", SpeechOptions(exaggeration: .nan)),
        ("steps", "0", SpeechOptions(steps: 0)), ("maximumTokens", "0", SpeechOptions(maximumTokens: 0)),
        ("maximumTokens", "4097", SpeechOptions(maximumTokens: 4097)), ("takes", "0", SpeechOptions(takes: 0)),
        ("takes", "11", SpeechOptions(maximumTokens: 9, takes: 11)), ("speed", "4.5", SpeechOptions(speed: 4.5)),
        ("speed", "nan", SpeechOptions(speed: .nan)), ("loudness", "0.0", SpeechOptions(loudness: 0)),
        ("pauses", "clause 61.0", SpeechOptions(pauses: Pauses(clause: 61))), ("pauses", "word -0.1", SpeechOptions(pauses: Pauses(word: -0.1))),
        ("pauses", "word nan", SpeechOptions(pauses: Pauses(word: .nan))), ("topP", "2.0", SpeechOptions(sampling: SamplingChanges(topP: 2))),
        ("topK", "0", SpeechOptions(sampling: SamplingChanges(topK: 0))),
        ("temperature", "-1.0", SpeechOptions(sampling: SamplingChanges(temperature: -1))),
    ]

    @Test("out-of-range values can be set and decoded, and checking them causes an error that names the option", arguments: outOfRange) func ranges(
        option: String, found: String, options: SpeechOptions
    ) throws {
        let error = try #require(throws: SpeechOptionsError.self) { try options.check() }
        #expect(error.option == option && error.found == found)
        // Values that JSON cannot represent are not written.
        guard !found.contains("nan") else { return }
        #expect(try JSONDecoder().decode(SpeechOptions.self, from: JSONEncoder().encode(options)) == options)
    }

    @Test("values at the limits of their ranges are allowed") func ends() throws {
        try all.check()
        try SpeechOptions.standard.check()
        for options in [
            SpeechOptions(exaggeration: 0, steps: 1, maximumTokens: 1, speed: 0.25, loudness: -50, takes: 1, pauses: Pauses(word: 0)),
            SpeechOptions(exaggeration: 10, steps: 1000, maximumTokens: 4096, speed: 4, loudness: -5, takes: 10, pauses: Pauses(word: 60)),
        ] { try options.check() }
    }

    @Test("all kinds of requests refuse options that are out of range") func requests() async throws {
        let synthesizer = try Synthesizer(Model.load(StandInModel.folder))
        let wrong = SpeechOptions(speed: 9), expected = SpeechOptionsError(option: "speed", found: "9.0", allowed: "0.25 to 4")
        await #expect(throws: expected) { try await synthesizer.speak("One.", options: wrong) }
        await #expect(throws: expected) { for try await _ in synthesizer.chunks("One.", options: wrong) {} }
        await #expect(throws: expected) { for try await _ in synthesizer.stream("One.", options: wrong) {} }
        await #expect(throws: expected) { for try await _ in synthesizer.events(for: SpeechRequest("One.", options: wrong)) {} }
        await #expect(throws: expected) { try await synthesizer.trace("One.", options: wrong) }
        await #expect(throws: expected) { try await synthesizer.plan(SpeechRequest("One.", options: wrong)) }
        let voice = try synthesizer.model.voiceAnalyzer.voice(from: StandInModel.buzz(seconds: 1))
        await #expect(throws: SpeechOptionsError(option: "steps", found: "0", allowed: "1 to 1000")) {
            try await synthesizer.convert(StandInModel.buzz(seconds: 1), to: voice, steps: 0)
        }
    }

    @Test("a piece is drawn up to twice by default, as often as requested, and once with a token limit") func takes() {
        #expect(SpeechOptions().mostTakes == 2 && SpeechOptions(takes: 3).mostTakes == 3)
        #expect(SpeechOptions(maximumTokens: 9).mostTakes == 1 && SpeechOptions(maximumTokens: 9, takes: 3).mostTakes == 1)
        #expect(!SpeechOptions().weighsWords && !SpeechOptions(takes: 1).weighsWords && SpeechOptions(maximumTokens: 9, takes: 3).weighsWords)
        #expect(SpeechOptions().tokenLimit == 1000 && SpeechOptions(maximumTokens: 9).tokenLimit == 9)
    }
}
