import Foundation
import SpeechText

/// Joins pieces of speech that were computed separately: the silence around each is removed, the ends are faded, and the pause that belongs between
/// two pieces is inserted.
///
/// A model ends some sentences at once and others after half a second; for a listener every pause should have a meaning.
struct SpeechJoiner: Sendable {
    let sampleRate: Int

    /// Sound below this share of a piece's loudest moment is silence: -42 dB.
    static let silenceShare: Float = pow(10, -42.0 / 20)
    /// The seconds of quiet sound that are kept before and after speech, so that soft consonants remain.
    static let (margin, tail) = (0.03, 0.08)
    /// The seconds over which a cut end is faded.
    static let fade = 0.01

    /// A piece without the silence around it.
    func trimmed(_ samples: [Float]) -> [Float] { cut(samples, to: speech(in: samples)) }

    /// The part of a piece without the silence around it; empty if everything is silent.
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

    /// A part of a piece, faded at cuts.
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

    // MARK: pauses within a piece

    /// The shortest silence between sentences that were spoken together, and its largest distance from the expected position, in seconds and as a
    /// share of the whole.
    static let (shortestGap, gapReach, gapShare) = (0.06, 0.6, 0.2)

    /// Where a piece whose parts were spoken together is cut, and the silence that is inserted there. The cut is at the silence nearest to the
    /// position where the part should end by its share of the letters; the inserted silence has the length of the pause between the parts. Without a
    /// silence near that position there is no cut.
    ///
    /// - Returns: the number of samples before each cut, and of silent samples, in order.
    func cuts(of samples: [Float], at joints: [TextPlan.Joint]) -> [(sample: Int, silence: Int)] {
        let gaps = silences(in: samples), total = Double(samples.count) / Double(sampleRate)
        var cuts: [(sample: Int, silence: Int)] = []
        for joint in joints {
            let expected = joint.share * total, reach = Self.gapReach + Self.gapShare * total
            func score(_ gap: Range<Int>) -> Double {
                let middle = Double(gap.lowerBound + gap.upperBound) / 2 / Double(sampleRate)
                let distance = (middle - expected) / reach
                return abs(distance) > 1 ? 0 : Double(gap.count) / Double(sampleRate) * (1 - distance * distance)
            }
            let found = gaps.filter { $0.lowerBound > (cuts.last?.sample ?? -1) }.max { score($0) < score($1) }
            guard let found, score(found) > 0 else { continue }
            let silence = Int((joint.pause * Double(sampleRate)).rounded()) - found.count
            cuts.append(((found.lowerBound + found.upperBound) / 2, max(0, silence)))
        }
        return cuts.filter { $0.silence > 0 }
    }

    /// The silences within a piece that are long enough to end a sentence.
    private func silences(in samples: [Float]) -> [Range<Int>] {
        let window = sampleRate / 100, speech = speech(in: samples)
        guard speech.count > 2 * window else { return [] }
        let levels = stride(from: 0, to: samples.count, by: window).map { start in
            samples[start..<min(start + window, samples.count)].reduce(0) { max($0, abs($1)) }
        }
        let threshold = (levels.max() ?? 0) * Self.gapLevel
        var silences: [Range<Int>] = [], start: Int?
        for (index, level) in levels.enumerated() {
            if level <= threshold {
                start = start ?? index
            } else {
                if let first = start, first > 0, Double(index - first) / 100 >= Self.shortestGap { silences.append(first * window..<index * window) }
                start = nil
            }
        }
        return silences
    }

    /// Sound below this share of a piece's loudest moment is a pause between its sentences: -34 dB, since breath may be audible there.
    static let gapLevel: Float = pow(10, -34.0 / 20)

    /// A piece with silence inserted at its cuts, and both sides faded.
    func opened(_ samples: [Float], at cuts: [(sample: Int, silence: Int)]) -> [Float] {
        var opened: [Float] = [], start = 0
        for cut in cuts {
            opened += self.cut(samples, to: start..<cut.sample) + Array(repeating: 0, count: cut.silence)
            start = cut.sample
        }
        return cuts.isEmpty ? samples : opened + cut(samples, to: start..<samples.count)
    }

    /// Silence of exactly this length.
    func silence(_ seconds: Double) -> [Float] {
        Array(repeating: 0, count: Int((seconds * Double(sampleRate)).rounded()))
    }
}
