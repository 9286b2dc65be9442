import Torch

/// How well embeddings show whether two recordings are of one speaker.
public struct SpeakerVerification: Sendable, Hashable {
    /// The equal error rate: pairs of one speaker are refused as often as pairs of different speakers are accepted.
    public let equalErrorRate: Double
    /// The cosine with that error rate.
    public let threshold: Double
    /// Mean cosine of pairs of one speaker.
    public let meanSame: Double
    /// Mean cosine of pairs of different speakers.
    public let meanDifferent: Double

    /// Compares every pair of recordings.
    ///
    /// - Parameters:
    ///   - embeddings: `[recordings, size]`, of any length.
    ///   - speakers: the speaker of each recording; at least one pair of one speaker and one of different speakers.
    public init(embeddings: Tensor, speakers: [String]) throws {
        precondition(embeddings.size(0) == speakers.count, "a speaker for each of \(embeddings.size(0)) embeddings")
        let unit = try SpeakerLosses.normalized(embeddings)
        let cosines = try unit.matmul(unit.transposed(0, 1)).array(of: Float.self)
        var same: [Float] = [], different: [Float] = []
        for i in speakers.indices {
            for j in 0..<i {
                let cosine = cosines[i * speakers.count + j]
                if speakers[i] == speakers[j] { same.append(cosine) } else { different.append(cosine) }
            }
        }
        self.init(same: same, different: different)
    }

    /// From the cosines of pairs of one speaker and of different speakers, at least one of each.
    init(same: [Float], different: [Float]) {
        precondition(!same.isEmpty && !different.isEmpty, "pairs of one speaker and of different speakers")
        func mean(_ values: [Float]) -> Double { values.reduce(0) { $0 + Double($1) } / Double(values.count) }
        let (same, different) = (same.sorted(), different.sorted())
        // The threshold rises through the cosines of pairs of one speaker until both error rates are equal.
        var accepted = different.count
        var best = (gap: Double.infinity, rate: 0.5, threshold: 0.0)
        for (refused, threshold) in (same + [.infinity]).enumerated() where refused == 0 || threshold > same[refused - 1] {
            while accepted > 0, different[different.count - accepted] < threshold { accepted -= 1 }
            let falseRefusal = Double(refused) / Double(same.count), falseAcceptance = Double(accepted) / Double(different.count)
            if abs(falseRefusal - falseAcceptance) < best.gap {
                best = (abs(falseRefusal - falseAcceptance), (falseRefusal + falseAcceptance) / 2, Double(threshold))
            }
        }
        equalErrorRate = best.rate
        threshold = best.threshold
        meanSame = mean(same)
        meanDifferent = mean(different)
    }
}
