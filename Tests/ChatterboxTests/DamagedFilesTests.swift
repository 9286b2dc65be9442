import Foundation
import SpeechAudio
import SpeechText
import TestSupport
import Testing
import Torch

@testable import Chatterbox

/// Untrusted files: whatever is wrong with them, reading ends soon with an error or a value, and nothing crashes.
@Suite("Damaged files", .standInModel) struct DamagedFilesTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func fixture(_ name: String) throws -> Data { try Data(contentsOf: fixturesFolder.appending(path: name)) }

    /// Damages files and reads each; errors of reading are allowed.
    private func damage(_ seeds: [Data], seed: UInt64, rounds: Int = Mutations.rounds, _ read: (Data) throws -> Void) throws {
        var mutations = Mutations(of: seeds, seed: seed)
        for _ in 0..<rounds {
            let data = mutations.next()
            let time = ContinuousClock().measure { try? read(data) }
            #expect(time < .seconds(10), "\(data.base64EncodedString().prefix(2000))")
        }
    }

    /// The same through a file.
    private func damageFile(_ seeds: [Data], as name: String, seed: UInt64, _ read: (URL) throws -> Void) throws {
        let url = folder.url.appending(path: name)
        try damage(seeds, seed: seed) { data in
            try data.write(to: url)
            try read(url)
        }
    }

    @Test("sound") func sound() throws {
        let buzz = StandInModel.buzz(seconds: 0.2)
        let formats: [AudioFormat] = AudioFormat.allCases
        let seeds = try formats.map { try AudioFile.encode(buzz, as: $0) } + [fixture("recording.flac").prefix(20_000)]
        try damage(seeds, seed: 1) { data in
            let audio = try AudioFile.read(data, named: "damaged", most: 1 << 22)
            _ = try audio.checkedAsReference(named: "damaged").asReference(named: "damaged")
            _ = RecordingQuality(of: audio)
        }
    }

    @Test("safetensors") func safetensors() throws {
        try damageFile([fixture("archive.safetensors"), fixture("sampling.safetensors").prefix(8192)], as: "damaged.safetensors", seed: 2) { url in
            for tensor in try SafetensorsFile(url).tensors().values { _ = try tensor.to(.float32).sum().item(Float.self) }
        }
    }

    @Test("pickled archives") func archives() throws {
        try damageFile([fixture("archive.pt"), fixture("conds.pt")], as: "damaged.pt", seed: 3) { url in
            for tensor in try PickledArchive(url).tensors.values { _ = try tensor.to(.float32).sum().item(Float.self) }
        }
    }

    @Test("prepared voices") func voices() throws {
        let file = folder.url.appending(path: "me.safetensors")
        try Model.load(StandInModel.folder).voiceAnalyzer.voice(from: StandInModel.buzz(seconds: 1)).save(to: file)
        try damageFile([Data(contentsOf: file)], as: "damaged.safetensors", seed: 4) { url in
            _ = try VoiceSummary(of: url)
        }
    }

    @Test("tokenizers") func tokenizers() throws {
        try damageFile([fixture("tokenizer.json")], as: "tokenizer.json", seed: 5) { url in
            _ = try EnglishTokenizer(url).encode("One two three.")
        }
    }

    @Test("configurations") func configurations() throws {
        let seeds = [ModelConfiguration.chatterbox, .turbo].map { try! JSONEncoder().encode($0) }
        try damageFile(seeds, as: "config.json", seed: 6) { url in _ = try ModelConfiguration(url) }
    }

    @Test("texts") func texts() throws {
        let model = try Model.load(StandInModel.folder)
        let folder = fixturesFolder.deletingLastPathComponent().appending(path: "Fuzz/Seeds/text")
        let seeds = try FileManager.default.contentsOfDirectory(atPath: folder.path).map {
            try Data(contentsOf: folder.appending(path: $0)).dropFirst()
        }
        #expect(seeds.count > 20)
        try damage(seeds.map { Data($0) }, seed: 7) { data in
            let text = try PlainText.decoded(data)
            for options in [SpeechOptions(), SpeechOptions(lexicon: Lexicon(["a": "b"])), SpeechOptions(splitting: .none)] {
                _ = try? PreparedText(text, model, options, speakers: ["ada"])
            }
        }
    }
}
