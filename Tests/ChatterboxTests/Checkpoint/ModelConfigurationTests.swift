import Foundation
import TestSupport
import Testing
import Torch

@testable import Chatterbox

/// A model's `config.json`.
@Suite("ModelConfiguration")
struct ModelConfigurationTests {
    let folder: TemporaryFolder
    var url: URL { folder.url.appending(path: "config.json") }

    init() throws { folder = try TemporaryFolder() }

    private static let text: String = {
        let folder = try! TemporaryFolder()
        let url = folder.url.appending(path: "config.json")
        try! ModelConfiguration.tiny.write(to: url)
        return try! String(contentsOf: url, encoding: .utf8)
    }()

    @Test("a written configuration is read back unchanged", arguments: [ModelConfiguration.chatterbox, .tiny]) func roundTrip(
        configuration: ModelConfiguration
    ) throws {
        try configuration.write(to: url)
        #expect(try ModelConfiguration(url) == configuration)
    }

    struct Fault: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let change: @Sendable (inout ModelConfiguration) -> Void
        init(_ message: String, _ change: @escaping @Sendable (inout ModelConfiguration) -> Void) {
            (testDescription, self.change) = (message, change)
        }
    }

    @Test(
        "an error names an impossible size",
        arguments: [
            Fault("\"t3.textVocabulary\" is 0") { $0.t3.textVocabulary = 0 },
            Fault("\"t3.speakerSize\" is -1") { $0.t3.speakerSize = -1 },
            Fault("\"t3.backbone.heads\" is 0") { $0.t3.backbone = .llama(LlamaConfiguration(heads: 0)) },
            Fault("each of its 7 heads") { $0.t3.backbone = .llama(LlamaConfiguration(heads: 7)) },
            Fault("\"t3.backbone.positions\" is 0") { $0.t3.backbone = .gpt2(GPT2Configuration(positions: 0)) },
            Fault("\"t3.perceiver.heads\" is 0") { $0.t3.perceiver = PerceiverConfiguration(heads: 0) },
            Fault("head 16 of layer 2") { $0.t3.alignmentHeads = [AttentionHead(layer: 2, head: 16)] },
            Fault("\"t3.alignmentHeads.layer\" is -1") { $0.t3.alignmentHeads = [AttentionHead(layer: -1, head: 0)] },
            Fault("the vocabulary ends at 703") { $0.t3.startText = 704 },
            Fault("positions for voice") { $0.t3.maximumSpeech = 900_000 },
            Fault("\"t3.backbone.rotary.base\" is 0.0") { $0.t3.backbone = .llama(LlamaConfiguration(rotary: RotaryConfiguration(base: 0))) },
            Fault("\"voiceEncoder.partialStep\" is 0") { $0.voiceEncoder.partialStep = 0 },
            Fault("\"voiceEncoder.hiddenSize\" is \(1 << 62)") { $0.voiceEncoder.hiddenSize = 1 << 62 },
            Fault("\"s3Gen.tokenizer.digits\" is 60") { $0.s3Gen.tokenizer.digits = 60 },
            Fault("\"s3Gen.tokenizer.memoryKernel\" is 30") { $0.s3Gen.tokenizer.memoryKernel = 30 },
            Fault("\"s3Gen.speakerEncoder.blocks.kernel\" is 0") { $0.s3Gen.speakerEncoder.blocks[0].kernel = 0 },
            Fault("\"s3Gen.speakerEncoder.melBins\" is 81") { $0.s3Gen.speakerEncoder.melBins = 81 },
            Fault("encoder.size is 511") { $0.s3Gen.flow.encoder.size = 511 },
            Fault("\"s3Gen.flow.estimator.headCount\" is -8") { $0.s3Gen.flow.estimator.headCount = -8 },
            Fault("\"s3Gen.vocoder.upsampleRates\" multiply") { $0.s3Gen.vocoder.upsampleRates = [1000, 1000, 1000] },
            Fault("upsampleKernels needs one kernel") { $0.s3Gen.vocoder.upsampleKernels = [] },
            Fault("\"reference.promptSeconds\" is -1.0") { $0.reference.promptSeconds = -1 },
        ]) func faults(fault: Fault) throws
    {
        var configuration = ModelConfiguration.chatterbox
        fault.change(&configuration)
        try configuration.write(to: url)
        let error = #expect(throws: CheckpointError.self) { try ModelConfiguration(url) }
        #expect("\(error as Any)".contains(fault.testDescription), "\(error as Any)")
        #expect("\(error as Any)".contains("config.json"))
    }

    @Test("a file that is not a configuration is refused") func others() throws {
        for text in ["", "{}", "[]", "{\"t3\": 7}", String(repeating: "{\"a\":", count: 100_000)] {
            try Data(text.utf8).write(to: url)
            let error = #expect(throws: CheckpointError.self) { try ModelConfiguration(url) }
            #expect("\(error as Any)".contains("config.json"))
        }
    }

    @Test("impossible numbers are refused when the file is read") func damaged() {
        search(rounds: 50) { random in
            let bytes = random.below(4) == 0 ? Data(Self.text.utf8).damaged(using: &random) : Data(Self.text.damagedJSON(using: &random).utf8)
            try expectReadOrRefused(bytes, at: url, [CheckpointError.self]) { _ = try ModelConfiguration($0) }
        }
    }

    @Test("possible sizes that do not match the weights cause an error, never a crash") func mismatch() throws {
        try Model.writeRandom(.tiny, tokenizer: fixturesFolder.appending(path: "tokenizer.json"), seed: 1, to: folder.url)
        var refused = 0
        search(rounds: 200) { random in
            try Data(Self.text.damagedJSON(using: &random).utf8).write(to: url)
            guard (try? ModelConfiguration(url)) != nil else { return }
            do { _ = try Model.load(folder.url) } catch { refused += 1 }
        }
        #expect(refused > 0, "no damage was of consequence")
    }
}
