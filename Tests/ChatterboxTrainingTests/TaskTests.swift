import Chatterbox
import Foundation
import SpeechAudio
import SpeechText
import TestSupport
import Testing
import Torch

@testable import ChatterboxTraining

/// A folder with eight recordings of tones by two speakers.
private struct SmallData {
    let folder: TemporaryFolder
    private(set) var manifest: Manifest
    private(set) var features: FeatureStore

    init() throws {
        folder = try TemporaryFolder()
        var lines = ""
        for number in 0..<8 {
            let frames = 12_000 + 2_400 * number
            let samples = (0..<frames).map { Float(0.3 * sin(0.02 * Double($0 * (1 + number % 3)))) }
            try AudioFile.write(Audio(samples: samples, sampleRate: 24_000), to: folder.url.appending(path: "\(number).wav"))
            lines += """
                {"audio": "\(number).wav", "text": "Tone \(number).", "speaker": "\(number % 2)", "split": "\(number < 6 ? "train" : "validation")"}\n
                """
        }
        try Data(lines.utf8).write(to: folder.url.appending(path: "manifest.jsonl"))
        manifest = try Manifest(folder.url)
        let out = folder.url.appending(path: "features")
        try FeatureStore.extract(manifest, to: out, threads: 2) { _ in }
        features = try FeatureStore(out)
    }

    /// Rewrites the manifest.
    mutating func change(_ edit: (String) -> String) throws {
        let url = folder.url.appending(path: "manifest.jsonl")
        try Data(edit(String(contentsOf: url, encoding: .utf8)).utf8).write(to: url)
        manifest = try Manifest(url)
    }

    mutating func extract() throws {
        let out = folder.url.appending(path: "features")
        try FeatureStore.extract(manifest, to: out, threads: 2) { _ in }
        features = try FeatureStore(out)
    }

    func corpus(_ split: String) throws -> Corpus { try Corpus(manifest, features, split: split) }

    var settings: OptimizerSettings { OptimizerSettings(schedule: LearningRateSchedule(peak: 0.003, warmUp: 2, steps: 40)) }

    /// Losses of a run's steps.
    func losses(_ task: some TrainingTask, steps: Int) throws -> [Double] {
        let optimizers = try Dictionary(uniqueKeysWithValues: task.groups.map { ($0.name, try AdamW($0.parameters, $0.settings)) })
        let generator = try Generator(seed: 1)
        let descent = Descent(task.groups, threads: TrainingThreads(2)) { _ = try optimizers[$0]!.update($1) }
        return try (0..<steps).map { try task.step($0, generator: generator, descent: descent)[0].value }
    }
}

/// The last five losses as a share of the first five.
func lastToFirst(_ losses: [Double]) -> Double {
    let first: Double = losses.prefix(5).reduce(0, +)
    let last: Double = losses.suffix(5).reduce(0, +)
    return last / first
}

@Suite("Training tasks")
struct TaskTests {
    private var sizes: ModelConfiguration {
        var sizes = ModelConfiguration.tiny
        sizes.s3Gen.tokenizer.hiddenSize = 32
        sizes.t3.perceiver = PerceiverConfiguration(queries: 2, heads: 2)
        sizes.t3.backbone = .llama(LlamaConfiguration(hiddenSize: 32, layers: 1, heads: 2, intermediateSize: 32))
        return sizes
    }

    @Test("features have the length of their tokens, and a second extraction changes nothing")
    func features() throws {
        let data = try SmallData()
        for number in data.manifest.utterances.indices {
            let tokens = try #require(data.features.tokenCount(number))
            let samples = 12_000 + 2_400 * number
            #expect(tokens == (samples + 959) / 960)
            #expect(try data.features.mel(number).shape == [80, 2 * tokens])
            let frames = try data.features.logMel(number).shape[1]
            #expect(frames > 4 * tokens - 4 && frames <= 4 * tokens)
        }
        #expect(try data.corpus("train").count == 6)
        #expect(try data.corpus("validation").count == 2)
    }

    @Test("of a manifest that has grown, utterances with features are used, and extraction adds the rest")
    func growth() throws {
        var data = try SmallData()
        try data.change { $0 + #"{"audio": "0.wav", "text": "One more.", "speaker": "0"}"# + "\n" }
        #expect(try data.corpus("train").count == 6)
        try data.extract()
        #expect(try data.corpus("train").count == 7)
    }

    @Test("features of other recordings are refused, and computed again")
    func otherRecordings() throws {
        var data = try SmallData()
        try data.change { $0.split(separator: "\n").reversed().joined(separator: "\n") + "\n" }
        let file = data.folder.url.appending(path: "features/features-0.safetensors")
        #expect(throws: TrainingError.otherRecordings(file)) { try data.corpus("train") }
        try data.extract()
        #expect(try data.corpus("train").numbers == [2, 3, 4, 5, 6, 7])
        #expect(data.features.tokenCount(0) == (12_000 + 2_400 * 7) / 960)
    }

    @Test("features contain a last token that begins before the recording's end, as the tokenizer does; the rest of its mel is silence")
    func lastTokens() throws {
        let data = try SmallData(), sizes = sizes.s3Gen.tokenizer
        let tokenizer = try S3Tokenizer(fresh(.float32) { _ = try S3Tokenizer($0, sizes) }, sizes)
        let counts = try data.manifest.utterances.map { try tokenizer.tokens(of: AudioFile.read($0.audio)).size(1) }
        #expect(counts.indices.map { data.features.tokenCount($0) } == counts)
        // 12.5 tokens. The window around the 26th frame, which begins with the silence, contains the end of the tone.
        #expect(counts[0] == 13)
        let loudness = try data.features.mel(0).to(.float32).max(axis: 0).array(of: Double.self)
        #expect(loudness.count == 26 && abs(loudness[24] - loudness[20]) < 0.2 && loudness[25] < loudness[20] - 0.5, "\(loudness)")
    }

    @Test("utterances of up to 24 seconds are used")
    func longUtterances() throws {
        let folder = try TemporaryFolder()
        for (name, seconds) in [("short", 23.9), ("long", 24.1)] {
            let samples = (0..<Int(seconds * 24_000)).map { Float(0.3 * sin(0.02 * Double($0))) }
            try AudioFile.write(Audio(samples: samples, sampleRate: 24_000), to: folder.url.appending(path: "\(name).wav"))
        }
        try Data(#"{"audio": "short.wav", "text": "Short."}\#n{"audio": "long.wav", "text": "Long."}\#n"#.utf8)
            .write(to: folder.url.appending(path: "manifest.jsonl"))
        let manifest = try Manifest(folder.url), out = folder.url.appending(path: "features")
        try FeatureStore.extract(manifest, to: out, threads: 1) { _ in }
        let corpus = try Corpus(manifest, FeatureStore(out), split: "train")
        withExtendedLifetime(folder) {}
        #expect(corpus.numbers == [0])
    }

    @Test("the tokenizer's losses fall, and its tokens are stored by the utterances' indices")
    func tokenizer() throws {
        let data = try SmallData()
        let task = try S3TokenizerTask(
            sizes.s3Gen.tokenizer, corpus: data.corpus("train"), heldOut: data.corpus("validation"), settings: data.settings,
            batchTokens: 80)
        let losses = try data.losses(task, steps: 25)
        #expect(lastToFirst(losses) < 0.8, "\(losses)")
        #expect(try task.validate().map(\.name) == ["mel", "symbols", "different tokens", "effective tokens"])

        let file = data.folder.url.appending(path: "tokens.safetensors")
        try SpeechTokenStore.extract(task.tokenizer, manifest: data.manifest, features: data.features, to: file) { _ in }
        let store = try SpeechTokenStore(file, of: data.manifest)
        for number in 0..<8 {
            let alone = try task.tokenizer.tokens(ofLogMel: data.features.logMel(number).to(.float32))
            #expect(try store[number] == alone.array(of: Int.self))
        }
        #expect(store[8] == nil)
    }

    @Test("tokens of other recordings are refused; a manifest may have grown, and utterances with tokens need no features")
    func tokensAlone() throws {
        var data = try SmallData()
        _ = try madeUp(data)
        let file = data.folder.url.appending(path: "t.safetensors"), old = data.manifest, known = try data.corpus("train")
        try data.change { $0 + #"{"audio": "0.wav", "text": "One more.", "speaker": "0"}"# + "\n" }
        let grown = try Corpus(data.manifest, tokens: SpeechTokenStore(file, of: data.manifest), split: "train")
        #expect(grown.numbers == known.numbers && grown.tokenCounts == known.tokenCounts)
        try data.change { $0.split(separator: "\n").reversed().joined(separator: "\n") + "\n" }
        #expect(throws: TrainingError.otherRecordings(file)) { try SpeechTokenStore(file, of: data.manifest) }
        #expect(try SpeechTokenStore(file, of: old)[0] != nil)
    }

    @Test("the tokenizer learns phonemes without spaces and stress, or else the letters of the text")
    func symbols() throws {
        func utterance(_ text: String, _ phonemes: String?) -> Manifest.Utterance {
            Manifest.Utterance(audio: URL(filePath: "a.wav"), text: text, speaker: "", split: "train", seconds: nil, phonemes: phonemes)
        }
        let spoken = SymbolReader.symbols(of: utterance("The ship.", "ðə ʃˈɪp."))
        #expect(spoken.count == 5 && Set(spoken).count == 5)
        #expect(spoken == SymbolReader.symbols(of: utterance("Other letters", "ðəʃɪp")))
        #expect(SymbolReader.symbols(of: utterance("The ship.", nil)) == [22, 10, 7, 1, 21, 10, 11, 18])
    }

    @Test("the tokenizer continues from given weights")
    func tokenizerFromWeights() throws {
        let data = try SmallData(),
            first = try S3TokenizerTask(
                sizes.s3Gen.tokenizer, corpus: data.corpus("train"), heldOut: data.corpus("validation"), settings: data.settings, batchTokens: 80)
        _ = try data.losses(first, steps: 2)
        let trained = first.groups[0].parameters.filter { $0.key.hasPrefix("tokenizer.") }
        let next = try S3TokenizerTask(
            sizes.s3Gen.tokenizer, corpus: data.corpus("train"), heldOut: data.corpus("validation"), settings: data.settings, batchTokens: 80,
            initial: Weights(tensors: trained, named: "trained"))
        let begun = next.groups[0].parameters
        #expect(!trained.isEmpty)
        for (name, weight) in trained { #expect(try begun[name]?.array(of: Float.self) == weight.array(of: Float.self), "\(name)") }
    }

    /// Random tokens and speaker embeddings.
    private func madeUp(_ data: SmallData) throws -> (SpeechTokenStore, SpeakerTable) {
        let generator = try Generator(seed: 2)
        let (tokens, speakers) = (data.folder.url.appending(path: "t.safetensors"), data.folder.url.appending(path: "s.safetensors"))
        try SafetensorsWriter.write(
            Dictionary(
                uniqueKeysWithValues: (0..<8).map { number in
                    ("tokens.\(number)", try Tensor.randint(0..<6561, [data.features.tokenCount(number)!], generator: generator).to(.int16))
                }), metadata: [Manifest.contentsKey: data.manifest.contents()], to: tokens)
        try SafetensorsWriter.write(
            [
                "voice.0": .rand([3, 256], generator: generator), "voice.1": .rand([3, 256], generator: generator),
                "xvector.0": .randn([3, 192], generator: generator), "xvector.1": .randn([3, 192], generator: generator),
            ], to: speakers)
        return (try SpeechTokenStore(tokens, of: data.manifest), try SpeakerTable(speakers))
    }

    private func fresh(_ dtype: DType, _ make: (Weights) throws -> Void) throws -> Weights {
        let weights = Weights(initialising: try Generator(seed: 1))
        try make(weights)
        return Weights(tensors: try weights.parameters.mapValues { try $0.to(dtype).clone() }, named: "fresh")
    }

    @Test("T3's loss falls, in half precision too", arguments: [DType.float32, .bfloat16])
    func t3(dtype: DType) throws {
        let data = try SmallData()
        let (tokens, speakers) = try madeUp(data)
        let sizes = sizes.t3
        let task = try T3Task(
            sizes, initial: fresh(dtype) { _ = try T3($0, sizes) }, corpus: Corpus(data.manifest, tokens: tokens, split: "train"),
            heldOut: Corpus(data.manifest, tokens: tokens, split: "validation"), tokens: tokens, speakers: speakers,
            tokenizer: EnglishTokenizer(fixturesFolder.appending(path: "tokenizer.json")),
            settings: data.settings, batchTokens: 120, seed: 4)
        task.wrongTokenRate = 0.1
        let losses = try data.losses(task, steps: 25)
        #expect(lastToFirst(losses) < 0.9, "\(losses)")
        #expect(try task.validate().allSatisfy { $0.value.isFinite })
    }

    @Test("heads are ranked by how their attention follows the text, and one that stays in place gets a low score") func alignmentHeads() throws {
        let data = try SmallData()
        let (tokens, speakers) = try madeUp(data)
        var sizes = sizes.t3
        sizes.backbone = .llama(LlamaConfiguration(hiddenSize: 32, layers: 2, heads: 2, intermediateSize: 32))
        let model = try T3(fresh(.float32) { _ = try T3($0, sizes) }, sizes)
        let search = AlignmentHeadSearch(
            model, corpus: try data.corpus("train"), tokens: tokens, speakers: speakers,
            tokenizer: try EnglishTokenizer(fixturesFolder.appending(path: "tokenizer.json")))
        let scores = try search.scores(limit: 4)
        #expect(Set(scores.map(\.head)).count == 4)
        #expect(scores.map(\.value) == scores.map(\.value).sorted(by: >))

        let following = (0..<40).map { frame in (0..<10).map { $0 == frame / 4 ? 0.8 : 0.01 } }
        let resting = following.map { _ in (0..<10).map { $0 == 0 ? 0.8 : 0.01 } }
        #expect(AlignmentHeadSearch.diagonal(following) > 0.8)
        #expect(AlignmentHeadSearch.order(following) > 0.98)
        #expect(abs(AlignmentHeadSearch.order(resting)) < 0.01)
        #expect(AlignmentHeadSearch.order(following.reversed()) < -0.98)
    }

    @Test("the flow's loss falls")
    func flow() throws {
        let data = try SmallData()
        let (tokens, speakers) = try madeUp(data)
        let sizes = sizes.s3Gen.flow
        let task = try FlowTask(
            sizes, initial: fresh(.float32) { _ = try TokenToMel($0["flow"], sizes) }, corpus: data.corpus("train"),
            heldOut: data.corpus("validation"), tokens: tokens, speakers: speakers, settings: data.settings, batchTokens: 120, seed: 4)
        let losses = try data.losses(task, steps: 20)
        #expect(lastToFirst(losses) < 0.9, "\(losses)")
        #expect(try task.validate().allSatisfy { $0.value.isFinite })
    }

    /// The gradients that a step passes to the optimisers, and its figures.
    private func step(_ task: some TrainingTask, _ number: Int, threads: Int) throws -> (gradients: [String: Tensor], figures: [TrainingMetric]) {
        var found: [String: Tensor] = [:]
        for group in task.groups { for parameter in group.parameters.values { try parameter.requiresGradient(true) } }
        let descent = Descent(task.groups, threads: TrainingThreads(threads)) { group, gradients in
            found.merge(gradients.map { ("\(group) \($0.key)", $0.value) }) { $1 }
        }
        let figures = try task.step(number, generator: Generator(seed: 1), descent: descent)
        return (found, figures)
    }

    @Test("a step in parts has the gradients and figures of the whole step, and the same bits each time")
    func division() throws {
        let data = try SmallData()
        let (tokens, speakers) = try madeUp(data)
        let sizes = sizes, t3Sizes = sizes.t3, flowSizes = sizes.s3Gen.flow
        let t3 = try T3Task(
            t3Sizes, initial: fresh(.float32) { _ = try T3($0, t3Sizes) }, corpus: data.corpus("train"), heldOut: data.corpus("validation"),
            tokens: tokens, speakers: speakers, tokenizer: EnglishTokenizer(fixturesFolder.appending(path: "tokenizer.json")),
            settings: data.settings, batchTokens: 120, seed: 4)
        (t3.wrongTokenRate, t3.unconditionalRate, t3.guidedSteps) = (0.1, 0.4, 100)
        let flow = try FlowTask(
            flowSizes, initial: fresh(.float32) { _ = try TokenToMel($0["flow"], flowSizes) }, corpus: data.corpus("train"),
            heldOut: data.corpus("validation"), tokens: tokens, speakers: speakers, settings: data.settings, batchTokens: 120, seed: 4)
        let tokenizer = try S3TokenizerTask(
            sizes.s3Gen.tokenizer, corpus: data.corpus("train"), heldOut: data.corpus("validation"), settings: data.settings, batchTokens: 120)
        func compare(_ task: some TrainingTask) throws {
            for number in 0..<3 {
                let (whole, parts, again) = try (step(task, number, threads: 1), step(task, number, threads: 2), step(task, number, threads: 2))
                #expect(whole.figures.map(\.name) == parts.figures.map(\.name) && parts.figures == again.figures)
                for (a, b) in zip(whole.figures, parts.figures) { #expect(abs(a.value - b.value) <= 1e-4 * abs(a.value) + 1e-5, "\(a) \(b)") }
                let largest = try whole.gradients.values.map { try $0.abs().max().item(Double.self) }.max()!
                #expect(largest > 0)
                for (name, gradient) in whole.gradients {
                    let part = try #require(parts.gradients[name]), difference = try (part - gradient).abs().max().item(Double.self)
                    #expect(difference <= 1e-4 * largest, "\(type(of: task)) \(name): \(difference) of \(largest)")
                    #expect(try part.array(of: Float.self) == again.gradients[name]!.array(of: Float.self), "\(name)")
                }
            }
        }
        try compare(t3)
        try compare(flow)
        try compare(tokenizer)
    }

    @Test("the flow's mels match the recordings frame by frame, and are the same each time")
    func flowMels() throws {
        let data = try SmallData()
        let (tokens, speakers) = try madeUp(data)
        let sizes = sizes.s3Gen.flow
        let flow = try TokenToMel(fresh(.float32) { _ = try TokenToMel($0["flow"], sizes) }["flow"], sizes)
        func mels(_ splits: String...) throws -> FeatureStore {
            let out = data.folder.url.appending(path: "mels of \(splits)")
            try FlowMels.extract(
                flow, corpora: splits.map { try data.corpus($0) }, tokens: tokens, speakers: speakers, promptTokens: 10, seed: 3, to: out
            ) { _ in }
            return try FeatureStore(out)
        }
        let all = try mels("train", "validation"), some = try mels("validation")
        for number in 0..<8 {
            #expect(all.tokenCount(number) == data.features.tokenCount(number))
            #expect(some.tokenCount(number) == (number < 6 ? nil : data.features.tokenCount(number)))
        }
        #expect(try all.mel(7).array(of: Float.self) == some.mel(7).array(of: Float.self))
        #expect(try all.mel(6).array(of: Float.self).allSatisfy(\.isFinite))
    }

    @Test("the embeddings of a speaker with only short utterances are computed from these")
    func shortUtterances() throws {
        let folder = try TemporaryFolder()
        let lines = [("a", 0.8, "train"), ("b", 0.8, "train"), ("b", 1.2, "train"), ("b", 1.4, "test"), ("c", 2, "test")].map {
            #"{"audio": "\#($0.0).wav", "text": "Word.", "speaker": "\#($0.0)", "seconds": \#($0.1), "split": "\#($0.2)"}"#
        }
        try Data(lines.joined(separator: "\n").utf8).write(to: folder.url.appending(path: "manifest.jsonl"))
        let found = try SpeakerTable.telling(Manifest(folder.url))
        #expect(found.mapValues { $0.map(\.seconds) } == ["a": [0.8], "b": [1.2]])
    }

    @Test("an error names missing files that an earlier command makes")
    func missing() throws {
        let url = URL(filePath: "/nowhere/tokens.safetensors")
        let manifest = try SmallData().manifest
        #expect(throws: TrainingError.missing(url, .speechTokens)) { try SpeechTokenStore(url, of: manifest) }
    }
}
