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
              date | chatterbox say - -o - --format pcm | aplay -r 24000 -f S16_LE
            """)

    @OptionGroup(title: "Text") var text: TextArguments
    @OptionGroup(title: "Output") var output: OutputArguments
    @OptionGroup(title: "Output") var timestamps: TimestampArguments
    @OptionGroup(title: "Voice and speech") var voice: VoiceArguments
    @OptionGroup(title: "Voice and speech") var speaking: SpeakingArguments
    @OptionGroup(title: "Model") var model: ModelArguments
    @OptionGroup(title: "Reporting") var tracing: TraceArguments
    @OptionGroup(title: "Reporting") var progress: ProgressArguments

    func run() async throws {
        try model.check()
        let destination = try output.destination(stem: text.stem)
        let subtitles = try timestamps.destination()
        let options = try speaking.options(wordTimes: subtitles != nil)
        let player = output.play ? try Player.find() : nil
        try tracing.check()
        let text = try text.text()
        let source = try voice.source(for: model)

        let display = progress.display
        defer { display.clear() }
        let synthesizer = try await model.load(display)
        try speaking.check(synthesizer.model)
        if subtitles != nil { _ = try synthesizer.model.alignmentHeads() }
        if options.watermark, synthesizer.model.watermarker == nil { display.note(WatermarkCommand.missing) }
        let start = ContinuousClock.now
        let voice = try await source?.load(synthesizer, display)
        let voiceSeconds = (ContinuousClock.now - start) / .seconds(1)

        let spoken = try await speak(text, voice, options, synthesizer, destination, display)
        guard !spoken.audio.samples.isEmpty else { throw NothingSpoken(seed: spoken.seed) }
        let place = try destination.finish(spoken.audio)
        if let (url, format) = subtitles { try format.write(spoken.words, to: url) }
        let summary = SpeechSummary(spoken, synthesizer.model, voiceSeconds: voiceSeconds, output: place)
        for warning in spoken.report.warnings { display.finish("warning: \(Remedy.sentence(warning))") }
        display.finish(summary.sentence)
        if output.json { try StandardOutput.print(json: summary) }
        try await player?.play(spoken.audio)
    }

    private func speak(
        _ text: String, _ voice: Voice?, _ options: SpeechOptions, _ synthesizer: Synthesizer, _ destination: OutputDestination,
        _ display: ProgressDisplay
    ) async throws -> Speech {
        if let file = tracing.file {
            let (speech, trace) = try await synthesizer.trace(text, voice: voice, options: options) { display.show($0) }
            try TraceArguments.write(trace, of: text, speech, to: file)
            return speech
        }
        var samples: [Float] = [], words: [SpokenWord] = []
        var last: SpeechChunk?
        for try await chunk in synthesizer.chunks(text, voice: voice, options: options, onProgress: { display.show($0) }) {
            try destination.take(chunk.audio)
            samples += chunk.audio.samples
            words += chunk.words
            last = chunk
        }
        // A stream that is cancelled ends as one that is complete.
        try Task.checkCancellation()
        return Speech(
            audio: Audio(samples: samples, sampleRate: synthesizer.sampleRate), seed: last?.seed ?? 0, report: last?.report ?? SpeechReport(),
            words: words)
    }
}

/// The model ended every sentence before it began.
private struct NothingSpoken: Error, CustomStringConvertible {
    let seed: UInt64

    var description: String { "the model ended without a sound (seed \(seed)); try another --seed, or words around the text" }
}
