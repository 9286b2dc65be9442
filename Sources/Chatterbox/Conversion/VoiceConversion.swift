import SpeechAudio
import Torch

/// Converts a recording to another voice: it is turned into speech tokens, from which S3Gen makes speech in the other voice (upstream: `vc.py`).
///
/// Half a minute is converted as a whole, with upstream's numbers. A longer recording is converted in overlapping passages: tokens are taken from the
/// middle of each passage, mels are blended where passages overlap, and the vocoder's pieces are equal where they meet. Besides the sound, memory
/// contains only one passage.
struct VoiceConversion {
    let s3Gen: S3Gen
    let prompt: SpeechPrompt
    let steps: Int
    let generator: Generator

    /// The number of tokens of the longest passage: 30 s, the longest input of the tokenizer.
    static let passage = 750
    /// The number of tokens by which passages overlap in the tokenizer and in the flow.
    static let heardTwice = 100, spokenTwice = 50

    /// The progress of the conversion.
    enum Step {
        case passage(Int, of: Int, tokens: Range<Int>)
        case flow(step: Int)
        case vocoder
    }

    // MARK: recording to tokens

    /// The tokens of a recording of any length, rate and number of channels.
    ///
    /// - Parameter pause: called between passages; an error that it throws ends the conversion.
    func tokens(of recording: Audio, pause: () throws -> Void = {}) throws -> [Int] {
        let sound = try recording.mono().resampled(to: 16000)
        let (melFrame, melFrames) = (160, S3Tokenizer.framesPerToken)
        let count = (sound.frames / melFrame + melFrames - 1) / melFrames
        let mel = try TokenizerMel()
        var tokens: [Int] = []
        for passage in Passages(count: count, length: Self.passage, overlap: Self.heardTwice) {
            try pause()
            let start = passage.lowerBound * melFrame * melFrames
            let end = passage.upperBound == count ? sound.frames : passage.upperBound * melFrame * melFrames
            let found = try s3Gen.tokenizer.tokens(ofLogMel: mel(sound.cut(start..<end).tensor()).to(s3Gen.flow.device))
            // The middle of the overlap is far from the ends of both passages.
            let known = passage.lowerBound > 0 ? Self.heardTwice / 2 : 0
            tokens = Array(tokens.prefix(passage.lowerBound + known)) + (try found.array(of: Int.self).dropFirst(known))
        }
        return tokens
    }

    // MARK: tokens to sound

    /// Converts tokens to sound, in pieces.
    ///
    /// - Parameter pause: called between units of work; an error that it throws ends the conversion.
    func speak(
        _ tokens: [Int], pause: () throws -> Void = {}, onStep: (Step) throws -> Void, deliver: ([Float]) throws -> Void
    ) throws {
        let passages = Array(Passages(count: tokens.count, length: Self.passage, overlap: Self.spokenTwice))
        func mel(_ passage: Range<Int>, _ prompt: SpeechPrompt, noise: Tensor? = nil) throws -> Tensor {
            var step = 0
            let codes = try Tensor(Array(tokens[passage]), shape: [1, passage.count], device: s3Gen.flow.device)
            return try s3Gen.flow(
                tokens: codes, prompt: prompt, steps: steps, noise: noise, generator: generator,
                checkpoint: {
                    step += 1
                    try onStep(.flow(step: step))
                }, pause: pause)
        }
        guard passages.count > 1 else {
            try onStep(.passage(1, of: 1, tokens: 0..<tokens.count))
            let mel = try mel(0..<tokens.count, prompt)
            try onStep(.vocoder)
            return try deliver(s3Gen.waveform(of: mel, generator: generator, pause: pause).array(of: Float.self))
        }
        var flow = try PassageFlow(prompt, framesPerToken: s3Gen.configuration.flow.framesPerToken, generator: generator)
        let seed = try Tensor.randint(0..<Int(UInt32.max), [1], generator: generator, device: generator.device).item(Int.self)
        var sound = try s3Gen.sound(noise: FrameNoise(seed: UInt64(seed)))
        for (index, passage) in passages.enumerated() {
            try onStep(.passage(index + 1, of: passages.count, tokens: passage))
            let isLast = index == passages.count - 1
            let known = try flow.mel(of: passage, isLast: isLast) { try mel(passage, $0, noise: $1) }
            try onStep(.vocoder)
            try deliver(sound(known.transposed(1, 2), isLast: isLast, pause: pause))
        }
    }
}

/// Joins the mels of overlapping passages: in an overlap both use the same noise, and their mels are blended.
struct PassageFlow {
    private let prompt: SpeechPrompt
    private let promptNoise: Tensor
    private let generator: Generator
    private let framesPerToken: Int
    /// The noise of the last passage, `[1, bins, frames]`, and the number of the frame after it.
    private var noise: Tensor?
    private var noiseEnd = 0
    /// The last passage's mel from the beginning of the next passage on.
    private var held: Tensor?

    init(_ prompt: SpeechPrompt, framesPerToken: Int, generator: Generator) throws {
        // A frame after the prompt's last token would shift every passage.
        let frames = framesPerToken * prompt.tokens.size(1)
        self.prompt = SpeechPrompt(
            tokens: prompt.tokens, mel: try prompt.mel.narrow(axis: 1, from: 0, count: frames), speaker: prompt.speaker)
        self.framesPerToken = framesPerToken
        self.generator = generator
        promptNoise = try Tensor.randn([1, prompt.mel.size(2), frames], generator: generator, device: generator.device)
    }

    /// The frames that are final after a passage, `[1, bins, frames]`.
    ///
    /// - Parameters:
    ///   - tokens: the passage; its overlap with the next one is returned later.
    ///   - flow: computes the passage's mel from the prompt and the given noise.
    mutating func mel(
        of tokens: Range<Int>, isLast: Bool, _ flow: (SpeechPrompt, Tensor) throws -> Tensor
    ) throws -> Tensor {
        let (start, end) = (tokens.lowerBound * framesPerToken, tokens.upperBound * framesPerToken)
        let fresh = try Tensor.randn([1, promptNoise.size(1), end - noiseEnd], generator: generator, device: generator.device)
        let shared = noiseEnd - start
        let known = try noise.map { [try $0.narrow(axis: 2, from: $0.size(2) - shared, count: shared)] } ?? []
        let noise = try Tensor.cat(known + [fresh], axis: 2)
        self.noise = noise
        noiseEnd = end
        var mel = try flow(prompt, Tensor.cat([promptNoise, noise], axis: 2))
        if let held { mel = try blended(held, mel) }
        let kept = isLast ? mel.size(2) : mel.size(2) - VoiceConversion.spokenTwice * framesPerToken
        held = try mel.narrow(axis: 2, from: kept, count: mel.size(2) - kept)
        return try mel.narrow(axis: 2, from: 0, count: kept)
    }

    /// Fades from the first to the second between one and two thirds of the overlap: the ends of a passage lack context on one side.
    private func blended(_ first: Tensor, _ second: Tensor) throws -> Tensor {
        let count = first.size(2)
        let weights = (0..<count).map { min(1, max(0, 3 * (Float($0) + 0.5) / Float(count) - 1)) }
        let weight = try Tensor(weights, shape: [1, 1, count], device: first.device)
        let overlap = try first * (1 - weight) + second.narrow(axis: 2, from: 0, count: count) * weight
        return try Tensor.cat([overlap, second.narrow(axis: 2, from: count, count: second.size(2) - count)], axis: 2)
    }
}

/// The overlapping passages of a long sequence: each begins `overlap` before the end of the previous one, and the last one ends with the sequence.
struct Passages: Sequence {
    let count, length, overlap: Int

    /// - Precondition: passages are longer than their overlaps.
    init(count: Int, length: Int, overlap: Int) {
        precondition(count >= 0 && overlap >= 0 && length > overlap, "passages of \(length) cannot overlap by \(overlap)")
        (self.count, self.length, self.overlap) = (count, length, overlap)
    }

    func makeIterator() -> some IteratorProtocol<Range<Int>> {
        var start: Int? = count > 0 ? 0 : nil
        return AnyIterator { () -> Range<Int>? in
            guard let begin = start else { return nil }
            let end = Swift.min(begin + length, count)
            start = end < count ? end - overlap : nil
            return begin..<end
        }
    }
}
