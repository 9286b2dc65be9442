import Foundation
import SpeechAudio
import TestSupport
import Testing
import Torch

@testable import Chatterbox

@Suite("Variants") struct VariantTests {
    private func folder(_ names: [String]) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        for name in names { try Data().write(to: folder.url.appending(path: name)) }
        return folder
    }

    private static let graphemes = "grapheme_mtl_merged_expanded_v1.json"

    @Test(
        "the variant is found from a folder's files",
        arguments: [
            ("chatterbox", ["t3_cfg.safetensors", "s3gen.safetensors", "ve.safetensors", "tokenizer.json"]),
            ("chatterbox", ["t3_cfg.pt", "s3gen.pt", "ve.pt", "tokenizer.json"]),
            ("multilingual-v2", ["t3_mtl23ls_v2.safetensors", "s3gen.pt", "ve.pt", graphemes]),
            ("multilingual-v3", ["t3_mtl23ls_v3.safetensors", "s3gen_v3.pt", "ve.safetensors", graphemes]),
            ("pack:pt-br", ["t3_pt_br.safetensors", "s3gen_v3.pt", "s3gen.pt", "ve.pt", graphemes]),
            ("pack:es-mx-latam", ["t3_es_mx_latam.safetensors", "s3gen_v3.safetensors", "ve.pt", graphemes]),
            ("turbo", ["t3_turbo_v1.safetensors", "s3gen_meanflow.safetensors", "ve.safetensors", "vocab.json", "merges.txt"]),
            ("nano", ["t3_nano_v1.safetensors", "s3gen_meanflow.safetensors", "ve.safetensors", "vocab.json", "merges.txt"]),
        ])
    func detection(name: String, names: [String]) throws {
        let folder = try folder(names)
        #expect(try ModelFiles(folder.url).variant.name == name)
    }

    @Test("of a folder with several models the requested one is loaded, otherwise the first") func several() throws {
        let folder = try folder([
            "t3_cfg.safetensors", "s3gen.safetensors", "ve.safetensors", "tokenizer.json",
            "t3_mtl23ls_v2.safetensors", "s3gen.pt", "ve.pt", Self.graphemes,
        ])
        #expect(try ModelFiles(folder.url).variant.name == "chatterbox")
        let files = try ModelFiles(folder.url, variant: .multilingualV2)
        #expect(files.s3Gen.lastPathComponent == "s3gen.pt")
    }

    @Test("a pack's own S3Gen has priority over the common one") func packS3Gen() throws {
        let folder = try folder(["t3_hi.safetensors", "s3gen.pt", "s3gen_v3.pt", "ve.pt", Self.graphemes])
        #expect(try ModelFiles(folder.url).s3Gen.lastPathComponent == "s3gen_v3.pt")
    }

    @Test(
        "an error names what is missing",
        arguments: [
            (["t3_turbo_v1.safetensors", "s3gen_meanflow.safetensors", "ve.safetensors", "vocab.json"], "merges.txt"),
            (["t3_mtl23ls_v3.safetensors", "ve.pt", graphemes], "s3gen.pt"),
            (["s3gen_meanflow.safetensors"], "t3_turbo_v1.safetensors"),
        ])
    func missing(names: [String], expected: String) throws {
        let folder = try folder(names)
        let error = #expect(throws: CheckpointError.self) { try ModelFiles(folder.url) }
        #expect(error?.description.contains(expected) == true, "\(String(describing: error))")
    }

    @Test("names are unique and identify their variants") func names() {
        #expect(Set(Variant.all.map(\.name)).count == Variant.all.count)
        for variant in Variant.all { #expect(Variant(named: variant.name)?.title == variant.title) }
        #expect(Variant(named: "none") == nil)
    }

    @Test("every tiny variant speaks from its folder", arguments: [Variant.turbo, .nano])
    func speaking(variant: Variant) async throws {
        let folder = try TemporaryFolder()
        try Model.writeRandom(
            tinyConfiguration(variant), as: variant, tokenizer: fixturesFolder.appending(path: "gpt2"), seed: 1, to: folder.url)
        let synthesizer = try await Synthesizer.load(folder.url)
        #expect(synthesizer.model.variant.name == variant.name)
        let voice = try await synthesizer.voice(from: noise(seconds: 5.1))
        #expect(voice.conditioningTokens.size(1) == 128)
        let options = SpeechOptions(
            sampling: SamplingChanges(minP: 0.1, guidance: 0.5), exaggeration: 1, maximumTokens: 4, seed: 3, watermark: false)
        let (speech, trace) = try await synthesizer.trace("[giggle] Hello.", voice: voice, options: options)
        let tokens = try #require(trace["speech_tokens"]).array(of: Int.self)
        let sounding = tokens.filter { $0 < 6561 }.count + 3
        #expect(speech.audio.samples.count == sounding * 960)
        #expect(
            speech.report.warnings.besideLength.filter { $0.kind != .recording }.map(\.kind) == [
                .ignoredOption, .ignoredOption, .ignoredOption, .unknownTag,
            ])
        #expect(speech.report.warnings.besideLength.filter { $0.kind != .recording }.map(\.option) == ["guidance", "minP", "exaggeration", nil])
    }

    @Test("random models contain tensors that upstream's loader requires and nothing reads") func unread() throws {
        func names(_ tensors: [String]) throws -> [String: [Int]] {
            try Model.unread(beside: Dictionary(uniqueKeysWithValues: tensors.map { ($0, try Tensor.zeros([6, 4])) })).mapValues(\.shape)
        }
        #expect(try names(["tfmr.norm.weight", "speech_emb.weight"]) == ["tfmr.embed_tokens.weight": [8, 6]])
        #expect(try names(["tfmr.ln_f.weight"]) == ["tfmr.wte.weight": [50276, 6]])
        #expect(try names(["proj.weight"]) == ["similarity_weight": [1], "similarity_bias": [1]])
        #expect(try names(["head.bn1.running_mean", "head.bn1.running_var"]) == ["head.bn1.num_batches_tracked": []])
    }

    /// Smaller than ``ModelConfiguration/tiny``, because the tests' tokenizer is smaller.
    private func tinyConfiguration(_ variant: Variant) -> ModelConfiguration {
        var configuration = variant.configuration.tiny
        configuration.t3.textVocabulary = 3100
        return configuration
    }

    private func noise(seconds: Double) -> Audio {
        var state: UInt32 = 1
        let samples = (0..<Int(seconds * 24000)).map { index -> Float in
            state = state &* 1_664_525 &+ 1_013_904_223
            return (Float(state >> 16) / 65536 - 0.5) * 0.4 * (sin(Float(index) / 4000) + 1.2)
        }
        return Audio(samples: samples, sampleRate: 24000)
    }

    @Test("a reference that is too short for Turbo is refused") func shortReference() async throws {
        let folder = try TemporaryFolder()
        try Model.writeRandom(
            tinyConfiguration(.turbo), as: .turbo, tokenizer: fixturesFolder.appending(path: "gpt2"), seed: 1, to: folder.url)
        let synthesizer = try await Synthesizer.load(folder.url)
        await #expect(throws: AudioError.self) { try await synthesizer.voice(from: noise(seconds: 4.9)) }
    }

    @Test("an error names a language that the model does not speak") func language() throws {
        let error = #expect(throws: CheckpointError.self) { try Variant.turbo.language(.french) }
        #expect(error?.description.contains("French") == true)
        #expect(try Variant.multilingualV3.language(.french) == .french)
        #expect(try Variant.multilingualV3.language(nil) == .english)
        #expect(try Variant(named: "pack:pt-br")?.language(nil) == .portuguese)
    }

    @Test("endings: silence after Turbo's tokens; the multilingual models' last token is not heard") func endings() throws {
        let configuration = ModelConfiguration.chatterbox
        #expect(Variant.chatterbox.ending.speakable([4, 6561, 5, 6562, 7], configuration) == [5, 7])
        #expect(Variant.turbo.ending.speakable([4, 6561, 5], configuration) == [4, 5, 4299, 4299, 4299])
        let waveform = try Tensor.zeros([1, 5 * 960])
        #expect(try Variant.multilingualV2.ending.audible(waveform, tokens: 5).shape == [1, 4 * 960])
        #expect(try Variant.multilingualV2.ending.audible(.zeros([1, 960]), tokens: 1).shape == [1, 960])
        #expect(try Variant.chatterbox.ending.audible(waveform, tokens: 5).shape == [1, 5 * 960])
    }

    @Test("options that a request does not set are the model's") func sampling() throws {
        let changed = try SamplingChanges(temperature: 0.5).applied(to: .turbo)
        #expect(changed.temperature == 0.5 && changed.topK == 1000 && changed.topP == 0.95 && changed.guidance == 0)
        #expect(throws: SamplingError.self) { try SamplingChanges(topP: 2).applied(to: .turbo) }
    }
}
