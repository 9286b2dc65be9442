import TestSupport
import Testing
import Torch

@testable import Chatterbox

@Suite("The speech token model's loss")
struct T3TrainingTests {
    private let speech = [[5, 9, 2, 7], [3, 1]]

    /// The result of decoding: the cross-entropy of each token after the request's prompt.
    private func decoded(_ small: SmallT3, _ text: [Int], _ speech: [Int], row: Int = 0) throws -> Tensor {
        let model = small.model
        let prompt = try model.prompt(text: text, conditioning: small.conditioning, guidance: row == 1)[row].unsqueezed(0)
        let spoken = try model.embedded(speech: Tensor(speech, shape: [1, speech.count]), from: [1])
        let hidden = try model.backbone(Tensor.cat([prompt, spoken], axis: 1), memory: WholeSequence())[0]
        return try model.speechHead(hidden[(prompt.size(1) - 1)...])
            .crossEntropy(Tensor(speech + [model.configuration.stopSpeech]))
    }

    @Test("each utterance has the loss of its decoding, whatever the padding of its row", arguments: [0, 1])
    func likeDecoding(row: Int) throws {
        let small = try SmallT3()
        let texts = [small.text, Array(small.text.prefix(3)) + [small.model.configuration.stopText]]
        for (text, speech) in zip(texts, speech) {
            let alone = try small.model.loss(
                text: [text], speech: [speech], conditioning: small.conditioning, textShown: [row == 0]
            ).speech
            try expectClose(alone, decoded(small, text, speech, row: row), relative: 1e-4)
        }
        let together = try small.model.loss(
            text: texts, speech: speech, conditioning: small.conditioning, textShown: [row == 0, row == 0]
        ).speech
        let (first, second) = try (decoded(small, texts[0], speech[0], row: row), decoded(small, texts[1], speech[1], row: row))
        let expected = try (first * 5 + second * 3) / 8
        try expectClose(together, expected, relative: 1e-4)
    }

    @Test("with a wrong input token the right one is still predicted")
    func heardWrong() throws {
        let small = try SmallT3()
        func loss(_ speech: [Int], input: [Int]?) throws -> Double {
            try small.model.loss(
                text: [small.text], speech: [speech], input: input.map { [$0] }, conditioning: small.conditioning
            ).speech.item()
        }
        let plain = try loss([5, 9, 2], input: nil)
        #expect(try loss([5, 9, 2], input: [5, 9, 2]) == plain)
        #expect(try loss([5, 9, 2], input: [5, 7, 2]) != plain)
        // The last token is input only before the stop token. Its value does not change its own likelihood.
        let (rightly, wrongly) = (try loss([5, 9, 2], input: [5, 9, 2]), try loss([5, 9, 2], input: [5, 9, 7]))
        #expect(rightly != wrongly)
        let (other, otherWrongly) = (try loss([5, 9, 7], input: [5, 9, 2]), try loss([5, 9, 7], input: [5, 9, 7]))
        #expect(abs((other - rightly) - (otherWrongly - wrongly)) < 1e-4 * plain)
    }

    @Test("every weight that is used gets a gradient")
    func gradients() throws {
        let small = try SmallT3()
        let tensors = try small.tensors()
        let weights = Weights(tensors: tensors, named: "copy")
        let model = try T3(weights, small.model.configuration)
        for tensor in tensors.values { try tensor.requiresGradient(true) }
        let loss = try model.loss(text: [small.text], speech: [[5, 9]], conditioning: small.conditioning)
        try (loss.speech + loss.text).backward()
        for (name, tensor) in tensors { #expect(try tensor.gradient != nil, "\(name)") }
    }
}
