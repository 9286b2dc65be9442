import Chatterbox
import Foundation
import SpeechAudio

/// The server's voices: a folder of prepared voices, to which clients may add, and the voices that come with models.
actor VoiceShelf {
    /// OpenAI's voice names: each means the default voice, unless the configuration maps it to another.
    static let openAINames = ["alloy", "ash", "ballad", "coral", "echo", "fable", "onyx", "nova", "sage", "shimmer", "verse", "marin", "cedar"]

    nonisolated let library: VoiceLibrary
    /// The voices for other names, such as OpenAI's.
    private let aliases: [String: String]
    /// The default voice; nil for the model's own.
    private let standard: String?

    private struct Key: Hashable {
        let model: String
        let file: URL
        let modified: Date
        let use: Voice.Use
    }

    /// Voices prepared for models.
    private let loaded = SharedReads<Key, Voice>(most: 64)

    init(folder: URL, aliases: [String: String] = [:], standard: String? = nil) {
        (library, self.aliases, self.standard) = (VoiceLibrary(folder: folder), aliases, standard)
    }

    /// The voice of a name, for a model; nil means the model's own.
    ///
    /// - Throws: ``APIError`` for an unknown name; errors of reading.
    func voice(_ name: String, for lease: ModelLease, use: Voice.Use = .speech) async throws -> Voice? {
        guard let file = try file(of: name, for: lease) else {
            guard lease.model.hasVoice else {
                throw APIError.invalid(
                    "\(lease.name) has no voice of its own; add one with POST /v1/audio/voices and name it", "voice", code: "voice_not_found")
            }
            return nil
        }
        let modified = (try? FileManager.default.attributesOfItem(atPath: file.path))?[.modificationDate] as? Date ?? .distantPast
        let key = Key(model: lease.name, file: file, modified: modified, use: use)
        return try await loaded.value(for: key) { try await lease.model.voice(from: file, for: use) }
    }

    /// Removes the voices prepared for a model that is unloaded: other weights may be loaded under its name.
    func forget(model: String) { loaded.forget { $0.model == model } }

    /// The file of a voice; nil for the model's own voice.
    private func file(of name: String, for lease: ModelLease) throws -> URL? {
        if let file = ownFile(of: name, for: lease) { return file }
        // An alias stands for a voice, not for another alias.
        if let meant = aliases[name] {
            guard meant != "default" else { return try standardFile(for: lease) }
            guard let file = ownFile(of: meant, for: lease) else { throw unknown(meant, for: lease) }
            return file
        }
        guard Self.openAINames.contains(name) || name == "default" else { throw unknown(name, for: lease) }
        return try standardFile(for: lease)
    }

    private func standardFile(for lease: ModelLease) throws -> URL? {
        guard let standard else { return nil }
        guard let file = ownFile(of: standard, for: lease) else { throw unknown(standard, for: lease) }
        return file
    }

    /// The file of a voice that exists.
    private func ownFile(of name: String, for lease: ModelLease) -> URL? {
        for library in [library, lease.model.ownVoices] {
            if let entry = try? library.entry(named: name) { return entry.file }
        }
        return nil
    }

    /// Checks whether a model has a voice of this name, as far as this is known before the model is loaded.
    ///
    /// - Throws: ``APIError``.
    func check(_ name: String, of offer: ModelOffering) throws {
        guard let own = offer.voices else { return }
        let isKnown = [library, own].contains { (try? $0.entry(named: name)) != nil }
        guard !isKnown, aliases[name] == nil, !Self.openAINames.contains(name), name != "default" else { return }
        throw unknown(name, besides: own)
    }

    private func unknown(_ name: String, for lease: ModelLease) -> APIError { unknown(name, besides: lease.model.ownVoices) }

    private func unknown(_ name: String, besides own: VoiceLibrary) -> APIError {
        let files = [library, own].flatMap { $0.entries().map(\.name) }
        let known = (files + aliases.keys.sorted() + ["default"]).joined(separator: ", ")
        return APIError(.notFound, "there is no voice \(name) here; there are \(known)", parameter: "voice", code: "voice_not_found")
    }

    /// A voice of the folder.
    ///
    /// - Throws: ``APIError``.
    nonisolated func entry(_ name: String) throws -> VoiceLibrary.Entry {
        guard let entry = try? library.entry(named: name) else {
            throw APIError(.notFound, "there is no voice \(name) here", parameter: "voice_id", code: "voice_not_found")
        }
        return entry
    }

    /// Stores a recording as a voice.
    ///
    /// - Throws: ``APIError`` for a name that is invalid or taken, even if it was taken meanwhile; errors of preparing the voice.
    func add(_ recording: Audio, named name: String, with lease: ModelLease) async throws -> VoiceLibrary.Entry {
        do {
            _ = try library.file(named: name)
            let voice = try await lease.model.voice(from: recording, named: "audio_sample")
            try library.store(voice, as: name, replaces: false)
        } catch let error as AudioError {
            throw APIError.invalid(error, "audio_sample", code: "invalid_audio")
        } catch VoiceLibraryError.exists {
            throw APIError(
                .conflict, "there is a voice \(name) already; delete it first, or take another name", parameter: "name", code: "voice_exists")
        } catch let error as VoiceLibraryError {
            guard case .badName = error else { throw error }
            throw APIError.invalid(error, "name")
        }
        return try entry(name)
    }

    /// Deletes a voice of the folder.
    ///
    /// - Throws: ``APIError``.
    func remove(_ name: String) throws {
        let entry = try entry(name)
        try library.remove(name)
        loaded.forget { $0.file == entry.file }
    }
}
