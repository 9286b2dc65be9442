import ArgumentParser
import Chatterbox
import ChatterboxTraining
import Foundation

/// `chatterbox train tune`: trains a model's weights on recordings.
struct TrainTune: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tune", abstract: "Train a model's own weights on recordings of a voice.",
        usage: "chatterbox train tune RECORDINGS --model NAME|DIR -o FOLDER [options]",
        discussion: """
            Like `train adapter`, but trains the weights of T3 or of the flow themselves, all or some of them, and writes a model's \
            folder. It takes four times the memory of the weights, and needs more recordings than an adapter: for ten minutes of \
            recordings an adapter is the better choice.

            Examples:
              chatterbox train tune ada/ --model pico --networks t3,flow -o ada-pico
              chatterbox train tune ada/ --model turbo --networks t3 --layers 18-23 --accumulate 4 -o ada-turbo
              chatterbox train tune ada/ --model turbo --networks flow --only 'decoder\\.estimator' -o ada-turbo
              chatterbox say "Good morning." --model ada-pico --voice ada-pico.training/reference.wav
            """)
    @OptionGroup var arguments: FineTuningArguments
    @Option(name: .shortAndLong, help: ArgumentHelp("The model's folder to write; it must not exist.", valueName: "dir"), completion: .directory)
    var output: String?
    @Option(
        help: ArgumentHelp(
            "The networks to train: t3 makes speech tokens from text, flow makes a spectrogram from speech tokens.", valueName: "t3,flow"))
    var networks = Networks(argument: "t3")!
    @Option(
        help: ArgumentHelp(
            "Train only weights whose name matches this regular expression; may be repeated. (default: all)", valueName: "regex"))
    var only: [String] = []
    @Option(help: ArgumentHelp("Do not train weights whose name matches this regular expression; may be repeated.", valueName: "regex"))
    var except: [String] = []
    @Option(
        help: ArgumentHelp(
            "In T3 train only these layers of the transformer, as 0-9,20. (default: all layers, and the weights outside the layers)",
            valueName: "ranges"))
    var layers: LayerRanges?

    func validate() throws {
        if output == nil, !arguments.check { throw ValidationError("-o is missing: the model's folder to write") }
        try arguments.checkOptions()
        for (name, patterns) in [("--only", only), ("--except", except)] {
            for pattern in patterns where (try? NSRegularExpression(pattern: pattern)) == nil {
                throw ValidationError("\(name) \(pattern): not a regular expression")
            }
        }
        for part in networks.parts {
            if let problem = options(part, width: 1024, recordings: 100).problem { throw ValidationError(problem) }
        }
    }

    private func options(_ part: Adapter.Part, width: Int, recordings: Int) -> FineTuningOptions {
        let selection = WeightSelection(only: only, except: except, layers: layers?.layers)
        return arguments.options(.weights(selection), of: part, width: width, recordings: recordings)
    }

    func run() async throws {
        try await arguments.run(base: .float32) { model, recordings in
            let widths = model.configuration.widths
            return FineTuning(
                model, output: URL(filePath: output!),
                t3: networks.parts.contains(.t3) ? options(.t3, width: widths.t3, recordings: recordings) : nil,
                flow: networks.parts.contains(.flow) ? options(.flow, width: widths.flow, recordings: recordings) : nil)
        }
    }

    /// One network or both.
    struct Networks: ExpressibleByArgument {
        let parts: Set<Adapter.Part>
        let argument: String

        init?(argument: String) {
            let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Adapter.Part(rawValue: String($0)) }
            guard !parts.contains(nil) else { return nil }
            (self.parts, self.argument) = (Set(parts.compactMap { $0 }), argument)
        }

        var defaultValueDescription: String { argument }
    }
}
