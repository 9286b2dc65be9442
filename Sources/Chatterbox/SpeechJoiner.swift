import Foundation

/// Joins pieces of speech that were made one by one: the silence around each is measured and taken away, its ends are
/// faded, and the pause that belongs between two pieces is put there instead.
///
/// A model ends one sentence at once and another after half a second; a listener wants every pause to mean something.
struct SpeechJoiner: Sendable {
    let sampleRate: Int

    /// Seconds of silence after a piece.
    static func pause(after boundary: SentenceSplitter.Boundary) -> Double {
        switch boundary {
        case .word: 0.04
        case .clause: 0.15
        case .sentence: 0.35
        case .paragraph: 0.7
        }
    }

    /// Sound below this share of a piece's loudest moment is silence: -42 dB.
    static let silenceShare: Float = pow(10, -42.0 / 20)
    /// What is kept of the quiet before and after speech, so that soft consonants stay, in seconds.
    static let (margin, tail) = (0.03, 0.08)
    /// Seconds over which an end that was cut is faded.
    static let fade = 0.01

    /// A piece without the silence around it.
    func trimmed(_ samples: [Float]) -> [Float] { cut(samples, to: speech(in: samples)) }

    /// What of a piece is no silence around it; nothing where all is silent.
    func speech(in samples: [Float]) -> Range<Int> {
        let window = sampleRate / 100
        let levels = stride(from: 0, to: samples.count, by: window).map { start in
            samples[start..<min(start + window, samples.count)].reduce(0) { max($0, abs($1)) }
        }
        guard let loudest = levels.max(), loudest > 0 else { return 0..<0 }
        let threshold = loudest * Self.silenceShare
        guard let first = levels.firstIndex(where: { $0 > threshold }), let last = levels.lastIndex(where: { $0 > threshold }) else {
            return samples.indices
        }
        let start = max(0, first * window - Int(Self.margin * Double(sampleRate)))
        return start..<min(samples.count, (last + 1) * window + Int(Self.tail * Double(sampleRate)))
    }

    /// A part of a piece, faded where it was cut.
    func cut(_ samples: [Float], to part: Range<Int>) -> [Float] {
        var piece = Array(samples[part])
        let length = min(Int(Self.fade * Double(sampleRate)), piece.count / 2)
        for index in 0..<length {
            let gain = Float(index) / Float(length)
            if part.lowerBound > 0 { piece[index] *= gain }
            if part.upperBound < samples.count { piece[piece.count - 1 - index] *= gain }
        }
        return piece
    }

    /// Silence of exactly this length.
    func silence(_ seconds: Double) -> [Float] {
        Array(repeating: 0, count: Int((seconds * Double(sampleRate)).rounded()))
    }
}
