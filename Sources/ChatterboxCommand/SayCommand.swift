import ArgumentParser
import Chatterbox
import Foundation
import SpeechAudio

struct SayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "say",
        abstract: "Speak a text.",
        usage: """
            chatterbox say TEXT [-o out.wav] [--voice FILE|NAME] [options]
            chatterbox say --file FILE [-o out.wav] …
            … | chatterbox say - -o - | …
            """,
        discussion: """
            Examples:
              chatterbox say "The ship was late." -o ship.wav
              chatterbox say --file chapter.txt --voice me.wav -o chapter.mp3
              chatterbox say --file chapter.txt --timestamps chapter.srt -o chapter.mp3
              chatterbox say "Once more, the same way." --seed 7 --json
              chatterbox say --file chapter.txt --judge moonshine --takes 4 -o chapter.mp3
              chatterbox say --file chapter.txt --play
              chatterbox say --file book.txt --chapters files -o book.mp3
              chatterbox say --file book.md -o book.m4b --keep book.parts
              chatterbox say "[ada] Good morning. [ben] Is it?" --voice ada=ada.wav --voice ben=ben.wav
              date | chatterbox say - -o - | ffplay -nodisp -autoexit -

            Markdown, HTML and SSML are interpreted, numbers and signs become words, and [pause:1s] is a second of silence. A warning \
            names parts of the text that are left out.

            With --play, or -o - into a pipe, sound is delivered while it is computed; with the same seed its samples differ from those in \
            a file.

            A text of more than 20,000 letters is stored utterance by utterance while it is spoken: after Ctrl-C, a crash or a kill the \
            same command continues. Chapters begin at the text's headings.
            """)

    @OptionGroup(title: "Text") var text: TextArguments
    @OptionGroup(title: "Output") var output: OutputArguments
    @OptionGroup(title: "Output") var timestamps: TimestampArguments
    @OptionGroup(title: "Books") var book: BookArguments
    @OptionGroup(title: "Voice and speech") var voice: VoiceArguments
    @OptionGroup(title: "Voice and speech") var speaking: SpeakingArguments
    @OptionGroup(title: "Voice and speech") var judging: JudgeArguments
    @OptionGroup(title: "Model") var model: ModelArguments
    @OptionGroup(title: "Model") var adapters: AdapterArguments
    @OptionGroup(title: "Reporting") var tracing: TraceArguments
    @OptionGroup(title: "Reporting") var progress: ProgressArguments

    func run() async throws {
        try model.check()
        let destination = try output.destination(stem: text.stem, takesMPEG4: true)
        let subtitles = try timestamps.destination()
        // Drawn here, so that it can be reported even if no speech results.
        let seed = speaking.seed ?? UInt64.random(in: 0...UInt64(UInt32.max))
        // With `--split none` the samples equal upstream's, and `--loudness` needs the whole sound; then sound is not delivered in chunks.
        let isHeard = destination.isStream && speaking.split == .sentences && speaking.loudness == nil
        let options = try speaking.options(seed: seed, wordTimes: subtitles != nil, delivery: isHeard ? .chunks : .utterances)
        if judging.judge != nil {
            guard !isHeard, !output.play else {
                throw UsageError(
                    "--judge transcribes complete pieces of the text, and \(output.play ? "--play" : "-o -") delivers them while they are spoken: give a file with -o"
                )
            }
            guard tracing.file == nil else { throw UsageError("--judge compares several takes, and --trace records only one: remove one of them") }
        }
        let player = output.play ? try Player.find() : nil
        try tracing.check()
        let uses = try adapters.uses(), adapters = uses.filter { $0.adapter.part == .t3 }
        let judge = try judging.judge?.load()
        let stem = text.stem, text = try text.text()
        let kept = try book.choice(destination, letters: text.count, obstacle: obstacle)
        if kept?.chapters == .files, subtitles != nil { throw UsageError("--timestamps is for one file; give --chapters marks or none") }
        let (source, speakers) = try voice.sources(for: model)
        guard speakers.isEmpty || speaking.split == .sentences && tracing.file == nil else {
            throw UsageError(
                "--voice NAME=FILE needs a text that is divided into turns of speakers, and --split none and --trace do not divide the text; remove one of them"
            )
        }

        let display = progress.display
        defer { display.clear() }
        let synthesizer = try await model.load(display, adapters: uses.filter { $0.adapter.part == .flow })
        try speaking.check(synthesizer.model)
        if subtitles != nil { _ = try synthesizer.model.alignmentHeads() }
        let start = ContinuousClock.now
        var request = SpeechRequest(text, voice: try await source?.load(synthesizer, display), options: options, adapters: adapters, judge: judge)
        for (name, source) in speakers { request.voices[name] = try await source.load(synthesizer, display) }
        // Text before the first turn is spoken by the first speaker.
        request.voice = request.voice ?? speakers.first.flatMap { request.voices[$0.name] }
        let voiceSeconds = (ContinuousClock.now - start) / .seconds(1)
        if let kept { return try await speak(request, kept, title: stem, synthesizer, subtitles, voiceSeconds: voiceSeconds, display) }

        let playing = try player.map { try Playing($0, sampleRate: synthesizer.sampleRate) }
        try await withTaskCancellationHandler {
            let output = try destination.open(sampleRate: synthesizer.sampleRate, playing: playing)
            let spoken = try await speak(request, synthesizer, output, display)
            guard output.seconds > 0 else { throw NothingSpoken(seed: seed) }
            try output.finish()
            if let (url, format) = subtitles { try format.write(spoken.words, to: url) }
            let summary = SpeechSummary(
                spoken.report, seed: seed, synthesizer.model, voiceSeconds: voiceSeconds, output: output.name)
            display.finish(summary.sentence)
            if self.output.json { try StandardOutput.print(json: summary) }
            try output.finishPlaying()
        } onCancel: {
            playing?.stop()
        }
    }

    /// An option that requires the text to be spoken as a whole.
    private var obstacle: String? {
        output.play ? "--play" : tracing.file != nil ? "--trace" : speaking.split == .none ? "--split none" : judging.judge != nil ? "--judge" : nil
    }

    /// Speaks into a folder, and writes the output from it.
    private func speak(
        _ request: SpeechRequest, _ kept: BookArguments.Choice, title: String, _ synthesizer: Synthesizer,
        _ subtitles: (url: URL, format: TimedText)?,
        voiceSeconds: Double, _ display: ProgressDisplay
    ) async throws {
        let folder = try BookFolder(kept.folder), model = synthesizer.model
        var speaking = speaking, request = request
        speaking.seed = speaking.seed ?? folder.seed ?? request.options.seed
        if speaking.language == nil, model.variant.languages.count > 1 {
            // One language is used for all chapters, because some may be too short to detect it.
            let beginning = try await synthesizer.plan(
                SpeechRequest(String(request.text.prefix(20_000)), voices: request.voices, options: request.options))
            display.warn(beginning.warnings.filter { $0.kind == .language })
            speaking.language = beginning.language.code
        }
        request.options = try speaking.options(wordTimes: subtitles != nil)
        request.priority = .batch
        let seed = request.options.seed!
        try folder.keep(seed: seed)
        let watermarker = speaking.noWatermark ? nil : model.watermarker
        let run = BookRun(
            synthesizer: synthesizer, request: request, text: request.text, folder: folder,
            writer: BookWriter(
                folder: folder, sampleRate: synthesizer.sampleRate, speed: request.options.speed, loudness: request.options.loudness,
                watermarker: watermarker,
                format: kept.format, ffmpeg: kept.ffmpeg),
            chapters: kept.chapters, output: kept.output, title: title, wantsWords: subtitles != nil,
            facts: try ["utterance 1", SpeechFacts.digest(of: model)] + self.model.compute.facts(model) + speaking.utteranceFacts
                + adapters.adapter.map { try $0.digest() },
            display: display)
        var result: BookRun.Result
        do { result = try await run() } catch {
            display.clear()
            if folder.count > 0 {
                display.note("\(folder.count) finished utterances are kept in \(kept.folder.relativePath); run the same command again to continue")
            } else if kept.isTemporary {
                folder.remove()
            }
            throw error
        }
        if !speaking.noWatermark, watermarker == nil {
            result.report.warnings.append(.noWatermark)
            display.warn([.noWatermark])
        }
        if let (url, format) = subtitles { try format.write(result.words, to: url) }
        let speech = SpeechSummary(result.report, seed: seed, model, voiceSeconds: voiceSeconds, output: result.files.first?.relativePath)
        let summary = BookSummary(speech: speech, result: result, folder: kept.isTemporary ? nil : folder.url.relativePath)
        if kept.isTemporary { folder.remove() }
        display.finish(summary.sentence)
        if output.json { try StandardOutput.print(json: summary) }
    }

    /// Speaks into the output; only the words and the last report are kept in memory.
    private func speak(
        _ request: SpeechRequest, _ synthesizer: Synthesizer, _ output: SpeechOutput, _ display: ProgressDisplay
    ) async throws -> (report: SpeechReport, words: [SpokenWord]) {
        if let file = tracing.file {
            let (speech, trace) = try await synthesizer.trace(request.text, voice: request.voice, options: request.options) { display.show($0) }
            display.warn(speech.report.warnings)
            try output.take(speech.audio)
            try TraceArguments.write(trace, of: request.text, speech, to: file)
            return (speech.report, speech.words)
        }
        var report = SpeechReport(), words: [SpokenWord] = []
        for try await chunk in synthesizer.chunks(for: request, onProgress: { display.show($0) }) {
            display.warn(chunk.report.warnings)
            try output.take(chunk.audio)
            words += chunk.words
            report = chunk.report
        }
        return (report, words)
    }
}

/// The model ended every sentence without sound.
private struct NothingSpoken: Error, CustomStringConvertible {
    let seed: UInt64

    var description: String { "the model ended without a sound (seed \(seed)); try another --seed, or words around the text" }
}
