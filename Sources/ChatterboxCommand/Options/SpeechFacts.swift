import Chatterbox
import FileSupport
import Foundation
import Torch

/// Everything that determines a sound, as a digest by which the same speech is recognised.
enum SpeechFacts {
    /// Each text is preceded by its length, so that different lists never give the same input.
    static func digest(_ facts: [String]) -> String { SHA256.digest(Data(facts.map { "\($0.utf8.count):\($0)" }.joined().utf8)) }

    static func digest(of file: URL) throws -> String { SHA256.digest(try Data(contentsOf: file, options: .mappedIfSafe)) }

    static func digest(of model: Model) throws -> String { try model.digest(of: .t3) + model.digest(of: .flow) }
}

extension ComputeArguments {
    /// The settings of the computation that change the samples.
    func facts(_ model: Model) -> [String] {
        ["\(model.device.isCUDA ? "cuda" : "cpu")", "\(dtype)", "\(quantize)", "\(exact)", "\(flow)", "\(tf32)"]
    }
}

extension AdapterArgument {
    func digest() throws -> String {
        let url = URL(filePath: path), file = url.isFolder ? url.appending(path: "adapter_model.safetensors") : url
        return try SpeechFacts.digest(of: file) + "=\(weight)"
    }
}

extension SpeakingArguments {
    /// Everything that determines the tokens and the sound of an utterance besides its text, its seed and its voice.
    var utteranceFacts: [String] {
        [
            fact("language", language), fact("exaggeration", exaggeration), fact("cfg", cfgWeight), fact("temperature", temperature),
            fact("top-p", topP), fact("top-k", topK), fact("min-p", minP), fact("repetition", repetitionPenalty), fact("steps", steps),
            fact("max-tokens", maxTokens), fact("takes", takes),
        ].compactMap(\.self)
    }

    /// Everything that determines the speech, without the contents of a lexicon's file.
    var facts: [String] {
        [fact("seed", seed)].compactMap(\.self) + utteranceFacts
            + [
                fact("pause", pause), fact("speed", speed), fact("loudness", loudness), "split=\(split)", "normalize=\(!noNormalize)",
                "watermark=\(!noWatermark)",
            ].compactMap(\.self)
    }

    private func fact(_ name: String, _ value: (some Any)?) -> String? { value.map { "\(name)=\($0)" } }
}
