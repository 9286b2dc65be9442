import ArgumentParser
import Chatterbox
import Foundation
import SpeechAudio

/// Whose voice.
struct VoiceArguments: ParsableArguments {
    @Option(help: ArgumentHelp(
        "A recording to speak like, a prepared voice (.safetensors), or a name from `chatterbox voice list` or of the model's voices. Without it, the model's own voice.",
        valueName: "file|name"))
    var voice: String?

    /// What is meant, read and checked before any model is loaded; nil for the model's own voice.
    ///
    /// - Parameter model: the model that will speak, whose own voices have names as well.
    /// - Throws: as ``VoiceSource``.
    func source(for model: ModelArguments) throws -> VoiceSource? {
        let folders = UserFolders()
        let own = (try? folders.modelLocator().folder(of: model.model)).map { VoiceLibrary(ofModel: $0) }
        return try voice.map { try VoiceSource($0, folders.voiceLibrary, ofModel: own) }
    }
}

/// Where a voice comes from.
struct VoiceSource {
    let file: URL
    private let recording: Audio?

    /// Reads a recording and looks into a prepared voice, so that what is wrong with them is said at once.
    ///
    /// - Parameters:
    ///   - voice: a file, or a name in the library or of the model's voices.
    ///   - model: the model's own voices.
    /// - Throws: `VoiceLibraryError` for what is none of them; `AudioError`, `VoiceError`, `SafetensorsError` for a file.
    init(_ voice: String, _ library: VoiceLibrary, ofModel model: VoiceLibrary? = nil) throws {
        file = try Self.file(voice, library, ofModel: model)
        if Voice.isPrepared(file) {
            recording = nil
            _ = try VoiceSummary(of: file)
        } else {
            recording = try Recording.read(file).checkedAsReference(named: file.relativePath)
        }
    }

    /// The file that is meant: one that exists, else a voice of the library, else one of the model's.
    ///
    /// What looks like a path is taken for one, even where nothing is there: reading it says what is wrong.
    static func file(_ voice: String, _ library: VoiceLibrary, ofModel model: VoiceLibrary? = nil) throws -> URL {
        let place = URL(filePath: voice)
        if FileManager.default.fileExists(atPath: voice), !place.isFolder { return place }
        for library in [library, model].compactMap({ $0 }) {
            if let stored = try? library.entry(named: voice) { return stored.file }
        }
        if voice.contains("/") || voice.contains(".") { return place }
        _ = try library.file(named: voice)
        let known = [library, model].compactMap { $0?.entries() }.joined().map(\.name)
        throw VoiceLibraryError.unknown(voice, known: known, folder: library.folder)
    }

    /// The voice for a model, whose warnings are shown.
    ///
    /// - Parameter use: what it is for.
    func load(_ synthesizer: Synthesizer, _ progress: ProgressDisplay, for use: Voice.Use = .speech) async throws -> Voice {
        progress.begin("Listening to \(file.lastPathComponent)")
        let voice = if let recording {
            try await synthesizer.voice(from: recording, named: file.relativePath)
        } else {
            try await synthesizer.voice(from: file, for: use)
        }
        try Task.checkCancellation()
        progress.warn(voice.warnings)
        return voice
    }
}
