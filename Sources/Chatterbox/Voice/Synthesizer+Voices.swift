import Foundation
import Logging
import SpeechAudio
import Torch

extension Synthesizer {
    /// Makes a voice from a recording (WAV, FLAC, MP3, Ogg, any rate), or loads a prepared voice for this model.
    ///
    /// - Parameters:
    ///   - file: a prepared voice if its name ends in `.safetensors` or `.pt`, else a recording.
    ///   - use: what the voice is for.
    /// - Throws: `AudioError` if a recording cannot be read, is silent or too short; what reading a prepared voice
    ///   throws, and what ``prepared(_:for:)`` throws.
    public func voice(from file: URL, for use: Voice.Use = .speech) async throws -> Voice {
        guard Voice.isPrepared(file) else { return try await voice(from: Self.blocking { try AudioFile.read(file) }, named: file.path) }
        guard !model.owns(file) else {
            guard model.builtInVoice != nil else { throw model.noBuiltInVoice }
            return try Voice.load(ofModel: file, sizes: model.voiceAnalyzer.voiceSizes).to(model.device)
        }
        return try await prepared(Voice.unchecked(from: file), for: use)
    }

    /// Makes a voice from the part of a recording with the most speech; in an ordinary recording that is its beginning. The voice's
    /// ``Voice/warnings`` say what was left out, corrected or found to be wrong. A model on the exact path uses the recording unchanged, as
    /// upstream does.
    ///
    /// - Parameters:
    ///   - recording: speech of one person, with any sample rate and number of channels.
    ///   - name: the recording's name in messages.
    /// - Throws: `AudioError` where nobody speaks in the recording or it is too short; `CancellationError` between two networks.
    public func voice(from recording: Audio, named name: String = "reference recording") async throws -> Voice {
        let start = ContinuousClock.now, rules = model.voiceAnalyzer.rules
        try recording.checkedAsReference(named: name, minimumSeconds: rules.minimumSeconds)
        let reference =
            model.isExact
            ? nil
            : try recording.asReference(
                wanted: max(rules.promptSeconds, rules.conditioningSeconds), needed: rules.minimumSeconds, named: name)
        var voice = try await voice(listeningTo: reference?.audio ?? recording, name)
        voice.excerpt = reference?.used.map { Voice.Excerpt($0, of: recording.duration) }
        voice.recordingNotes = reference?.notes ?? []
        voice.warnings += (reference?.notes ?? []).map { .recording(name, $0) }
        logger?.debug(
            "voice made",
            metadata: [
                "model": "\(model.variant.name)", "recording_seconds": "\(recording.duration.inMilliseconds)",
                "warnings": "\(voice.warnings.count)", "seconds": "\(((ContinuousClock.now - start) / .seconds(1)).inMilliseconds)",
            ])
        return voice
    }

    private func voice(listeningTo recording: Audio, _ name: String) async throws -> Voice {
        try await engine.run(threads: model.libtorchThreads) { [model] turn in
            try model.offload?.enter()
            defer { model.offload?.exit() }
            return try model.voiceAnalyzer.voice(from: recording, named: name, pause: turn.pause)
        }
    }

    /// Returns a prepared voice for this model. It is unchanged if the model's networks and rules are those that made it, or if those are not
    /// known. Otherwise it is computed again from the recording that it contains, and its ``Voice/warnings`` say so.
    ///
    /// - Parameters:
    ///   - voice: of this model or of another one.
    ///   - use: what the voice is for.
    /// - Throws: ``VoiceError``, also if another model made it and it contains no recording; `AudioError` if the recording is damaged or too short
    ///   for this model.
    public func prepared(_ voice: Voice, for use: Voice.Use = .speech) async throws -> Voice {
        let differing = try model.differences(from: voice, for: use)
        guard !differing.isEmpty else { return try voice.checked(model.voiceAnalyzer.voiceSizes).to(model.device) }
        guard let recording = voice.recording else { throw model.refusal(of: voice, differing) }
        let sound = try recording.audio(named: "the recording in \(voice.name)")
        var anew = try await self.voice(from: sound, named: "the recording in \(voice.name)")
        anew.name = voice.name
        anew.warnings = [.remade(voice, for: model.variant.title, differing)] + anew.warnings
        return anew
    }
}

extension Model {
    /// The voice to use: the requested one, after a check that it is not another model's, otherwise this model's own.
    /// A prepared voice is read on the CPU; this moves it to the model's device.
    ///
    /// - Throws: ``VoiceError``, ``CheckpointError/noBuiltInVoice(_:)``.
    func voice(_ wanted: Voice?, for use: Voice.Use) throws -> Voice {
        guard let wanted else {
            guard let builtInVoice else { throw noBuiltInVoice }
            return builtInVoice
        }
        let differing = try differences(from: wanted, for: use)
        guard differing.isEmpty else { throw refusal(of: wanted, differing) }
        return try wanted.to(device)
    }

    /// The parts in which this model differs from the one that made a voice, as far as that is known.
    func differences(from voice: Voice, for use: Voice.Use) throws -> [VoiceOrigin.Part] {
        guard let origin = voice.origin else { return [] }
        return try voiceAnalyzer.origin().differences(from: origin, for: use)
    }

    func refusal(of voice: Voice, _ differing: [VoiceOrigin.Part]) -> VoiceError {
        .otherOrigin(
            voice: voice.name, differing: differing, maker: voice.origin?.model, model: variant.title, hasRecording: voice.recording != nil)
    }

    /// Whether a file is this model's built-in voice, which belongs to the model whatever the file contains.
    func owns(_ file: URL) -> Bool {
        variant.files.voice.contains(file.lastPathComponent)
            && file.deletingLastPathComponent().resolvingSymlinksInPath().path == folder.resolvingSymlinksInPath().path
    }
}

extension Voice {
    /// Whether a file's name is that of a prepared voice; otherwise it is a recording.
    public static func isPrepared(_ file: URL) -> Bool { ["safetensors", "pt"].contains(file.pathExtension) }

    /// Reads a voice in a model's own folder, which belongs to that model even if the file does not say so.
    static func load(ofModel file: URL, sizes: Sizes) throws -> Voice {
        var voice = try load(from: file, sizes: sizes)
        voice.warnings = []
        return voice
    }
}

extension SpeechWarning {
    static func unknownOrigin(of voice: String) -> SpeechWarning {
        SpeechWarning(
            .unknownVoice, "\(voice) does not say which networks made it: if they are not this model's, speech in this voice is wrong")
    }

    static func recording(_ name: String, _ note: String) -> SpeechWarning {
        let file = name.contains("/") ? URL(filePath: name).lastPathComponent : name
        return SpeechWarning(.recording, "\(file): \(note)")
    }

    static func remade(_ voice: Voice, for model: String, _ differing: [VoiceOrigin.Part]) -> SpeechWarning {
        let contrast = differing.contrast(of: voice.origin?.model, with: model)
        var text = "\(voice.name) was made with \(contrast); it was made again from the recording in it"
        if let total = voice.heardSeconds, let kept = voice.recording?.seconds, total > kept + 0.001 {
            text += String(format: ", the first %.0f of %.0f s", kept, total)
        }
        return SpeechWarning(.remadeVoice, text)
    }
}
