import Chatterbox
import Foundation
import SpeechAudio
import Testing
import Torch

/// Gives a suite a small model with random weights in a folder, and a recording, which go away with the suite. The
/// model ends what it says after eight tokens.
public struct StandInModel: SuiteTrait, TestScoping {
    @TaskLocal private static var current: TemporaryFolder?

    /// The model's folder.
    public static var folder: URL { current!.url.appending(path: "model") }
    /// One second of ``buzz(seconds:pitch:)`` at 24 kHz.
    public static var recording: URL { current!.url.appending(path: "recording.wav") }

    public func provideScope(for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void) async throws {
        let folder = try TemporaryFolder()
        let model = folder.url.appending(path: "model")
        try Model.writeRandom(.tiny, tokenizer: fixturesFolder.appending(path: "tokenizer.json"), seed: 1, to: model)
        try Self.endSpeech(in: model.appending(path: "t3_cfg.safetensors"), after: 8)
        try AudioFile.write(Self.buzz(seconds: 1), to: folder.url.appending(path: "recording.wav"))
        try await Self.$current.withValue(folder) { try await function() }
    }

    /// Writes a copy of the model in which some networks or rules are others.
    ///
    /// - Parameter files: those that are another random model's.
    public static func writeCopy(to copy: URL, replacing files: [String] = [], rules: ReferenceRules? = nil) throws {
        try FileManager.default.copyItem(at: folder, to: copy)
        if !files.isEmpty {
            let other = try TemporaryFolder()
            try Model.writeRandom(.tiny, tokenizer: fixturesFolder.appending(path: "tokenizer.json"), seed: 2, to: other.url)
            for name in files {
                try FileManager.default.removeItem(at: copy.appending(path: name))
                try FileManager.default.copyItem(at: other.url.appending(path: name), to: copy.appending(path: name))
            }
        }
        if let rules {
            var configuration = try Model.configuration(of: copy)
            configuration.reference = rules
            try configuration.write(to: copy.appending(path: "config.json"))
        }
    }

    /// Makes the first of the network's channels depend only on the position, and the stop token on this channel.
    private static func endSpeech(in file: URL, after tokens: Int) throws {
        var weights = try SafetensorsFile(file).tensors().mapValues { try $0 * 1 }
        func change(_ name: String, _ change: (_ row: Int, _ column: Int, _ value: Float) -> Float) throws {
            let tensor = weights[name]!, width = tensor.size(1)
            let values = try tensor.array(of: Float.self).enumerated().map { change($0 / width, $0 % width, $1) }
            weights[name] = try Tensor(values, shape: tensor.shape)
        }
        try change("speech_emb.weight") { _, column, value in column == 0 ? 0 : value }
        try change("speech_pos_emb.emb.weight") { row, column, value in column == 0 ? (row < tokens ? -8 : 8) : value }
        for layer in 0..<2 {
            for name in ["self_attn.o_proj", "mlp.down_proj"] {
                try change("tfmr.layers.\(layer).\(name).weight") { row, _, value in row == 0 ? 0 : value }
            }
        }
        // Before that, no control token is drawn: all eight have sound.
        let (stop, codes) = (ModelConfiguration.tiny.t3.stopSpeech, ModelConfiguration.tiny.s3Gen.flow.tokenCount)
        try change("speech_head.weight") { row, column, value in
            if column == 0 { row == stop ? 200 : row < codes ? 0 : 100 } else { row == stop ? 0 : value }
        }
        try SafetensorsWriter.write(weights, to: file)
    }

    /// A tone with overtones, about as loud as speech, that rises and falls four times a second as syllables do.
    public static func buzz(seconds: Double, pitch: Double = 120) -> Audio {
        let samples = (0..<Int(seconds * 24_000)).map { index in
            let phase = 2 * Double.pi * pitch * Double(index) / 24_000
            let loudness = Float(0.51 + 0.49 * cos(2 * Double.pi * 4 * Double(index) / 24_000))
            return loudness * (1...8).reduce(Float(0)) { sum, overtone in sum + Float(0.1 / Double(overtone) * sin(phase * Double(overtone))) }
        }
        return Audio(samples: samples, sampleRate: 24_000)
    }
}

extension SuiteTrait where Self == StandInModel {
    public static var standInModel: StandInModel { StandInModel() }
}
