import ArgumentParser
import Chatterbox
import ChatterboxTraining
import Foundation

/// `chatterbox train adapter`: trains adapters of a model on recordings.
struct TrainAdapter: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "adapter", abstract: "Train adapters (LoRA) for a model on recordings of a voice.",
        usage: "chatterbox train adapter RECORDINGS --model NAME|DIR -o ada.adapter.safetensors [options]",
        discussion: """
            RECORDINGS is a folder of recordings with text files (a.wav and a.txt), a folder with LJSpeech's metadata.csv, or a list: CSV \
            with a header (audio, text), or JSON lines. Start with about ten minutes of one voice, in sentences of a few seconds. \
            Recordings that cannot be used are listed with the reason.

            Some recordings are held out for validation; training stops when their loss no longer falls, and the best adapter is written. \
            The folder ada.training next to it contains cached features, samples, reference.wav as the voice to speak with, and \
            report.html. If training is started again with the same options, it continues where it stopped and gives the same adapter bit \
            for bit.

            Examples:
              chatterbox train adapter ada/ --check --model turbo
              chatterbox train adapter ada/ --model pico --train-flow -o ada.adapter.safetensors
              chatterbox say "Good morning." --model pico --adapter ada.adapter.safetensors \\
                --adapter ada.flow.adapter.safetensors --voice ada.training/reference.wav
            """)

    @OptionGroup var arguments: FineTuningArguments
    @Option(name: .shortAndLong, help: ArgumentHelp("The adapter of T3 to write, a .safetensors file.", valueName: "file"), completion: .file())
    var output: String?
    @Flag(help: ArgumentHelp("Also train an adapter for the flow, which makes a spectrogram from speech tokens: ada.flow.adapter.safetensors."))
    var trainFlow = false
    @Option(help: ArgumentHelp("Rank of the adapters: with a higher rank they can learn more, and overfit more.", valueName: "n")) var rank = 16
    @Option(help: ArgumentHelp("The adapter's output is multiplied by alpha ÷ rank. (default: twice the rank)", valueName: "x")) var alpha: Double?
    @Option(help: ArgumentHelp("T3's layers to adapt, as 0-9,20. (default: all)", valueName: "ranges")) var layers: LayerRanges?
    @Option(
        help: ArgumentHelp(
            "T3's linear maps to adapt: attention, feed-forward, or names such as q_proj,v_proj or c_attn. (default: all)", valueName: "names"))
    var modules: String?

    func validate() throws {
        if output == nil, !arguments.check { throw ValidationError("-o is missing: the adapter to write, as ada.adapter.safetensors") }
        if let output, !output.hasSuffix(".safetensors") { throw ValidationError("-o \(output): its name must end in .safetensors") }
        try arguments.checkOptions()
        for part in Adapter.Part.allCases {
            if let problem = options(part, width: 1024, recordings: 100).problem { throw ValidationError(problem) }
        }
    }

    private func options(_ part: Adapter.Part, width: Int, recordings: Int) -> FineTuningOptions {
        var plan = AdapterPlan(rank: rank, alpha: alpha ?? Double(2 * rank))
        if part == .t3 {
            plan.layers = layers?.layers
            plan.modules = modules?.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) } ?? []
        }
        return arguments.options(.adapter(plan), of: part, width: width, recordings: recordings)
    }

    func run() async throws {
        try await arguments.run(base: arguments.dtype.dtype) { model, recordings in
            let widths = model.configuration.widths
            return FineTuning(
                model, output: URL(filePath: output!), t3: options(.t3, width: widths.t3, recordings: recordings),
                flow: trainFlow ? options(.flow, width: widths.flow, recordings: recordings) : nil)
        }
    }
}
