import Chatterbox
import Foundation
import SpeechAudio
import TestSupport
import Testing
import Torch

@testable import ChatterboxTraining

@Suite("Training the speaker encoders") struct SpeakerTrainingTests {
    /// Six speakers that differ in their loudest band, with four recordings each.
    private func recordings(_ folder: TemporaryFolder, level: Float = 1) throws -> SpeakerRecordings {
        let generator = try Generator(seed: 4)
        var utterances: [Manifest.Utterance] = []
        for speaker in 0..<6 {
            for number in 0..<4 {
                let noise = try (Tensor.randn([24_000], generator: generator) * 0.05).array(of: Float.self)
                let step = 2 * Float.pi * Float(400 + 700 * speaker) / 24_000
                let samples = noise.enumerated().map { index, noise -> Float in
                    // A steady tone would be removed with the mean, so each speaker's tone is interrupted.
                    level * (0.3 * noise + (index / 3000 % 2 == 0 ? 0.2 * sin(step * Float(index)) : 0))
                }
                let url = folder.url.appending(path: "\(speaker)-\(number).wav")
                try AudioFile.write(Audio(samples: samples, sampleRate: 24_000), to: url)
                utterances.append(.init(audio: url, text: "", speaker: "speaker \(speaker)", split: "train", seconds: 1, phonemes: nil))
            }
        }
        return try SpeakerRecordings(utterances, perSpeaker: 4, seed: 1)
    }

    private func train(_ task: some TrainingTask, steps: Int, in folder: TemporaryFolder) throws -> [String: Double] {
        var options = TrainingOptions(steps: steps, folder: folder.url.appending(path: "state"))
        options.checkpointSeconds = 1000
        try Trainer(options) { _ in }.run(task)
        return Dictionary(uniqueKeysWithValues: try withoutGradients { try task.validate() }.map { ($0.name, $0.value) })
    }

    @Test("a voice encoder learns to distinguish artificial speakers at any level, and its export loads", arguments: [0.1, 1, 4] as [Float])
    func voiceEncoder(level: Float) throws {
        let folder = try TemporaryFolder()
        let recordings = try recordings(folder, level: level)
        var config = VoiceEncoderConfiguration()
        (config.hiddenSize, config.layers, config.embeddingSize, config.partialFrames, config.partialStep) = (16, 1, 16, 40, 20)
        let export = folder.url.appending(path: "ve.safetensors")
        let task = try VoiceEncoderTask(
            config, training: recordings, heldOut: recordings, export: export, steps: 40, rate: 1e-2, seed: 1)
        let figures = try train(task, steps: 40, in: folder)
        #expect(figures["equal error rate"]! < 0.1)
        let weights = try Weights.load(export)
        _ = try VoiceEncoder(weights, config)
        try weights.requireAllUsed()
    }

    @Test("a speaker encoder learns with its running statistics, and its export loads")
    func speakerEncoder() throws {
        let folder = try TemporaryFolder()
        let recordings = try recordings(folder)
        var config = SpeakerEncoderConfig()
        (config.headChannels, config.headBlocks, config.channels, config.growth) = (2, 1, 16, 8)
        config.blocks = [.init(layers: 1, dilation: 1), .init(layers: 1, dilation: 2)]
        config.embeddingSize = 16
        let export = folder.url.appending(path: "speaker_encoder.safetensors")
        let task = try SpeakerEncoderTask(
            config, training: recordings, heldOut: recordings, export: export, steps: 90, rate: 1e-2, seed: 1)
        let fresh = try task.buffers.mapValues { try $0.clone() }
        let figures = try train(task, steps: 90, in: folder)
        #expect(figures["equal error rate"]! < 0.1)
        for (name, buffer) in task.buffers { #expect(try relativeError(buffer, fresh[name]!) > 0, "\(name) has not moved") }
        let weights = try Weights.load(export)
        _ = try SpeakerEncoder(weights["speaker_encoder"], config)
        try weights.requireAllUsed()
    }

    @Test("the loss finds the nearest speaker, and falls with the distance between speakers")
    func endToEnd() throws {
        let (scale, offset) = (try Tensor([Float(10)]), try Tensor([Float(-5)]))
        func loss(_ spread: Double) throws -> (loss: Double, accuracy: Double) {
            let noise = try Tensor.randn([3, 4, 8], generator: Generator(seed: 5)) * spread
            let centres = try Tensor.eye(8).narrow(axis: 0, from: 0, count: 3).unsqueezed(1)
            let result = try SpeakerLosses.endToEnd(SpeakerLosses.normalized(centres + noise), scale: scale, offset: offset)
            return (try result.loss.item(), result.accuracy)
        }
        let (near, far) = (try loss(0.05), try loss(1))
        #expect(near.accuracy == 1)
        #expect(near.loss < 0.01)
        #expect(far.loss > near.loss)
    }

    @Test("a margin makes the loss of the same cosines larger")
    func margin() throws {
        let embeddings = try Tensor.randn([6, 8], generator: Generator(seed: 6))
        let speakers = try Tensor([0, 1, 2, 0, 1, 2] as [Int64])
        let directions = try embeddings.narrow(axis: 0, from: 0, count: 3)
        func loss(_ margin: Double) throws -> Double {
            try SpeakerLosses.additiveMargin(embeddings, directions: directions, speakers: speakers, margin: margin).loss.item()
        }
        #expect(try loss(0.3) > loss(0))
    }

    @Test("the equal error rate is 0 for different speakers and a half for equal ones")
    func equalErrorRate() throws {
        let apart = try Tensor([1, 0, 1, 0.1, 0, 1, 0.1, 1] as [Float], shape: [4, 2])
        let result = try SpeakerVerification(embeddings: apart, speakers: ["a", "a", "b", "b"])
        #expect(result.equalErrorRate == 0)
        #expect(result.meanSame > 0.99)
        #expect(result.meanDifferent < 0.2)
        #expect(result.threshold > result.meanDifferent)
        let alike = try SpeakerVerification(embeddings: Tensor.ones([4, 2]), speakers: ["a", "a", "b", "b"])
        #expect(alike.equalErrorRate == 0.5)
        // Three of four pairs right on each side.
        let mixed = SpeakerVerification(same: [0.9, 0.8, 0.7, 0.2], different: [0.1, 0.3, 0.4, 0.75])
        #expect(mixed.equalErrorRate == 0.25)
    }
}
