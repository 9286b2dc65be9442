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
              chatterbox say --file chapter.txt --play
              chatterbox say "[ada] Good morning. [ben] Is it?" --voice ada=ada.wav --voice ben=ben.wav
              date | chatterbox say - -o - | ffplay -nodisp -autoexit -

            Markdown, HTML and SSML are read, numbers and signs become words, and [pause:1s] is a second of silence. What is left \
            out is told.

            What goes to a player or down a pipe is heard while it is made; the same seed gives other samples in a file.
            """)

    @OptionGroup(title: "Text") var text: TextArguments
    @OptionGroup(title: "Output") var output: OutputArguments
    @OptionGroup(title: "Output") var timestamps: TimestampArguments
    @OptionGroup(title: "Voice and speech") var voice: VoiceArguments
    @OptionGroup(title: "Voice and speech") var speaking: SpeakingArguments
    @OptionGroup(title: "Model") var model: ModelArguments
    @OptionGroup(title: "Model") var adapters: AdapterArguments
    @OptionGroup(title: "Reporting") var tracing: TraceArguments
    @OptionGroup(title: "Reporting") var progress: ProgressArguments

    func run() async throws {
        try model.check()
        let destination = try output.destination(stem: text.stem)
        let subtitles = try timestamps.destination()
        // Drawn here, so that it can be told even where there is no speech to tell it.
        let seed = speaking.seed ?? UInt64.random(in: 0...UInt64(UInt32.max))
        // One breath is upstream's way, sample for sample, and loudness is that of the whole.
        let isHeard = destination.isStream && speaking.split == .sentences && speaking.loudness == nil
        let options = try speaking.options(seed: seed, wordTimes: subtitles != nil, delivery: isHeard ? .chunks : .utterances)
        let player = output.play ? try Player.find() : nil
        try tracing.check()
        let uses = try adapters.uses(), adapters = uses.filter { $0.adapter.part == .t3 }
        let text = try text.text()
        let (source, speakers) = try voice.sources(for: model)
        guard speakers.isEmpty || speaking.split == .sentences && tracing.file == nil else {
            throw UsageError("--voice NAME=FILE is for turns, and --split none and --trace speak in one breath")
        }

        let display = progress.display
        defer { display.clear() }
        let synthesizer = try await model.load(display, adapters: uses.filter { $0.adapter.part == .flow })
        try speaking.check(synthesizer.model)
        if subtitles != nil { _ = try synthesizer.model.alignmentHeads() }
        let start = ContinuousClock.now
        var request = SpeechRequest(text, voice: try await source?.load(synthesizer, display), options: options, adapters: adapters)
        for (name, source) in speakers { request.voices[name] = try await source.load(synthesizer, display) }
        // What comes before the first turn is the first speaker's.
        request.voice = request.voice ?? speakers.first.flatMap { request.voices[$0.name] }
        let voiceSeconds = (ContinuousClock.now - start) / .seconds(1)

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

    /// Speaks into the output; what is kept beside are the words and the last report.
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

/// The model ended every sentence before it began.
private struct NothingSpoken: Error, CustomStringConvertible {
    let seed: UInt64

    var description: String { "the model ended without a sound (seed \(seed)); try another --seed, or words around the text" }
}
