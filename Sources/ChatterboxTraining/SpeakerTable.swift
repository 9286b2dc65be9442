import Chatterbox
import Foundation
import SpeechAudio
import Torch

/// The speaker embeddings of each speaker: for some utterances, the voice encoder's embedding (`voice.NAME`, `[utterances, 256]`) and the
/// x-vector (`xvector.NAME`, `[utterances, 192]`), in one safetensors file.
public struct SpeakerTable: Sendable {
    /// `[utterances, size]` of each speaker.
    private let vectors: [String: Tensor]
    private let url: URL

    public init(_ url: URL) throws {
        guard FileManager.default.fileExists(atPath: url.path) else {
            throw TrainingError.missing(url, .speakerEmbeddings)
        }
        self.url = url
        vectors = try SafetensorsFile(url).tensors()
    }

    enum Kind: String { case voice, xvector }

    /// One random vector of the speaker, `[size]`.
    func vector(_ kind: Kind, of speaker: String, using random: inout SplitMix64) throws -> Tensor {
        guard let all = vectors["\(kind.rawValue).\(speaker)"] else {
            throw WeightsError.missing(source: url.lastPathComponent, tensor: "\(kind.rawValue).\(speaker)")
        }
        return try all[Int.random(in: 0..<all.size(0), using: &random)]
    }

    /// The utterances from which a speaker's embeddings are computed: those of at least a second, or all if there are none, without the test's.
    static func telling(_ manifest: Manifest) -> [String: [Manifest.Utterance]] {
        Dictionary(grouping: manifest.utterances.filter { $0.split != "test" }, by: \.speaker).mapValues { utterances in
            let long = utterances.filter { $0.seconds ?? 1 >= 1 }
            return long.isEmpty ? utterances : long
        }
    }

    /// Computes the embeddings of up to `limit` utterances of each speaker, of at least a second if there are such.
    public static func extract(
        _ manifest: Manifest, voiceEncoder: VoiceEncoder, speakerEncoder: SpeakerEncoder, rules: ReferenceRules,
        limit: Int, seed: UInt64, to url: URL, progress: (Double) -> Void
    ) throws {
        var random = SplitMix64(seed: seed)
        let mel = try VoiceEncoderMel()
        var found: [String: Tensor] = [:]
        let speakers = telling(manifest).sorted { $0.key < $1.key }
        try withoutGradients {
            for (done, (speaker, utterances)) in speakers.enumerated() {
                let embeddings = try utterances.shuffled(using: &random).prefix(limit).map { utterance in
                    let audio = try AudioFile.read(utterance.audio).mono()
                    let voice = try voiceEncoder.embedding(ofMel: mel(audio.resampled(to: mel.config.sampleRate).trimmed().tensor()))
                    let features = try SpeechPromptFeatures(of: audio, rules)
                    return (voice, try speakerEncoder(features.filterbank.unsqueezed(0)))
                }
                found["voice.\(speaker)"] = try Tensor.cat(embeddings.map(\.0))
                found["xvector.\(speaker)"] = try Tensor.cat(embeddings.map(\.1))
                if done % 10 == 0 { progress(Double(done) / Double(speakers.count)) }
            }
        }
        try SafetensorsWriter.write(found, to: url)
    }
}

/// The voices of utterances, computed from other utterances of the same speakers.
struct ExampleVoices: Sendable {
    let tokens: SpeechTokenStore
    let speakers: SpeakerTable

    /// For each utterance of a batch a speaker embedding, and a prompt from other utterances.
    func conditioning(
        of batch: [Int], in corpus: Corpus, _ index: SpeakerIndex, promptLength: Int, dtype: DType, using random: inout SplitMix64
    ) throws -> T3Conditioning {
        var prompts: [Int] = [], voices: [Tensor] = []
        for example in batch {
            var prompt: [Int] = []
            while prompt.count < promptLength {
                prompt += tokens[corpus.numbers[index.companion(of: example, in: corpus, using: &random)]] ?? [0]
            }
            prompts += prompt.prefix(promptLength)
            voices.append(try speakers.vector(.voice, of: corpus.utterance(example).speaker, using: &random))
        }
        return T3Conditioning(
            speaker: try Tensor.stack(voices).to(dtype), prompt: try Tensor(prompts, shape: [batch.count, promptLength]),
            emotion: try .full([batch.count], 0.5, dtype: dtype))
    }
}

/// The utterances of each speaker in a corpus, for prompts.
struct SpeakerIndex {
    private let places: [String: [Int]]

    init(_ corpus: Corpus) {
        places = Dictionary(grouping: corpus.numbers.indices) { corpus.utterance($0).speaker }
    }

    /// Another utterance of the same speaker, or the same one if there is no other.
    func companion(of index: Int, in corpus: Corpus, using random: inout SplitMix64) -> Int {
        let all = places[corpus.utterance(index).speaker] ?? [index]
        guard all.count > 1 else { return index }
        while true {
            let other = all.randomElement(using: &random)!
            if other != index { return other }
        }
    }
}
