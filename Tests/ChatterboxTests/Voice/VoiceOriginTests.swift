import Foundation
import SpeechAudio
import TestSupport
import Testing
import Torch

@testable import Chatterbox

@Suite("A voice's origin") struct VoiceOriginTests {
    private func origin(
        _ model: String? = nil, encoder: String = "a", tokenizer: String = "b", speaker: String = "c", rules: ReferenceRules = .chatterbox
    ) -> VoiceOrigin {
        VoiceOrigin(model: model, voiceEncoder: encoder, tokenizer: tokenizer, speakerEncoder: speaker, rules: rules)
    }

    @Test("origins differ by each network and by the rules, not by the model's name") func differences() {
        #expect(origin("Turbo").differences(from: origin("Nano")) == [])
        #expect(origin().differences(from: origin(encoder: "x")) == [.voiceEncoder])
        #expect(origin().differences(from: origin(tokenizer: "x", speaker: "x")) == [.tokenizer, .speakerEncoder])
        #expect(origin().differences(from: origin(rules: .turbo)) == [.rules])
    }

    @Test("conversion depends only on the networks that make the prompt") func conversion() {
        var longer = ReferenceRules.chatterbox
        longer.conditioningSeconds = 9
        #expect(origin().differences(from: origin(encoder: "x", rules: longer), for: .conversion) == [])
        #expect(origin().differences(from: origin(tokenizer: "x", rules: .turbo), for: .conversion) == [.tokenizer, .rules])
        longer.promptSeconds = 4
        #expect(origin().differences(from: origin(speaker: "x", rules: longer), for: .conversion) == [.speakerEncoder, .rules])
    }

    @Test("messages say which model made it and what is different") func contrast() {
        #expect([.rules].contrast(of: "Chatterbox", with: "Turbo") == "Chatterbox, which differs from Turbo in its reference rules")
        #expect(
            [.voiceEncoder, .tokenizer].contrast(of: nil, with: "Pico") == "a model, which differs from Pico in its voice encoder and S3 tokenizer")
        #expect(
            [.voiceEncoder, .tokenizer, .rules].contrast(of: "Pico", with: "Pico")
                == "another Pico, which differs from this one in its voice encoder, S3 tokenizer and reference rules")
    }
}

@Suite("Origins of a model's voices", .standInModel) struct ModelVoiceOriginTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func origin(_ folder: URL, compute: ComputeOptions = .standard) throws -> VoiceOrigin {
        try Model.load(folder, compute: compute).voiceAnalyzer.origin()
    }

    @Test("origins do not depend on the arithmetic or on the files' other contents") func same() throws {
        let expected = try origin(StandInModel.folder)
        #expect(expected.model == "Chatterbox")
        #expect(try origin(StandInModel.folder, compute: .exact) == expected)
        #expect(try origin(StandInModel.folder, compute: ComputeOptions(quantization: .int8, threads: 1)) == expected)
        // The file has the flow and the vocoder of another model, like Turbo's, which has the English model's tokenizer and speaker encoder.
        let copy = folder.url.appending(path: "copy"), file = copy.appending(path: "s3gen.safetensors")
        try StandInModel.writeCopy(to: copy, replacing: ["s3gen.safetensors"])
        let own = try SafetensorsFile(StandInModel.folder.appending(path: "s3gen.safetensors")).tensors()
        var tensors = try SafetensorsFile(file).tensors()
        tensors.merge(own.filter { $0.key.hasPrefix("tokenizer.") || $0.key.hasPrefix("speaker_encoder.") }) { $1 }
        tensors["tokenizer.window"] = try .ones([400])
        try SafetensorsWriter.write(tensors, to: file)
        #expect(try origin(copy) == expected)
    }

    @Test("origins differ if a network or a rule differs") func other() throws {
        let expected = try origin(StandInModel.folder)
        for (name, files, parts) in [
            ("ve", ["ve.safetensors"], [VoiceOrigin.Part.voiceEncoder]), ("s3gen", ["s3gen.safetensors"], [.tokenizer, .speakerEncoder]),
            ("t3", ["t3_cfg.safetensors"], []),
        ] {
            let copy = folder.url.appending(path: name)
            try StandInModel.writeCopy(to: copy, replacing: files)
            #expect(try origin(copy).differences(from: expected) == parts, "\(name)")
        }
        let copy = folder.url.appending(path: "rules")
        try StandInModel.writeCopy(to: copy, rules: .turbo)
        #expect(try origin(copy).differences(from: expected) == [.rules])
    }
}
