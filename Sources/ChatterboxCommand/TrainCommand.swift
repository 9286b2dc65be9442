import ArgumentParser
import Chatterbox
import ChatterboxTraining
import Foundation
import SpeechText
import Torch

/// `chatterbox train …`: trains or adapts a model's networks on recordings.
struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Train a model's networks on recordings.",
        discussion: """
            The data is a folder with a manifest.jsonl: one JSON object on each line with audio, text and speaker. Each training keeps \
            its state in its folder and continues from there when it is started again.
            """,
        subcommands: [
            Features.self, TrainTokenizer.self, SpeechTokens.self, Speakers.self, TrainT3.self, AlignHeads.self, TrainFlow.self, Mels.self,
            Assemble.self, TrainMarkVoices.self, SpeakTest.self, TrainSpeaker.self, TrainVocoder.self, CopySynthesisCommand.self,
            TrainAdapter.self, TrainTune.self, TrainMerge.self, TrainExport.self,
        ])
}

/// The recordings, and the sizes of the networks that process them.
struct CorpusArguments: ParsableArguments {
    @Argument(help: "The data: a manifest.jsonl or its folder.", completion: .file())
    var data: String
    @Option(parsing: .upToNextOption, help: "The speakers whose recordings are used. (default: all)")
    var only: [String] = []
    @Option(help: "config.json of the model; Pico's sizes when left out.")
    var config: String?

    func manifest() throws -> Manifest { try Manifest(URL(filePath: data)) }
    fileprivate var speakers: Set<String>? { only.isEmpty ? nil : Set(only) }

    /// The utterances of a split, with their speech tokens only.
    func corpus(_ split: String, tokens: SpeechTokenStore) throws -> Corpus {
        try Corpus(manifest(), tokens: tokens, split: split, speakers: speakers)
    }

    func sizes() throws -> ModelConfiguration { try ModelConfiguration(ofFile: config) }
}

/// Features of the recordings, computed before training.
struct FeatureArguments: ParsableArguments {
    @Option(help: "Where the features of the recordings lie (see `train features`).")
    var features: String

    /// The recordings to learn from, and those for validation.
    func corpora(_ arguments: CorpusArguments) throws -> (train: Corpus, heldOut: Corpus) {
        let manifest = try arguments.manifest(), store = try FeatureStore(URL(filePath: features))
        return (
            try Corpus(manifest, store, split: "train", speakers: arguments.speakers),
            try Corpus(manifest, store, split: "validation", speakers: arguments.speakers)
        )
    }
}

/// Files computed from the recordings before training: their speech tokens and their speakers.
struct CorpusTokenArguments: ParsableArguments {
    @Option(help: "File of speech tokens (see `train tokens`).")
    var tokens: String
    @Option(help: "File of speaker embeddings (see `train speakers`).")
    var speakers: String

    func tokenStore(of manifest: Manifest) throws -> SpeechTokenStore { try SpeechTokenStore(URL(filePath: tokens), of: manifest) }
    func speakerTable() throws -> SpeakerTable { try SpeakerTable(URL(filePath: speakers)) }
}

/// Options of all trainings.
struct TrainingArguments: ParsableArguments {
    @OptionGroup var corpus: CorpusArguments
    @Option(help: "Folder for checkpoint, weights and losses.")
    var out: String
    @Option(help: "Steps in all.")
    var steps: Int
    @Option(help: "Highest learning rate.")
    var rate: Double
    @Option(help: "Steps in which the learning rate rises (warm-up).")
    var warmUp = 200
    @Option(help: "Size of a batch in speech tokens, of 40 ms each.")
    var batchTokens: Int
    @Option(help: "Processor threads.")
    var threads = 1
    @Option(help: "Seed of weights, order and noise.")
    var seed: UInt64 = 1

    var settings: OptimizerSettings { OptimizerSettings(schedule: LearningRateSchedule(peak: rate, warmUp: warmUp, steps: steps)) }

    func run(_ task: some TrainingTask) throws {
        var options = TrainingOptions(steps: steps, folder: URL(filePath: out))
        (options.seed, options.threads) = (seed, threads)
        try Trainer(options) { show($0) }.run(task)
    }
}

/// `chatterbox train features`.
struct Features: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Compute the networks' input features of each recording, once.")
    @Argument(help: "The data: a manifest.jsonl or its folder.", completion: .file())
    var data: String
    @Option(help: "Folder for the features.")
    var out: String
    @Option(help: "Number of recordings that are read at the same time.")
    var threads = 2

    func run() throws {
        try Libtorch.setThreads(1)
        try FeatureStore.extract(Manifest(URL(filePath: data)), to: URL(filePath: out), threads: threads) {
            show(String(format: "%.1f %%", 100 * $0))
        }
    }
}

/// `chatterbox train tokenizer`.
struct TrainTokenizer: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "tokenizer", abstract: "Train the S3 tokenizer: recording to speech tokens.")
    @OptionGroup var arguments: TrainingArguments
    @OptionGroup var features: FeatureArguments
    @Option(help: "File with a tokenizer's weights to start from. (default: new random weights)")
    var initial: String?
    @Option(help: "Weight of the CTC loss on phonemes, or on letters where the manifest has no phonemes, relative to the mel loss.")
    var symbols = 0.15

    func run() throws {
        try Libtorch.setThreads(arguments.threads)
        let corpora = try features.corpora(arguments.corpus)
        try arguments.run(
            S3TokenizerTask(
                arguments.corpus.sizes().s3Gen.tokenizer, corpus: corpora.train, heldOut: corpora.heldOut, settings: arguments.settings,
                batchTokens: arguments.batchTokens, symbolWeight: symbols, seed: arguments.seed,
                initial: initial.map { try .copied(from: URL(filePath: $0), as: .float32) }))
    }
}

/// `chatterbox train tokens`.
struct SpeechTokens: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "tokens", abstract: "Compute the speech tokens of each recording, once.")
    @Argument(help: "The data: a manifest.jsonl or its folder.", completion: .file())
    var data: String
    @Option(help: "Where the features of the recordings lie (see `train features`).")
    var features: String
    @Option(help: "File with the tokenizer's weights: s3gen.safetensors, or what `train tokenizer` wrote.")
    var tokenizer: String
    @Option(help: "config.json of the model; Pico's sizes when left out.")
    var config: String?
    @Option(help: "File for the tokens.")
    var out: String
    @Option(help: "Processor threads.")
    var threads = 1

    func run() throws {
        try Libtorch.setThreads(threads)
        let weights = try Weights.load(URL(filePath: tokenizer), dtype: .float32)
        let model = try S3Tokenizer(weights["tokenizer"], ModelConfiguration(ofFile: config).s3Gen.tokenizer)
        try SpeechTokenStore.extract(
            model, manifest: Manifest(URL(filePath: data)), features: FeatureStore(URL(filePath: features)), to: URL(filePath: out)
        ) {
            show(String(format: "%.0f %%", 100 * $0))
        }
    }
}

/// `chatterbox train speakers`.
struct Speakers: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Compute the speaker embeddings of each speaker, once.")
    @Argument(help: "The data: a manifest.jsonl or its folder.", completion: .file())
    var data: String
    @Option(help: "File with the voice encoder's weights: ve.safetensors.")
    var voiceEncoder: String
    @Option(help: "File with the speaker encoder's weights under speaker_encoder: s3gen.safetensors.")
    var speakerEncoder: String
    @Option(help: "config.json of the model; Pico's sizes when left out.")
    var config: String?
    @Option(help: "Number of utterances of each speaker.")
    var limit = 16
    @Option(help: "File for the embeddings.")
    var out: String

    func run() throws {
        try Libtorch.setThreads(1)
        let model = try ModelConfiguration(ofFile: config)
        try SpeakerTable.extract(
            Manifest(URL(filePath: data)),
            voiceEncoder: VoiceEncoder(Weights.load(URL(filePath: voiceEncoder), dtype: .float32), model.voiceEncoder),
            speakerEncoder: SpeakerEncoder(
                Weights.load(URL(filePath: speakerEncoder), dtype: .float32)["speaker_encoder"], model.s3Gen.speakerEncoder),
            rules: model.reference, limit: limit, seed: 1, to: URL(filePath: out)
        ) { show(String(format: "%.0f %%", 100 * $0)) }
    }
}

/// The input of networks that are trained on tokens and speakers.
struct TokenTrainingArguments: ParsableArguments {
    @OptionGroup var training: TrainingArguments
    @OptionGroup var known: CorpusTokenArguments
    @Option(help: "File of weights to start from. (default: new random weights)")
    var initial: String?
    @Option(help: "Type of the arithmetic: float32, bfloat16.")
    var dtype = "float32"

    /// The initial weights, in the type of the arithmetic.
    func weights(_ make: (Weights) throws -> Void) throws -> Weights {
        guard let dtype = DType(rawValue: dtype) else { throw ValidationError("--dtype \(self.dtype): float32 or bfloat16") }
        if let initial { return try .copied(from: URL(filePath: initial), as: dtype) }
        let fresh = Weights(initialising: try Generator(seed: training.seed))
        try make(fresh)
        return Weights(tensors: try fresh.parameters.mapValues { try $0.to(dtype) }, named: "fresh weights")
    }
}

extension Weights {
    /// The weights of a file, to be trained: a copy, because tensors read from a file refer to the file's memory.
    fileprivate static func copied(from file: URL, as dtype: DType) throws -> Weights {
        Weights(tensors: try SafetensorsFile(file).tensors().mapValues { try $0.to(dtype).clone() }, named: file.path)
    }
}

/// `chatterbox train t3`.
struct TrainT3: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "t3", abstract: "Train T3: text to speech tokens.")
    @OptionGroup var arguments: TokenTrainingArguments
    @Option(help: "tokenizer.json of the text.")
    var textTokenizer: String
    @Option(help: "Steps over which the guided-attention loss of some heads decays to 0.")
    var guidedSteps = 0
    @Option(help: "Share of input speech tokens that are replaced at random, 0 to 1: with little data this reduces overfitting.")
    var wrongTokens = 0.0

    func validate() throws {
        guard (0..<1).contains(wrongTokens) else { throw ValidationError("--wrong-tokens is \(wrongTokens); it must be from 0 to below 1") }
    }

    func run() throws {
        let training = arguments.training
        try Libtorch.setThreads(training.threads)
        let sizes = try training.corpus.sizes().t3
        let tokens = try arguments.known.tokenStore(of: training.corpus.manifest())
        let task = try T3Task(
            sizes, initial: arguments.weights { _ = try T3($0, sizes) },
            corpus: training.corpus.corpus("train", tokens: tokens), heldOut: training.corpus.corpus("validation", tokens: tokens),
            tokens: tokens, speakers: arguments.known.speakerTable(),
            tokenizer: EnglishTokenizer(URL(filePath: textTokenizer)), settings: training.settings,
            batchTokens: training.batchTokens, seed: training.seed)
        task.guidedSteps = guidedSteps
        task.wrongTokenRate = wrongTokens
        try training.run(task)
    }
}

/// `chatterbox train flow`.
struct TrainFlow: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "flow", abstract: "Train the flow: speech tokens to mel.")
    @OptionGroup var arguments: TokenTrainingArguments
    @OptionGroup var features: FeatureArguments

    func run() throws {
        let training = arguments.training
        try Libtorch.setThreads(training.threads)
        let sizes = try training.corpus.sizes().s3Gen.flow
        let corpora = try features.corpora(training.corpus)
        try training.run(
            FlowTask(
                sizes, initial: arguments.weights { _ = try TokenToMel($0["flow"], sizes) }, corpus: corpora.train,
                heldOut: corpora.heldOut, tokens: arguments.known.tokenStore(of: corpora.train.manifest),
                speakers: arguments.known.speakerTable(), settings: training.settings,
                batchTokens: training.batchTokens, seed: training.seed))
    }
}

/// `chatterbox train mels`.
struct Mels: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compute the flow's mels from the recordings' speech tokens, as training data for the vocoder.")
    @OptionGroup var corpus: CorpusArguments
    @OptionGroup var features: FeatureArguments
    @OptionGroup var known: CorpusTokenArguments
    @Option(help: "File with the flow's weights: s3gen.safetensors, or what `train flow` wrote.")
    var flow: String
    @Option(help: "Folder for the mels.")
    var out: String
    @Option(help: "Processor threads.")
    var threads = 1
    @Option(help: "Seed of prompts and noise.")
    var seed: UInt64 = 1

    func run() throws {
        try Libtorch.setThreads(threads)
        let sizes = try corpus.sizes(), corpora = try features.corpora(corpus)
        try FlowMels.extract(
            TokenToMel(Weights.load(URL(filePath: flow), dtype: .float32)["flow"], sizes.s3Gen.flow),
            corpora: [corpora.train, corpora.heldOut], tokens: known.tokenStore(of: corpora.train.manifest), speakers: known.speakerTable(),
            promptTokens: Int(sizes.reference.promptSeconds * 25), seed: seed, to: URL(filePath: out)
        ) { show(String(format: "%.1f %%", 100 * $0)) }
    }
}

/// `chatterbox train assemble`.
struct Assemble: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Put trained networks together into a model's folder, in float16.")
    @Argument(help: "The model's folder.", completion: .directory)
    var folder: String
    @Option(help: "config.json of the model; Pico's sizes when left out.")
    var config: String?
    @Option(help: "Weights of T3.")
    var t3: String
    @Option(help: "Weights of the voice encoder.")
    var voiceEncoder: String
    @Option(parsing: .upToNextOption, help: "Weights of S3Gen's four networks, in one file or several.")
    var s3gen: [String]
    @Option(help: "tokenizer.json of the text.")
    var textTokenizer: String
    @Option(parsing: .upToNextOption, help: "The model's built-in voices, as NAME=RECORDING; the first is its default voice.")
    var voice: [String]

    func run() throws {
        let voices = try voice.map { text in
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { throw ValidationError("--voice \(text): expected NAME=RECORDING") }
            return (name: parts[0], recording: URL(filePath: parts[1]))
        }
        let bytes = try ModelAssembly(
            variant: Variant(ofFile: config), t3: URL(filePath: t3), voiceEncoder: URL(filePath: voiceEncoder),
            s3Gen: s3gen.map { URL(filePath: $0) }, textTokenizer: URL(filePath: textTokenizer), voices: voices
        ).write(to: URL(filePath: folder))
        print(String(format: "%.2f MB of weights", Double(bytes) / 1e6))
    }
}

/// `chatterbox train speak`.
struct SpeakTest: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "speak", abstract: "Speak a manifest's sentences into a folder, for scripts/measure-speech.")
    @Argument(help: "The sentences: a manifest.jsonl or its folder.", completion: .file())
    var data: String
    @Option(help: "The model's folder.")
    var model: String
    @Option(help: "Folder for the recordings.")
    var out: String
    @Option(help: "Split of the manifest.")
    var split = "test"
    @Option(parsing: .upToNextOption, help: "Speakers, each a voice in the model's folder voices/.")
    var speaker: [String]
    @Option(help: "Largest number of sentences of each speaker.")
    var limit = Int.max
    @Flag(help: "Use the recordings' own speech tokens instead of T3's, to test only the flow and the vocoder.")
    var fromTokens = false
    @Option(help: "Temperature. (default of this and the next two options: the model's)")
    var temperature: Double?
    @Option(help: "Repetition penalty.")
    var repetitionPenalty: Double?
    @Option(help: "Guidance by the text.")
    var cfgWeight: Double?
    @Option(help: "Steps of the flow.")
    var flowSteps: Int?
    @Option(help: "Weights: none, int8, int4.")
    var quantize: Quantization = .none
    @Option(help: "Processor threads.")
    var threads = 1

    func validate() throws {
        if fromTokens && (temperature != nil || repetitionPenalty != nil || cfgWeight != nil) {
            throw ValidationError("--temperature, --repetition-penalty and --cfg-weight are T3's, which --from-tokens does not use")
        }
    }

    func run() async throws {
        try Libtorch.setThreads(threads)
        let loaded = try Model.load(URL(filePath: model), compute: ComputeOptions(quantization: quantize))
        let library = VoiceLibrary(ofModel: URL(filePath: model))
        var voices: [String: Voice] = [:]
        for name in speaker { voices[name] = try Voice.load(from: library.entry(named: name).file, sizes: loaded.voiceAnalyzer.voiceSizes) }
        let all = try Manifest(URL(filePath: data)).split(split)
        let chosen = speaker.flatMap { name in all.filter { $0.speaker == name }.prefix(limit) }
        var test = SpeechTest(loaded)
        test.options = SpeechOptions(
            sampling: SamplingChanges(temperature: temperature, repetitionPenalty: repetitionPenalty, guidance: cfgWeight),
            steps: flowSteps, seed: 1, watermark: false)
        try await test.run(chosen, voices: voices, fromTokens: fromTokens, to: URL(filePath: out)) { show($0) }
    }
}

private func show(_ line: String) {
    print(line)
    fflush(nil)
}
