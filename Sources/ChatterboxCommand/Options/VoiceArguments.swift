import ArgumentParser
import Chatterbox
import FileSupport
import Foundation
import SpeechAudio

/// The voice of the speech.
struct VoiceArguments: ParsableArguments {
    @Option(
        name: .customLong("voice"),
        help: ArgumentHelp(
            "The voice: a recording, a prepared voice (.safetensors), or the name of one from `chatterbox voice list` or of the model's. For a text with several speakers give ada=FILE for each; it speaks the text that follows [ada]. (default: the model's own voice)",
            valueName: "file|name"))
    var given: [String] = []

    /// The voice for text outside of speakers' turns.
    var voice: String? { given.last { Self.speaker($0) == nil } }

    /// Speakers by name, in the order given.
    private var speakers: [(name: String, voice: String)] { given.compactMap(Self.speaker) }

    /// Splits `ada=ada.wav`, unless there is a file with that whole name.
    private static func speaker(_ argument: String) -> (name: String, voice: String)? {
        guard let sign = argument.firstIndex(of: "="), !FileManager.default.fileExists(atPath: argument) else { return nil }
        let name = String(argument[..<sign]), voice = String(argument[argument.index(after: sign)...])
        return name.contains("/") || name.isEmpty || voice.isEmpty ? nil : (name, voice)
    }

    /// The voice, read and checked before a model is loaded; nil for the model's own voice.
    ///
    /// - Parameter model: the model that will speak; its own voices can be named as well.
    /// - Throws: ``UsageError`` for several voices; as ``VoiceSource``.
    func source(for model: ModelArguments) throws -> VoiceSource? {
        if let speaker = speakers.first {
            throw UsageError("--voice \(speaker.name)=… gives a speaker of a text a voice; here one voice is enough: --voice \(speaker.voice)")
        }
        guard given.count < 2 else {
            throw UsageError("--voice is given \(given.count) times; give it once, or name the speakers of a text: --voice ada=\(given[0])")
        }
        return try voice.map { try source($0, model) }
    }

    /// The same, with the voices of a text's speakers.
    func sources(for model: ModelArguments) throws -> (own: VoiceSource?, speakers: [(name: String, source: VoiceSource)]) {
        let unnamed = given.filter { Self.speaker($0) == nil }, speakers = speakers
        guard unnamed.count < 2 else {
            throw UsageError(
                "--voice is given \(unnamed.count) times without a speaker's name; name the speakers of the text: --voice ada=\(unnamed[0])")
        }
        if let twice = Dictionary(grouping: speakers, by: \.name).first(where: { $0.value.count > 1 })?.key {
            throw UsageError("--voice \(twice)=… is given twice")
        }
        return (try voice.map { try source($0, model) }, try speakers.map { ($0.name, try source($0.voice, model)) })
    }

    private func source(_ voice: String, _ model: ModelArguments) throws -> VoiceSource {
        let folders = UserFolders()
        return try VoiceSource(voice, folders.voiceLibrary, ofModel: folders.ownVoices(ofModel: model.model))
    }
}

/// The source of a voice.
struct VoiceSource {
    let file: URL
    private let recording: Audio?

    /// Reads a recording, or the header of a prepared voice, so that errors are reported at once.
    ///
    /// - Parameters:
    ///   - voice: a file, or a name in the library or of the model's voices.
    ///   - model: the model's own voices.
    /// - Throws: `VoiceLibraryError` if there is no such file or voice; `AudioError`, `VoiceError`, `SafetensorsError` for a file.
    init(_ voice: String, _ library: VoiceLibrary, ofModel model: VoiceLibrary? = nil) throws {
        file = try Self.file(voice, library, ofModel: model)
        if Voice.isPrepared(file) {
            recording = nil
            _ = try VoiceSummary(of: file)
        } else {
            recording = try Recording.read(file).checkedAsReference(named: file.relativePath)
        }
    }

    /// The file of a voice: an existing file, otherwise a voice of the library, otherwise one of the model's.
    ///
    /// A text that looks like a path is treated as one even if there is no such file: reading it then causes the error.
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

    /// Loads the voice for a model, and shows its warnings.
    ///
    /// - Parameter use: the purpose of the voice.
    func load(_ synthesizer: Synthesizer, _ progress: ProgressDisplay, for use: Voice.Use = .speech) async throws -> Voice {
        progress.begin("Listening to \(file.lastPathComponent)")
        let voice =
            if let recording {
                try await synthesizer.voice(from: recording, named: file.relativePath)
            } else {
                try await synthesizer.voice(from: file, for: use)
            }
        try Task.checkCancellation()
        progress.warn(voice.warnings)
        return voice
    }
}

/// A recording that the user names.
enum Recording {
    /// Reads every supported format, including those that need ffmpeg if it is installed.
    ///
    /// - Throws: `AudioError`.
    static func read(_ file: URL) throws -> Audio {
        try AudioFile.read(file, ffmpeg: .installed(in: ProcessInfo.processInfo.environment["PATH"] ?? ""))
    }
}
