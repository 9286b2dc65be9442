import Foundation
import SpeechAudio
import Synchronization
import TestSupport
import Testing
import Torch

@testable import Chatterbox

/// A Llama model with a mean flow from another file.
@Suite("Fast flow", .standInModel) struct FlowChoiceTests {
    let folder: TemporaryFolder
    private var model: URL { folder.url.appending(path: "model") }
    private let options = SpeechOptions(maximumTokens: 6, seed: 7, watermark: false, splitting: .none)

    init() throws {
        folder = try TemporaryFolder()
        try FileManager.default.copyItem(at: StandInModel.folder, to: model)
    }

    /// Writes a folder with the stand-in's S3Gen and one with mean flow, and returns the path of the latter. With seed 1 both have the stand-in's
    /// networks for recordings.
    private func fastFlow(in name: String = "flash", called file: String = FlowChoice.fastFileName, seed: UInt64 = 1) throws -> URL {
        let other = folder.url.appending(path: name)
        try Model.writeRandom(.tiny, tokenizer: fixturesFolder.appending(path: "tokenizer.json"), seed: seed, fastFlow: true, to: other)
        let place = other.appending(path: file)
        if file != FlowChoice.fastFileName {
            try? FileManager.default.removeItem(at: place)
            try FileManager.default.moveItem(at: other.appending(path: FlowChoice.fastFileName), to: place)
        }
        return place
    }

    private func putBeside(_ file: URL, as name: String = FlowChoice.fastFileName) throws {
        try? FileManager.default.removeItem(at: model.appending(path: name))
        try FileManager.default.copyItem(at: file, to: model.appending(path: name))
    }

    // MARK: speech

    @Test("the tokens are the model's; the sound is two steps of the other file's flow, with the model's rules and ending", arguments: [false, true])
    func speaks(exact: Bool) async throws {
        try putBeside(fastFlow())
        let compute = try ComputeOptions(exact: exact)
        let own = Synthesizer(try Model.load(model, compute: compute)), fast = Synthesizer(try Model.load(model, compute: compute, flow: .fast()))
        #expect(own.model.s3GenFile.lastPathComponent == "s3gen.safetensors" && !own.model.configuration.s3Gen.flow.meanFlow)
        #expect(fast.model.s3GenFile == model.appending(path: FlowChoice.fastFileName))
        #expect(fast.model.configuration.s3Gen.flow.steps == 2 && fast.model.configuration.reference == own.model.configuration.reference)
        let voice = try await own.voice(from: StandInModel.recording)
        let steps = Steps()
        let before = try await own.trace("One.", voice: voice, options: options).trace
        let after = try await fast.trace("One.", voice: voice, options: options) { if case .flow(_, let count) = $0 { steps.add(count) } }.trace
        #expect(steps.counts == [2, 2])
        let tokens = try before["speech_tokens"]!.array(of: Int64.self)
        #expect(try after["speech_tokens"]!.array(of: Int64.self) == tokens)
        // The results of the file's networks for the same tokens and random numbers.
        let generator = try Generator(seed: 7)
        let decoder = try await self.decoded(fast.model, voice, generator)
        #expect(decoder.map(Int64.init) == tokens.filter { $0 != 6562 })
        let s3Gen = try S3Gen(Weights.load(fast.model.s3GenFile), fast.model.configuration.s3Gen)
        let codes = decoder.filter { $0 < 6561 }
        let (mel, waveform) = try withoutGradients {
            try s3Gen(tokens: Tensor(codes, shape: [1, codes.count]), prompt: voice.prompt, generator: generator)
        }
        try expectClose(after["mel"]!, mel, relative: exact ? 0 : 1e-4)
        try expectClose(after["wav"]!, waveform, relative: exact ? 0 : 1e-3)
    }

    private func decoded(_ model: Model, _ voice: Voice, _ generator: Generator) async throws -> [Int] {
        let text = try PreparedText("One.", model, options)
        guard case .piece(let piece) = text.parts[0] else { return [] }
        let decoder = try T3Decoder(
            engine: model.makeDecodeEngine(slots: 2, capacity: 400), text: text.tokens(of: piece),
            conditioning: T3Conditioning(voice, dtype: .float32, exaggeration: 0.5), options: model.variant.sampling, budget: 6,
            earliestStop: 0, loopGuard: nil, recording: [], generator: generator)
        try withoutGradients { while try decoder.next() != nil {} }
        return decoder.tokens
    }

    @Test("a model whose own flow is a mean flow keeps it") func turbo() throws {
        let turbo = folder.url.appending(path: "turbo")
        try Model.writeRandom(ModelConfiguration.turbo.tiny, as: .turbo, tokenizer: fixturesFolder.appending(path: "gpt2"), seed: 1, to: turbo)
        let loaded = try Model.load(turbo, flow: .fast(elsewhere: [fastFlow()]))
        #expect(loaded.s3GenFile == turbo.appending(path: "s3gen_meanflow.safetensors"))
    }

    @Test("a mean flow is recognised by its tensors, not by the file's name") func ownName() throws {
        try putBeside(fastFlow(), as: "s3gen.safetensors")
        let loaded = try Model.load(model)
        #expect(loaded.configuration.s3Gen.flow.meanFlow && loaded.configuration.s3Gen.flow.steps == 2)
    }

    // MARK: the file

    @Test("the model's folder is searched first, then the others in order") func order() throws {
        let flash = try fastFlow(called: "s3gen.safetensors"), turbo = try fastFlow(in: "turbo")
        let missing = folder.url.appending(path: "missing/s3gen.safetensors")
        func chosen() throws -> URL { try Model.load(model, flow: .fast(elsewhere: [missing, flash, turbo])).s3GenFile }
        #expect(try chosen() == flash)
        try FileManager.default.removeItem(at: flash)
        #expect(try chosen() == turbo)
        try putBeside(turbo)
        #expect(try chosen() == model.appending(path: FlowChoice.fastFileName))
    }

    @Test("an error says that there is no fast flow, or none of the right sizes") func none() throws {
        let error = #expect(throws: CheckpointError.self) { try Model.load(model, flow: .fast()) }
        #expect("\(error!)" == "\(model.path): the model has no fast flow: there is no s3gen_meanflow.safetensors in its folder")
        // A tokenizer of another size gives other tokens.
        let other = try fastFlow()
        var sizes = ModelConfiguration.tiny
        sizes.s3Gen.tokenizer.layers = 3
        try sizes.write(to: other.deletingLastPathComponent().appending(path: "config.json"))
        let unfit = #expect(throws: CheckpointError.self) { try Model.load(model, flow: .fast(elsewhere: [other])) }
        #expect("\(unfit!)".contains("none of \(other.path) is there in the sizes of this model"))
    }

    @Test("a file of that name without a mean flow is refused with an error that names it") func guided() throws {
        try putBeside(StandInModel.folder.appending(path: "s3gen.safetensors"))
        let error = #expect(throws: CheckpointError.self) { try Model.load(model, flow: .fast()) }
        guard case .notMeanFlow(let url) = error else { return #expect(Bool(false), "\(error!)") }
        #expect(url == model.appending(path: FlowChoice.fastFileName))
    }

    // MARK: voices

    @Test("the built-in voice is used if the file's networks for recordings are the model's") func builtInVoice() async throws {
        let own = Synthesizer(try Model.load(model))
        try await own.voice(from: StandInModel.recording).save(to: model.appending(path: "conds.safetensors"))
        try putBeside(fastFlow())
        let fast = Synthesizer(try Model.load(model, flow: .fast()))
        let speech = try await fast.speak("One.", options: options)
        #expect(speech.audio.duration > 0 && speech.report.warnings.besideLength.isEmpty)

        try putBeside(fastFlow(in: "deaf", seed: 2))
        let deaf = Synthesizer(try Model.load(model, flow: .fast()))
        await #expect(throws: CheckpointError.self) { try await deaf.speak("One.", options: options) }
        let conds = model.appending(path: "conds.safetensors")
        let error = await #expect(throws: CheckpointError.self) { try await deaf.voice(from: conds) }
        #expect("\(error!)".hasPrefix("\(conds.path): made with other networks than those of \(deaf.model.s3GenFile.path)"))
    }

    @Test("a prepared voice is used if its networks are the file's, otherwise it is made again") func preparedVoice() async throws {
        let own = Synthesizer(try Model.load(model)), file = folder.url.appending(path: "me.voice.safetensors")
        try await own.voice(from: StandInModel.recording).save(to: file)
        try putBeside(fastFlow())
        let fast = Synthesizer(try Model.load(model, flow: .fast()))
        #expect(try await fast.voice(from: file).warnings.isEmpty)
        try putBeside(fastFlow(in: "deaf", seed: 2))
        let deaf = Synthesizer(try Model.load(model, flow: .fast()))
        let anew = try await deaf.voice(from: file)
        #expect(anew.warnings.map(\.kind) == [.remadeVoice])
        #expect(try await deaf.speak("One.", voice: anew, options: options).audio.duration > 0)
    }
}

/// The numbers of the reported steps.
private final class Steps: Sendable {
    private let stored = Mutex<[Int]>([])

    var counts: [Int] { stored.withLock(\.self) }
    func add(_ count: Int) { stored.withLock { $0.append(count) } }
}
