import ArgumentParser
import Chatterbox
import ChatterboxTraining
import Foundation
import SpeechText
import Torch

/// `chatterbox train align-heads`.
struct AlignHeads: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Find the heads of a T3 whose attention follows the text, for `say --timestamps`.",
        discussion: """
            Every head is evaluated on held-out utterances: how much of its attention lies on the best monotonic path through the text, \
            and how well the position of its attention correlates with time. The last line printed belongs into the object "t3" of \
            config.json.
            """)
    @OptionGroup var recordings: CorpusArguments
    @OptionGroup var known: CorpusTokenArguments
    @Option(help: "File with T3's weights.")
    var t3: String
    @Option(help: "tokenizer.json of the text.")
    var textTokenizer: String
    @Option(help: "Largest number of utterances to evaluate.")
    var limit = 40
    @Option(help: "Number of heads to choose.")
    var count = 3
    @Option(help: "Processor threads.")
    var threads = 1

    func run() throws {
        guard count > 0, limit > 0 else { throw ValidationError("--count and --limit must be at least 1") }
        try Libtorch.setThreads(threads)
        let model = try T3(Weights.load(URL(filePath: t3), dtype: .float32), recordings.sizes().t3)
        let tokens = try known.tokenStore(of: recordings.manifest())
        let scores = try AlignmentHeadSearch(
            model, corpus: recordings.corpus("validation", tokens: tokens), tokens: tokens, speakers: known.speakerTable(),
            tokenizer: EnglishTokenizer(URL(filePath: textTokenizer))
        ).scores(limit: limit)
        print("layer  head  diagonal  order  both")
        for score in scores.prefix(12) {
            print(String(format: "%5d %5d %9.3f %6.3f %5.3f", score.head.layer, score.head.head, score.diagonal, score.order, score.value))
        }
        let chosen = scores.prefix(count).map { "{\"layer\": \($0.head.layer), \"head\": \($0.head.head)}" }
        print("\"alignmentHeads\": [\(chosen.joined(separator: ", "))]")
    }
}
