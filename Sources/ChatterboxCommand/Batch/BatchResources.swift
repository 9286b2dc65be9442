import Chatterbox
import Foundation
import Torch

/// Models, voices and adapters that several texts of a manifest need, each loaded once; those that nobody has needed for long make room.
actor BatchResources {
    private let models: SharedLoads<String, Synthesizer>
    private let voices = SharedLoads<[String], LoadedVoice>(limit: 64)
    private let adapters = SharedLoads<String, LoadedAdapter>(limit: 64)
    private let library: VoiceLibrary
    private let locator: ModelLocator
    private let display: ProgressDisplay

    struct LoadedVoice: Sendable {
        let voice: Voice
        /// Of its file.
        let digest: String
    }

    struct LoadedAdapter: Sendable {
        let use: AdapterUse
        let digest: String
    }

    /// - Parameters:
    ///   - most: models that stay loaded at once; one more may be while a text is still spoken by it.
    ///   - load: loads a model by its name or folder.
    init(models most: Int, _ folders: UserFolders, _ display: ProgressDisplay, load: @escaping @Sendable (String) async throws -> Synthesizer) {
        models = SharedLoads(limit: most, load)
        (library, locator, self.display) = (folders.voiceLibrary, folders.modelLocator(), display)
    }

    /// - Parameter name: empty for the best model on this machine.
    func model(_ name: String) async throws -> Synthesizer { try await models.value(for: name) }

    /// - Parameters:
    ///   - voice: a file or a name.
    ///   - model: as the text names it.
    func voice(_ voice: String, _ model: String, _ synthesizer: Synthesizer) async throws -> LoadedVoice {
        let own = (try? locator.folder(of: model.isEmpty ? nil : model)).map { VoiceLibrary(ofModel: $0) }
        let (library, display) = (library, display)
        return try await voices.value(for: [voice, model]) {
            let source = try VoiceSource(voice, library, ofModel: own)
            let bytes = try Data(contentsOf: source.file, options: .mappedIfSafe)
            return LoadedVoice(voice: try await source.load(synthesizer, display), digest: SHA256.digest(bytes))
        }
    }

    /// - Parameter text: `FILE` or `FILE=WEIGHT`.
    func adapter(_ text: String) async throws -> LoadedAdapter {
        try await adapters.value(for: text) {
            guard let argument = AdapterArgument(argument: text) else { throw UsageError("the adapter has no name") }
            let use = try argument.use()
            let url = URL(filePath: argument.path), file = url.isFolder ? url.appending(path: "adapter_model.safetensors") : url
            return LoadedAdapter(use: use, digest: SHA256.digest(try Data(contentsOf: file, options: .mappedIfSafe)) + "=\(argument.weight)")
        }
    }
}

/// Values that are loaded once for all who need them at the time, kept up to a number.
actor SharedLoads<Key: Hashable & Sendable, Value: Sendable> {
    private let limit: Int
    private let load: (@Sendable (Key) async throws -> Value)?
    /// The one needed last stands last.
    private var loads: [(key: Key, number: Int, task: Task<Value, any Error>)] = []
    private var number = 0

    init(limit: Int, _ load: (@Sendable (Key) async throws -> Value)? = nil) { (self.limit, self.load) = (limit, load) }

    /// - Parameter other: how it is loaded, where it isn't as always.
    /// - Throws: what loading throws; the next who needs it tries again.
    func value(for key: Key, _ other: (@Sendable () async throws -> Value)? = nil) async throws -> Value {
        let task: Task<Value, any Error>, number: Int
        if let index = loads.firstIndex(where: { $0.key == key }) {
            let known = loads.remove(at: index)
            loads.append(known)
            (task, number) = (known.task, known.number)
        } else {
            // What was needed longest ago goes first, so that both are not there at once.
            while loads.count >= limit { loads.removeFirst() }
            self.number += 1
            number = self.number
            task = Task { [load] in if let other { try await other() } else { try await load!(key) } }
            loads.append((key, number, task))
        }
        do { return try await task.value } catch {
            loads.removeAll { $0.number == number }
            throw error
        }
    }
}
