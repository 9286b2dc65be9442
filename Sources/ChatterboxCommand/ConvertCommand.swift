import ArgumentParser
import Chatterbox
import Foundation
import SpeechAudio

struct ConvertCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract: "Convert a recording to another voice.",
        usage: "chatterbox convert RECORDING --voice FILE|NAME [-o out.wav] [options]",
        discussion: """
            Words, pace and intonation stay the same; only the voice changes. Recordings may be of any length.

            Examples:
              chatterbox convert me.wav --voice ada -o ada.wav
              chatterbox convert lecture.mp3 --voice speaker.wav -o lecture-spoken.mp3
            """)

    @Argument(help: ArgumentHelp("The recording: WAV, FLAC, MP3, Ogg or Opus of any rate.", valueName: "recording")) var recording: String
    @OptionGroup(title: "Output") var output: OutputArguments
    @OptionGroup(title: "Voice") var voice: VoiceArguments
    @OptionGroup(title: "Model") var model: ModelArguments
    @OptionGroup(title: "Reporting") var progress: ProgressArguments

    @Option(help: ArgumentHelp("Seed of all random numbers: the same seed gives the same sound. (default: a random one)", valueName: "n"))
    var seed: UInt64?
    @Option(help: ArgumentHelp("Steps of the flow: fewer are faster, more are more accurate. (default: the model's)", valueName: "n"))
    var steps: Int?
    @Flag(help: "Leave the inaudible watermark out.") var noWatermark = false

    func run() async throws {
        try model.check()
        let source = URL(filePath: recording)
        let destination = try output.destination(stem: source.deletingPathExtension().lastPathComponent + "-converted")
        let player = output.play ? try Player.find() : nil
        let recorded = try Recording.read(source).checkedAsReference(named: source.relativePath, minimumSeconds: 0.1)
        let target = try voice.source(for: model)

        let display = progress.display
        defer { display.clear() }
        let synthesizer = try await model.load(display)
        let start = ContinuousClock.now
        let voice = try await target?.load(synthesizer, display, for: .conversion)
        let voiceSeconds = (ContinuousClock.now - start) / .seconds(1)
        let output = try destination.open(sampleRate: synthesizer.sampleRate)
        display.begin("Listening to \(source.lastPathComponent)")
        let speech = try await synthesizer.convert(
            recorded, named: source.relativePath, to: voice, steps: steps, seed: seed, watermark: !noWatermark
        ) { display.show($0) }
        try Task.checkCancellation()
        display.warn(speech.report.warnings)
        try output.take(speech.audio)
        try output.finish()
        let summary = SpeechSummary(
            speech.report, seed: speech.seed, synthesizer.model, voiceSeconds: voiceSeconds, output: output.name)
        display.finish(summary.sentence)
        if self.output.json { try StandardOutput.print(json: summary) }
        guard let playing = try player.map({ try Playing($0, sampleRate: synthesizer.sampleRate) }) else { return }
        try await withTaskCancellationHandler {
            let player = try OutputDestination.nowhere.open(sampleRate: synthesizer.sampleRate, playing: playing)
            try player.take(speech.audio)
            try player.finishPlaying()
        } onCancel: {
            playing.stop()
        }
    }
}
