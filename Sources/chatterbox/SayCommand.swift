import ArgumentParser
import Chatterbox
import Foundation
import SpeechAudio
import Torch

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
              chatterbox say "Once more, the same way." --seed 7 --json
              date | chatterbox say - -o - --format pcm | aplay -r 24000 -f S16_LE
            """)

    @OptionGroup var text: TextArguments
    @OptionGroup(title: "Output") var output: OutputArguments
    @OptionGroup(title: "Voice and speech") var voice: VoiceArguments
    @OptionGroup(title: "Voice and speech") var speaking: SpeakingArguments
    @OptionGroup(title: "Model") var model: ModelArguments
    @OptionGroup(title: "Reporting") var progress: ProgressArguments

    @Option(help: ArgumentHelp(
        "Keep what every stage computed in a safetensors file, to compare or to report a fault; implies --split none.", valueName: "file"))
    var trace: String?

    func run() async throws {
        try model.check()
        let options = try speaking.options(splitting: trace == nil ? nil : SpeechOptions.Splitting.none)
        let destination = try output.destination(stem: text.stem)
        let player = output.play ? try Player.find() : nil
        let traceFile = trace.map { URL(filePath: $0) }
        if let traceFile { try OutputPlace.check(traceFile) }
        let text = try text.text()

        let display = progress.display
        defer { display.clear() }
        let synthesizer = try await model.load(display)
        try speaking.check(synthesizer.model)
        if options.watermark, synthesizer.model.watermarker == nil { display.note(WatermarkCommand.missing) }
        let start = ContinuousClock.now
        let voice = try await voice.load(synthesizer, display)
        let voiceSeconds = (ContinuousClock.now - start) / .seconds(1)

        let speech: Speech
        if let traceFile {
            let (spoken, trace) = try await synthesizer.trace(text, voice: voice, options: options) { display.show($0) }
            try SafetensorsWriter.write(trace, metadata: ["format": "chatterbox-trace"], to: traceFile)
            speech = spoken
        } else {
            speech = try await synthesizer.speak(text, voice: voice, options: options) { display.show($0) }
        }
        try Task.checkCancellation()
        let place = try destination.write(speech.audio)
        let summary = SpeechSummary(speech, synthesizer.model, voiceSeconds: voiceSeconds, output: place)
        for warning in speech.report.warnings { display.finish("warning: \(warning)") }
        display.finish(summary.sentence)
        if output.json { try StandardOutput.print(json: summary) }
        try await player?.play(speech.audio)
    }
}
