import FileSupport
import Foundation
import SpeechText
import Torch

/// A model folder that cannot be loaded.
public enum CheckpointError: Error, CustomStringConvertible {
    case noFolder(URL)
    case notAModel(URL, found: [String])
    case missingFile(URL, name: String)
    case unsupportedLanguage(Language, model: String, languages: [Language])
    case configuration(URL, problem: String)
    case noBuiltInVoice(URL)
    /// The folder's voice was made with networks other than those of the S3Gen that the model uses.
    case builtInVoiceOfOthers(URL, s3Gen: URL)
    /// There is no mean flow for a model.
    case noFastFlow(URL, others: [URL])
    /// A file that should hold an S3Gen with mean flow.
    case notMeanFlow(URL)
    case unwritable(URL, reason: String)

    public var description: String {
        switch self {
        case .noFolder(let url):
            return "\(url.path): no such folder; expected a model's: \(Self.expected)"
        case .notAModel(let url, let found):
            let shown = found.isEmpty ? "it is empty" : "it holds \(found.prefix(3).joined(separator: ", "))\(found.count > 3 ? ", …" : "")"
            return "\(url.path): not a model folder, \(shown); expected \(Self.expected)"
        case .missingFile(let url, let name):
            return "\(url.appending(path: name).path): no such file; the model is incomplete, download it again"
        case .unsupportedLanguage(let language, let model, let languages):
            let known = languages.map { "\($0.code) (\($0.name))" }.joined(separator: ", ")
            return "\(model) does not speak \(language.name); it speaks \(known)"
        case .configuration(let url, let problem):
            return "\(url.path): not a model's configuration: \(problem.shown(limit: 300)); take the file that came with the model"
        case .noBuiltInVoice(let url):
            return "\(url.path): the model has no voice of its own (conds.pt): speaking needs a recording or a prepared voice"
        case .builtInVoiceOfOthers(let url, let s3Gen):
            return
                "\(url.path): made with other networks than those of \(s3Gen.path), so its voice would be wrong there: speaking needs a recording, or a "
                + "voice prepared from one"
        case .noFastFlow(let folder, let others):
            let places = others.isEmpty ? "" : ", and none of \(others.map(\.path).joined(separator: ", ")) is there in the sizes of this model"
            return "\(folder.path): the model has no fast flow: there is no \(FlowChoice.fastFileName) in its folder\(places)"
        case .notMeanFlow(let url):
            return
                "\(url.path): no S3Gen with mean flow; expected the tensor flow.decoder.estimator.time_embed_mixer.weight, which this file does not hold"
        case .unwritable(let url, let reason):
            return "\(url.path): cannot be written (\(reason))"
        }
    }

    private static let expected =
        "a T3 such as t3_cfg.safetensors, t3_mtl23ls_v3.safetensors or t3_turbo_v1.safetensors, its S3Gen, "
        + "its voice encoder and its tokenizer, or a config.json whose part \"variant\" names other files"
}
