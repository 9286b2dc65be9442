import Chatterbox
import Foundation

/// A voice that requests can name, and that the lists contain.
struct KnownVoice: Sendable {
    let name: String
    /// Its file; nil for the default voice.
    let entry: VoiceLibrary.Entry?
    /// The models with which it comes and which alone can use it; nil for a voice that every model can use.
    let models: [String]?

    /// Whether clients may delete it: true for voices of the folder.
    var isDeletable: Bool { entry != nil && models == nil }

    static let standard = KnownVoice(name: "default", entry: nil, models: nil)

    /// OpenAI's fields, followed by this server's own.
    var json: JSON {
        var members: [(String, JSON)] = [
            ("id", .string(name)), ("object", "audio.voice"), ("name", .string(name)),
            ("created_at", .init(entry.map { Int($0.modified.timeIntervalSince1970) } ?? 0)),
        ]
        if let entry { members.append(("bytes", .init(entry.bytes))) }
        members += [("deletable", .bool(isDeletable)), ("models", models.map { .array($0.map { .string($0) }) } ?? .null)]
        return .object(members.map { JSON.Member(name: $0.0, value: $0.1) })
    }
}

extension ServerState {
    /// The voices that requests can name: the default one, those of the folder, and those that come with models. A voice of the folder has priority
    /// over a model's voice of the same name.
    ///
    /// - Parameter offers: the models whose voices are included; nil for all.
    func knownVoices(of offers: [ModelOffering]? = nil) -> [KnownVoice] {
        let added = voices.library.entries().map { KnownVoice(name: $0.name, entry: $0, models: nil) }
        var known = Set(added.map(\.name)), own: [KnownVoice] = []
        for offer in offers ?? models.offers {
            for entry in offer.voices?.entries() ?? [] where !known.contains(entry.name) {
                if let index = own.firstIndex(where: { $0.name == entry.name }) {
                    own[index] = KnownVoice(name: entry.name, entry: own[index].entry, models: own[index].models! + [offer.name])
                } else {
                    own.append(KnownVoice(name: entry.name, entry: entry, models: [offer.name]))
                }
            }
        }
        known.formUnion(own.map(\.name))
        // A file may have the same name as the default voice.
        return (known.contains(KnownVoice.standard.name) ? [] : [.standard]) + added + own
    }

    /// - Throws: ``APIError`` if there is no voice of that name.
    func knownVoice(_ name: String) throws -> KnownVoice {
        let all = knownVoices()
        if let voice = all.first(where: { $0.name == name }) { return voice }
        let reason = meansAnother(name) ? "the name \(name) means another voice; there is no voice of that name" : "there is no voice \(name) here"
        throw APIError(
            .notFound, "\(reason); there are \(all.map(\.name).joined(separator: ", "))", parameter: "voice_id", code: "voice_not_found")
    }

    /// Whether a name stands for a voice of another name: one of OpenAI's names, or an alias of the configuration.
    private func meansAnother(_ name: String) -> Bool { VoiceShelf.openAINames.contains(name) || configuration.voiceAliases[name] != nil }

    /// Checks whether a new voice can have this name.
    ///
    /// - Throws: ``APIError`` if the name is taken or reserved.
    func checkNewVoice(_ name: String) throws {
        if let known = knownVoices().first(where: { $0.name == name }) {
            let remedy = known.isDeletable ? "delete it first, or choose another name" : "it comes with the server; choose another name"
            throw APIError(.conflict, "there is a voice \(name) already; \(remedy)", parameter: "name", code: "voice_exists")
        }
        guard !meansAnother(name) else {
            throw APIError(
                .conflict, "the name \(name) is reserved: it means another voice here; choose another name", parameter: "name",
                code: "voice_name_reserved")
        }
    }

    /// Deletes a voice.
    ///
    /// - Throws: ``APIError`` if there is no voice of that name, or it does not belong to the folder.
    func removeVoice(_ name: String) async throws {
        let voice = try knownVoice(name)
        guard voice.isDeletable else {
            let origin = voice.models.map { "comes with the model \($0.joined(separator: ", "))" } ?? "is the model's own voice"
            throw APIError(.conflict, "\(name) \(origin) and cannot be deleted", parameter: "voice_id", code: "voice_not_deletable")
        }
        try await voices.remove(name)
    }
}
