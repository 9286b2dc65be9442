import Chatterbox
import ChatterboxTraining
import Foundation
import TestSupport
import Testing
import Torch

@Suite("Model assembly", .standInModel) struct ModelAssemblyTests {
    @Test("a model's own voices get the digests of its networks once, and their tensors do not change") func marking() throws {
        let folder = StandInModel.folder, model = try Model.load(folder)
        let sizes = model.voiceAnalyzer.voiceSizes, library = VoiceLibrary(ofModel: folder)
        let conds = folder.appending(path: "conds.safetensors")
        try Voice.random(sizes, generator: Generator(seed: 1)).save(to: conds)
        let older = try library.store(.random(sizes, generator: Generator(seed: 2)), as: "older")
        // A voice that contains an origin keeps it.
        var told = try Voice.random(sizes, generator: Generator(seed: 3))
        told.origin = VoiceOrigin(voiceEncoder: "a", tokenizer: "b", speakerEncoder: "c", rules: .chatterbox)
        let kept = try Data(contentsOf: library.store(told, as: "told"))
        func bytes(_ file: URL) throws -> [String: Data] {
            try SafetensorsFile(file).tensors().mapValues { tensor in try tensor.withBytes { Data($0) } }
        }
        let before = try [conds, older].map(bytes)

        #expect(try ModelAssembly.markVoices(of: folder).map(\.lastPathComponent) == ["conds.safetensors", "older.voice.safetensors"])
        #expect(try [conds, older].map(bytes) == before)
        let origin = try model.voiceAnalyzer.origin()
        for file in [conds, older] {
            let voice = try Voice.load(from: file, sizes: sizes)
            #expect(voice.origin == origin && voice.warnings.isEmpty)
        }
        #expect(try Data(contentsOf: library.entry(named: "told").file) == kept)
        #expect(try ModelAssembly.markVoices(of: folder).isEmpty)
    }
}
