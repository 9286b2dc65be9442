import ArgumentParser
import Chatterbox
import Foundation

/// Whose voice.
struct VoiceArguments: ParsableArguments {
    @Option(help: ArgumentHelp(
        "A recording to speak like, a prepared voice (.safetensors), or a name from `chatterbox voice list`. Without it, the model's own voice.",
        valueName: "file|name"))
    var voice: String?

    /// The file that is meant: one that exists, else a voice of the library.
    ///
    /// What looks like a path is taken for one, even where nothing is there: reading it says what is wrong.
    /// - Throws: ``VoiceLibraryError`` for a name that is neither a file nor a voice.
    static func file(_ voice: String, _ library: VoiceLibrary) throws -> URL {
        if FileManager.default.fileExists(atPath: voice) { return URL(filePath: voice) }
        if let stored = try? library.entry(named: voice) { return stored.file }
        if voice.contains("/") || voice.contains(".") { return URL(filePath: voice) }
        return try library.entry(named: voice).file
    }

    /// The voice; nil for the model's own.
    ///
    /// - Throws: as ``file(_:_:)``, and what reading the recording or the voice throws.
    func load(_ synthesizer: Synthesizer, _ progress: ProgressDisplay) async throws -> Voice? {
        guard let voice else { return nil }
        let file = try Self.file(voice, UserFolders().voiceLibrary)
        progress.begin("Listening to \(file.lastPathComponent)")
        let prepared = try await synthesizer.voice(from: file)
        try Task.checkCancellation()
        return prepared
    }
}
