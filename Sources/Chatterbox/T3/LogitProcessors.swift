import Torch

/// The steps between logits and probabilities, with the arithmetic of transformers' processors of the same purpose.
/// All take and give the logits of one token, `[vocabulary]`.
extension Tensor {
    /// Both rows' logits `[2, vocabulary]`, moved from the second (without text) past the first.
    func guided(by weight: Double) throws -> Tensor {
        let (withText, without) = (try select(axis: 0, 0), try select(axis: 0, 1))
        return try withText + (withText - without) * weight
    }

    /// Rows of logits `[rows, vocabulary]` in which some tokens have no chance; finite, so that guidance can take their difference.
    func ruling(out tokens: Range<Int>) throws -> Tensor {
        let logits = try clone()
        try logits.narrow(axis: 1, from: tokens.lowerBound, count: tokens.count).fill(-1e4)
        return logits
    }

    /// Tokens marked in `seen` `[vocabulary]` become less likely: positive logits shrink, negative ones grow.
    func penalised(_ seen: Tensor, by penalty: Double) throws -> Tensor {
        let penalised = try Tensor.select(less(than: 0), self * penalty, self / penalty)
        return try Tensor.select(seen, penalised, self)
    }

    /// Only tokens at least `share` times as likely as the likeliest (Nguyen et al. 2024).
    func keepingShare(_ share: Double) throws -> Tensor {
        let probabilities = try softmax(axis: -1)
        let threshold = try probabilities.max(axis: -1, keepAxis: true) * share
        return try maskedFill(probabilities.less(than: threshold), -.infinity)
    }

    /// Only the likeliest tokens that together reach `probability` (Holtzman et al. 2020), at least one.
    func keepingNucleus(_ probability: Double) throws -> Tensor {
        let (ascending, order) = try sorted(axis: -1, descending: false)
        let tail = try ascending.softmax(axis: -1).cumsum(axis: -1).lessOrEqual(to: 1 - probability)
        try tail.narrow(axis: -1, from: count - 1, count: 1).fill(0)
        return try maskedFill(tail.scatter(axis: -1, index: order, source: tail), -.infinity)
    }

    /// Only the `limit` likeliest tokens and those equal to the last of them.
    func keepingTop(_ limit: Int) throws -> Tensor {
        let kept = Swift.min(limit, count)
        let least = try topK(kept, axis: -1).values.narrow(axis: -1, from: kept - 1, count: 1)
        return try maskedFill(less(than: least), -.infinity)
    }
}
