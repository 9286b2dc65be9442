import Chatterbox
import Foundation
import SpeechAudio
import TestSupport
import Testing
import Torch

@testable import ChatterboxTraining

@Suite("Training the vocoder") struct VocoderTaskTests {
    private var small: VocoderConfiguration {
        VocoderConfiguration(
            baseChannels: 16, pitchChannels: 8, residualKernels: [3, 5], residualDilations: [[1], [1, 2]],
            sourceResidualKernels: [3, 3, 3], sourceResidualDilations: [[1], [1], [1]])
    }

    /// A buzz whose pitch rises, with breaks.
    private func recording(in folder: TemporaryFolder) throws -> URL {
        var phase = 0.0
        let samples = (0..<36_000).map { index -> Float in
            phase += 2 * .pi * (140 + Double(index) / 600) / 24_000
            guard index % 9000 < 7000 else { return 0 }
            let sum: Double = 0.2 * sin(phase) + 0.1 * sin(2 * phase) + 0.05 * sin(5 * phase)
            return Float(sum)
        }
        let url = folder.url.appending(path: "buzz.wav")
        try AudioFile.write(Audio(samples: samples, sampleRate: 24_000), to: url)
        return url
    }

    private func task(_ folder: TemporaryFolder, judgesFrom: Int, batch: Int = 2) throws -> VocoderTask {
        let url = try recording(in: folder)
        var options = VocoderTaskOptions(steps: 30, judgesFrom: judgesFrom)
        (options.batch, options.frames, options.rate) = (batch, 10, 1e-2)
        options.export = folder.url.appending(path: "mel2wav.safetensors")
        return try VocoderTask(small, training: SpeechExcerpts([url]), heldOut: SpeechExcerpts([url]), options)
    }

    @Test("cuts have mel, F0 and waveform of the same frames")
    func excerpts() throws {
        let folder = try TemporaryFolder()
        var random = SplitMix64(seed: 1)
        let batch = try SpeechExcerpts([recording(in: folder)]).batch(3, frames: 12, using: &random)
        withExtendedLifetime(folder) {}
        #expect(batch.mel.shape == [3, 80, 12])
        #expect(batch.pitch.shape == [3, 12])
        #expect(batch.waveform.shape == [3, 5760])
        // The mel of the excerpt's waveform differs only at the ends, where it mirrors the missing context.
        let own = try PromptMel()(batch.waveform)
        try expectClose(own[.all, .all, 2..<10], batch.mel[.all, .all, 2..<10], relative: 1e-4)
    }

    @Test("if mels were computed for recordings, excerpts have these, at the waveform's position")
    func madeMels() throws {
        let folder = try TemporaryFolder()
        let url = try recording(in: folder)
        try Data(#"{"audio": "\#(url.lastPathComponent)", "text": "Buzz.", "split": "train"}"#.utf8)
            .write(to: folder.url.appending(path: "manifest.jsonl"))
        let manifest = try Manifest(folder.url), mels = folder.url.appending(path: "mels")
        // The recording's own mel plus 5: it differs from the measured one but still has its position.
        let own = try PromptMel()(AudioFile.read(url).tensor())[0]
        try FeatureStore.write(manifest, to: mels, threads: 1, features: { { _ in ["mel.0": try (own + 5).to(.float16)] } }, progress: { _ in })
        let excerpts = try SpeechExcerpts(manifest, split: "train", mels: FeatureStore(mels))
        var random = SplitMix64(seed: 1)
        let batch = try excerpts.batch(8, frames: 12, using: &random)
        withExtendedLifetime(folder) {}
        let measured = try PromptMel()(batch.waveform)
        try expectClose(batch.mel[.all, .all, 2..<10] - 5, measured[.all, .all, 2..<10], relative: 1e-2)
        #expect(throws: TrainingError.noExamples(manifest.url, split: "validation")) {
            try SpeechExcerpts(manifest, split: "validation", mels: FeatureStore(mels))
        }
    }

    @Test("copy synthesis is compared with its recording over the whole band")
    func copiesFullBand() throws {
        let distance = try CopySynthesis(Vocoder(Weights(initialising: Generator(seed: 1)), small)).distance
        func tone(_ hertz: Double) throws -> Tensor {
            try (Tensor.arange(24_000, dtype: .float32) * (2 * .pi * hertz / 24_000)).sin().unsqueezed(0) * 0.1
        }
        let low = try tone(300)
        #expect(try distance(low, low + tone(10_000)) > 1)
    }

    @Test("every parameter of vocoder, pitch predictor and discriminators gets a gradient")
    func gradients() throws {
        let folder = try TemporaryFolder()
        let task = try task(folder, judgesFrom: 0)
        var without: [String] = []
        for group in task.groups { for parameter in group.parameters.values { try parameter.requiresGradient(true) } }
        let descent = Descent(task.groups, threads: TrainingThreads(1)) { group, gradients in
            let parameters = task.groups.first { $0.name == group }!.parameters
            without += try parameters.keys.filter { try (gradients[$0]?.abs().max().item(Double.self) ?? 0) == 0 }
        }
        _ = try task.step(0, generator: Generator(seed: 1), descent: descent)
        withExtendedLifetime(folder) {}
        #expect(without.isEmpty, "\(without.sorted())")
        #expect(task.groups[0].parameters.keys.contains("mel2wav.resblocks.0.convs1.0.parametrizations.weight.original0"))
        #expect(task.groups[0].parameters.keys.contains("mel2wav.resblocks.0.convs1.0.parametrizations.weight.original1"))
    }

    @Test("a step is the same, bit for bit, whether one thread computes it or several", arguments: [0, 10])
    func division(judgesFrom: Int) throws {
        let folder = try TemporaryFolder()
        let task = try task(folder, judgesFrom: judgesFrom, batch: 5)
        for group in task.groups { for parameter in group.parameters.values { try parameter.requiresGradient(true) } }
        func step(threads: Int) throws -> ([TrainingMetric], [String: [Float]]) {
            var found: [String: [Float]] = [:]
            let descent = Descent(task.groups, threads: TrainingThreads(threads)) { group, gradients in
                for (name, gradient) in gradients { found["\(group) \(name)"] = try gradient.array(of: Float.self) }
            }
            return (try Libtorch.withThreads(1) { try task.step(1, generator: Generator(seed: 1), descent: descent) }, found)
        }
        let one = try step(threads: 1), two = try step(threads: 2)
        withExtendedLifetime(folder) {}
        #expect(one.0 == two.0)
        #expect(one.1.count > 50 && one.1 == two.1)
    }

    @Test("losses fall, and the export loads as a vocoder")
    func learns() throws {
        let folder = try TemporaryFolder()
        let task = try task(folder, judgesFrom: 78)
        let before = try withoutGradients { try task.validate() }
        var options = TrainingOptions(steps: 80, folder: folder.url.appending(path: "state"))
        options.checkpointSeconds = 1000
        try Trainer(options) { _ in }.run(task)
        let after = try withoutGradients { try task.validate() }
        #expect(after[0].value < 0.8 * before[0].value, "\(after[0].name) \(before[0].value) to \(after[0].value)")
        let weights = try Weights.load(folder.url.appending(path: "mel2wav.safetensors"))
        _ = try Vocoder(weights["mel2wav"], small)
        try weights.requireAllUsed()
    }

    @Test("the spectral distance of a signal from itself is 0, and grows with noise")
    func distance() throws {
        let generator = try Generator(seed: 3)
        let x = try Tensor.randn([1, 4800], generator: generator) * 0.1
        let loss = try SpectralLoss()
        let (same, near, far) = (try loss(x, target: x), try loss(x * 1.1, target: x), try loss(x * 2, target: x))
        #expect(try same.mel.item(Double.self) == 0)
        #expect(try same.logarithm.item(Double.self) == 0)
        #expect(try near.mel.item(Double.self) < far.mel.item(Double.self))
        let (convergence, logarithm) = (try far.convergence.item(Double.self), try far.logarithm.item(Double.self))
        #expect(abs(convergence - 1) < 1e-3)
        #expect(abs(logarithm - log(2.0)) < 0.02)
    }
}
