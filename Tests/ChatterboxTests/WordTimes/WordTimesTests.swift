import Foundation
import TestSupport
import Testing

@testable import Chatterbox

@Suite("Word times of speech", .standInModel) struct WordTimesTests {
    private let text = "One two, three. [pause:0.5s] Four – five? \(String(repeating: "six ", count: 60))seven.\n\nEight nine [pause:250ms] ten."

    private func speak(
        _ text: String, exact: Bool = false, wordTimes: Bool = true, splitting: SpeechOptions.Splitting = .sentences
    ) async throws -> Speech {
        let model = try Model.load(StandInModel.folder, compute: ComputeOptions(exact: exact))
        let voice = try model.voiceAnalyzer.voice(from: StandInModel.buzz(seconds: 1))
        let options = SpeechOptions(steps: 1, maximumTokens: 20, seed: 3, splitting: splitting, wordTimes: wordTimes)
        return try await Synthesizer(model).speak(text, voice: voice, options: options)
    }

    @Test("the words of a long text have increasing times within the sound", arguments: [SpeechOptions.Splitting.sentences, .none])
    func longText(splitting: SpeechOptions.Splitting) async throws {
        let text = splitting == .none ? self.text.replacing(/\[.*?\]/, with: "") : self.text
        let speech = try await speak(text, splitting: splitting)
        let expected = text.replacing(/\[.*?\]/, with: "").replacing("– five", with: "five").split(whereSeparator: \.isWhitespace)
        #expect(speech.words.map { $0.text.replacing(" –", with: "") } == expected.map(String.init))
        for (word, next) in zip(speech.words, speech.words.dropFirst()) { #expect(word.start <= word.end && word.end <= next.start + 1e-9) }
        #expect(speech.words[0].start >= 0)
        #expect(try #require(speech.words.last).end <= speech.audio.duration + 1e-9)
        guard splitting == .sentences else { return }
        for (before, after, pause) in [("three.", "Four –", 0.5), ("nine", "ten.", 0.25)] {
            let end = try #require(speech.words.first { $0.text == before }).end, start = try #require(speech.words.first { $0.text == after }).start
            #expect(start - end >= pause - 1e-9, "\(before) \(after)")
        }
    }

    @Test("word times do not change samples, and there are none unless they are requested") func sameSound() async throws {
        let (with, without) = (try await speak("One two. Three."), try await speak("One two. Three.", wordTimes: false))
        #expect(with.audio == without.audio)
        #expect(with.words.count == 3 && without.words.isEmpty)
    }

    @Test("the exact path finds the same words at the same times") func exact() async throws {
        let (packed, exact) = (try await speak("One two three four. Five six."), try await speak("One two three four. Five six.", exact: true))
        #expect(packed.words.map(\.text) == exact.words.map(\.text))
        for (a, b) in zip(packed.words, exact.words) { #expect(abs(a.start - b.start) < 1e-3 && abs(a.end - b.end) < 1e-3, "\(a) \(b)") }
    }

    @Test("chunks contain the words of the whole") func chunks() async throws {
        let model = try Model.load(StandInModel.folder)
        let voice = try model.voiceAnalyzer.voice(from: StandInModel.buzz(seconds: 1))
        let options = SpeechOptions(steps: 1, maximumTokens: 20, seed: 3, wordTimes: true)
        let synthesizer = Synthesizer(model)
        var words: [SpokenWord] = []
        for try await chunk in synthesizer.chunks(text, voice: voice, options: options) { words += chunk.words }
        let whole = try await synthesizer.speak(text, voice: voice, options: options).words
        #expect(words == whole)
        let (traced, _) = try await synthesizer.trace("One two.", voice: voice, options: options)
        #expect(traced.words.map(\.text) == ["One", "two."])
    }

    @Test("a model without alignment heads causes an error, and the variants have theirs") func noHeads() async throws {
        let folder = try TemporaryFolder()
        try FileManager.default.copyItem(at: StandInModel.folder, to: folder.url.appending(path: "model"))
        var configuration = ModelConfiguration.tiny
        configuration.t3.alignmentHeads = nil
        try configuration.write(to: folder.url.appending(path: "model/config.json"))
        let model = try Model.load(folder.url.appending(path: "model"))
        #expect(throws: WordTimesError.noAlignmentHeads(model: "Chatterbox")) { try model.alignmentHeads() }
        let voice = try model.voiceAnalyzer.voice(from: StandInModel.buzz(seconds: 1)), options = SpeechOptions(wordTimes: true)
        await #expect(throws: WordTimesError.self) { try await Synthesizer(model).speak("One.", voice: voice, options: options) }
        let upstream = [AttentionHead(layer: 12, head: 15), AttentionHead(layer: 13, head: 11), AttentionHead(layer: 9, head: 2)]
        for variant in Variant.all {
            let heads = variant.configuration.t3.alignmentHeads
            #expect(variant.name == "pico" ? heads?.count == 2 : heads == (["turbo", "nano"].contains(variant.name) ? nil : upstream))
        }
    }
}
