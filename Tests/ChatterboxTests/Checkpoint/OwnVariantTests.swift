import Chatterbox
import Foundation
import SpeechAudio
import SpeechText
import TestSupport
import Testing

// Without `@testable`, like a program that depends on this package.

/// A token for each letter, and one for everything else.
struct LetterTokenizer: TextTokenizer {
    private let letters: [Character: Int]

    init(folder: URL, tools: LanguageTools) throws {
        let text = try String(contentsOf: folder.appending(path: Self.fileNames[0]), encoding: .utf8)
        letters = Dictionary(text.filter { !$0.isNewline }.enumerated().map { ($1, $0 + 1) }, uniquingKeysWith: { first, _ in first })
    }

    static let fileNames = ["letters.txt"]
    var count: Int { letters.count + 1 }

    func encode(_ text: String, language: Language) -> EncodedText {
        EncodedText(tokens: text.lowercased().map { letters[$0] ?? 0 }, hasWords: text.contains(where: \.isLetter))
    }

    func piece(of token: Int) -> String? { letters.first { $0.value == token }.map { String($0.key) } }
}

@Suite("A custom variant, from outside the package", .standInModel) struct OwnVariantTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// A small Llama with Turbo's decoding style and other file names.
    private static func variant(tokenizer: TokenizerKind) throws -> Variant {
        var sizes = ModelConfiguration.tiny
        sizes.t3.backbone = .llama(LlamaConfiguration(hiddenSize: 48, layers: 3, heads: 3, intermediateSize: 96))
        sizes.t3.alignmentHeads = nil
        sizes.t3.perceiver = nil
        sizes.t3.style = .turbo
        sizes.t3.emotion = false
        var variant = Variant(
            name: "mia", title: "Mia",
            files: .init(t3: ["mia.safetensors"], s3Gen: ["mia-sound.safetensors"], voiceEncoder: ["mia-voice.safetensors"]),
            configuration: sizes, normalizer: TextNormalizer(replacements: [("&", "and")], endings: [".", "!"]), tokenizer: tokenizer,
            languages: [.english, .german], sampling: try SamplingOptions(temperature: 0.7, topP: 0.9, topK: 50, minP: 0, guidance: 0))
        variant.ending.silence = 2
        return variant
    }

    @Test("config.json contains everything: the folder can be loaded by itself and speaks") func described() async throws {
        let variant = try Self.variant(tokenizer: .english)
        try Model.writeRandom(
            variant.configuration, as: variant, tokenizer: fixturesFolder.appending(path: "tokenizer.json"), seed: 3, to: folder.url)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.url.path).sorted()
        #expect(names == ["config.json", "mia-sound.safetensors", "mia-voice.safetensors", "mia.safetensors", "tokenizer.json"])
        #expect(try Variant(of: folder.url) == variant)
        for isExact in [false, true] {
            let synthesizer = try await Synthesizer.load(folder.url, compute: isExact ? .exact : .standard)
            #expect(synthesizer.model.variant == variant)
            let voice = try await synthesizer.voice(from: StandInModel.buzz(seconds: 6))
            let options = SpeechOptions(
                sampling: SamplingChanges(minP: 0.1, guidance: 0.5), exaggeration: 1, maximumTokens: 6, seed: 3, watermark: false, splitting: .none)
            let (speech, trace) = try await synthesizer.trace("Salt & wind", voice: voice, options: options)
            // Turbo's style: text without start and stop tokens, and options that it ignores.
            let tokens = try #require(trace["text_tokens"]).array(of: Int.self)
            #expect(tokens == synthesizer.model.tokenizer.encode("Salt and wind.", language: .english).tokens)
            #expect(speech.report.warnings.filter { $0.kind == .ignoredOption }.map(\.option) == ["guidance", "minP", "exaggeration"])
            #expect(!speech.audio.samples.isEmpty)
        }
    }

    @Test("a custom tokenizer is passed with its variant; without it the error says which one is missing") func tokenizer() async throws {
        let variant = try Self.variant(tokenizer: TokenizerKind("letters", LetterTokenizer.self))
        let letters = folder.url.appending(path: "letters.txt"), place = folder.url.appending(path: "mia")
        try Data("abcdefghijklmnopqrstuvwxyz .!\n".utf8).write(to: letters)
        try Model.writeRandom(variant.configuration, as: variant, tokenizer: letters, seed: 3, to: place)
        let synthesizer = try await Synthesizer.load(place, variant: variant)
        #expect(synthesizer.model.tokenizer.encode("ab.", language: .english).tokens == [1, 2, 28])
        let voice = try await synthesizer.voice(from: StandInModel.buzz(seconds: 6))
        let speech = try await synthesizer.speak("Salt", voice: voice, options: SpeechOptions(maximumTokens: 6, seed: 3, watermark: false))
        #expect(!speech.audio.samples.isEmpty)
        let error = await #expect(throws: CheckpointError.self) { try await Synthesizer.load(place) }
        #expect(error?.description.contains("\"variant.tokenizer\" cannot be read: the tokenizer \"letters\" is not one of english") == true)
    }

    @Test(
        "an error names what is invalid in a variant",
        arguments: [
            (#""mia.safetensors""#, #""../mia.safetensors""#, "variant.files.t3"), (#""en","#, "", ""),
            (#""silence" : 2"#, #""silence" : 900"#, "variant.ending.silence"),
            (#""topP" : 0.9"#, #""topP" : 9"#, "topP is 9"), (#""style" : "turbo""#, #""style" : "waltz""#, "t3.style"),
            (#""tokenizer" : "english""#, #""tokenizer" : "runes""#, "variant.tokenizer"),
            (#""normalizer" : {"#, #""normalizer" : 3, "rest" : {"#, "variant.normalizer"),
        ])
    func refused(good: String, bad: String, word: String) throws {
        let file = folder.url.appending(path: "config.json")
        try Self.variant(tokenizer: .english).write(to: file)
        let text = try String(contentsOf: file, encoding: .utf8)
        #expect(text.contains(good))
        try Data(text.replacing(good, with: bad).utf8).write(to: file)
        if word.isEmpty {
            #expect(try Variant.described(by: file)?.languages == [.german])
        } else {
            let error = #expect(throws: CheckpointError.self) { try Variant.described(by: file) }
            #expect(error?.description.contains(word) == true, "\(String(describing: error))")
        }
    }

    @Test("sizes without a style, from earlier versions, are decoded as upstream decodes their backbone", arguments: [Variant.chatterbox, .turbo])
    func older(variant: Variant) throws {
        let file = folder.url.appending(path: "config.json")
        try variant.configuration.write(to: file)
        let text = try String(contentsOf: file, encoding: .utf8)
        let older = text.replacing(/\ *"style" : "[a-z]+",\n/, with: "")
        #expect(older.count < text.count)
        try Data(older.utf8).write(to: file)
        #expect(try Variant.described(by: file) == nil)
        #expect(try JSONDecoder().decode(ModelConfiguration.self, from: Data(contentsOf: file)) == variant.configuration)
    }

    @Test("each variant in the table is the same after encoding to JSON and decoding", arguments: Variant.all) func coding(variant: Variant) throws {
        let file = folder.url.appending(path: "config.json")
        try variant.write(to: file)
        #expect(try Variant.described(by: file) == variant)
    }
}
