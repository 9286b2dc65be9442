import Chatterbox
import Foundation
import Torch

/// Models, voices and adapters for the texts of a manifest, each loaded once; the least recently used ones are released. Each comes with a digest
/// that identifies it.
struct BatchResources: Sendable {
    struct Loaded<Value: Sendable>: Sendable {
        let value: Value
        let digest: String
    }

    private let models: SharedReads<String, Loaded<Synthesizer>>
    private let voices = SharedReads<[String], Loaded<Voice>>(most: 64)
    private let adapters = SharedReads<String, Loaded<AdapterUse>>(most: 64)
    private let judges = SharedReads<JudgeName, any SpeechJudge>(most: JudgeName.allCases.count)
    private let folders: UserFolders
    private let display: ProgressDisplay
    private let load: @Sendable (String) async throws -> Synthesizer

    /// - Parameters:
    ///   - most: the largest number of loaded models; another one may remain loaded while it still speaks a text.
    ///   - load: loads a model by its name or folder.
    init(models most: Int, _ folders: UserFolders, _ display: ProgressDisplay, load: @escaping @Sendable (String) async throws -> Synthesizer) {
        models = SharedReads(most: most)
        (self.folders, self.display, self.load) = (folders, display, load)
    }

    /// - Parameter name: empty for the first installed model in the order of preference.
    func model(_ name: String) async throws -> Loaded<Synthesizer> {
        try await models.value(for: name) { [load] in
            let synthesizer = try await load(name)
            return Loaded(value: synthesizer, digest: try SpeechFacts.digest(of: synthesizer.model))
        }
    }

    /// - Parameters:
    ///   - voice: a file or a name.
    ///   - model: the model's name, as in the manifest.
    func voice(_ voice: String, _ model: String, _ synthesizer: Synthesizer) async throws -> Loaded<Voice> {
        try await voices.value(for: [voice, model]) { [folders, display] in
            let source = try VoiceSource(voice, folders.voiceLibrary, ofModel: folders.ownVoices(ofModel: model.isEmpty ? nil : model))
            return Loaded(value: try await source.load(synthesizer, display), digest: try SpeechFacts.digest(of: source.file))
        }
    }

    func judge(_ name: JudgeName) async throws -> any SpeechJudge {
        try await judges.value(for: name) { [folders] in try name.load(folders) }
    }

    /// - Parameter text: `FILE` or `FILE=WEIGHT`.
    func adapter(_ text: String) async throws -> Loaded<AdapterUse> {
        try await adapters.value(for: text) {
            guard let argument = AdapterArgument(argument: text) else { throw UsageError("the adapter has no name") }
            return Loaded(value: try argument.use(), digest: try argument.digest())
        }
    }
}
