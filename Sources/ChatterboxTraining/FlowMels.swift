import Chatterbox
import Foundation
import Torch

/// The mels that a flow computes from recordings' own speech tokens as it does in speech: after a prompt of the same speaker, and aligned frame by
/// frame with the recordings. They are the vocoder's real input, and the vocoder can be trained on them.
public enum FlowMels {
    /// Computes the missing mels and writes them as files for a ``FeatureStore``.
    ///
    /// - Parameters:
    ///   - flow: computes the mels.
    ///   - corpora: at least one, all of the same manifest: their utterances get a mel, other utterances do not.
    ///   - tokens: the utterances' speech tokens.
    ///   - speakers: the speaker embeddings of each speaker.
    ///   - promptTokens: the most speech tokens of a prompt.
    ///   - seed: seed of prompts and noise, which for each utterance do not depend on the other utterances.
    ///   - folder: where the files are written.
    ///   - progress: called with the completed share, 0 to 1.
    /// - Throws: what the flow and writing throw.
    public static func extract(
        _ flow: TokenToMel, corpora: [Corpus], tokens: SpeechTokenStore, speakers: SpeakerTable, promptTokens: Int, seed: UInt64,
        to folder: URL, progress: @Sendable (Double) -> Void
    ) throws {
        precondition(!corpora.isEmpty, "at least one corpus")
        var places: [Int: (corpus: Corpus, index: SpeakerIndex, place: Int)] = [:]
        for corpus in corpora {
            let index = SpeakerIndex(corpus)
            for (place, number) in corpus.numbers.enumerated() { places[number] = (corpus, index, place) }
        }
        let found = places
        try FeatureStore.write(
            corpora[0].manifest, to: folder, threads: 1,
            features: {
                { number in
                    guard let (corpus, index, place) = found[number], let own = tokens[number], !own.isEmpty else { return [:] }
                    var random = SplitMix64(seed: seed &+ UInt64(number) &* 0x2545_F491_4F6C_DD1D)
                    let companion = corpus.numbers[index.companion(of: place, in: corpus, using: &random)]
                    let companionTokens = (tokens[companion] ?? []).prefix(promptTokens)
                    let prompt = SpeechPrompt(
                        tokens: try Tensor(Array(companionTokens), shape: [1, companionTokens.count]),
                        mel: try corpus.features.mel(companion).to(.float32).narrow(axis: 1, from: 0, count: 2 * companionTokens.count)
                            .transposed(0, 1).unsqueezed(0),
                        speaker: try speakers.vector(.xvector, of: corpus.utterance(place).speaker, using: &random).unsqueezed(0))
                    let mel = try withoutGradients {
                        try flow(
                            tokens: Tensor(own, shape: [1, own.count]), prompt: prompt,
                            generator: Generator(seed: random.next()))
                    }
                    return ["mel.\(number)": try mel[0].to(.float16)]
                }
            }, progress: progress)
    }
}
