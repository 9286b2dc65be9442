import Torch

/// Losses that make embeddings of the same speaker similar and those of different speakers dissimilar.
public enum SpeakerLosses {
    /// Each recording's embedding should be closer to the centre of its own speaker, computed without it, than to the centres of others.
    ///
    /// Wan et al. 2018, "Generalized End-to-End Loss for Speaker Verification", the form with softmax.
    /// - Parameters:
    ///   - embeddings: `[speakers, recordings, size]`, each of length 1; at least two of both.
    ///   - scale: the factor of the cosines, `[1]`; kept above 0.
    ///   - offset: the number that is added after that, `[1]`.
    /// - Returns: the loss, and the share of recordings nearest to their own speaker.
    public static func endToEnd(_ embeddings: Tensor, scale: Tensor, offset: Tensor) throws -> (loss: Tensor, accuracy: Double) {
        let (speakers, recordings) = (embeddings.size(0), embeddings.size(1))
        precondition(speakers > 1 && recordings > 1, "at least two speakers with two recordings each")
        let sums = try embeddings.sum(axis: 1, keepAxis: true)
        let centres = try normalized(sums.squeezed(1))
        let others = try normalized(sums - embeddings)
        let toAll = try embeddings.reshaped([speakers * recordings, -1]).matmul(centres.transposed(0, 1))
        let toOwn = try (embeddings * others).sum(axis: -1).reshaped([speakers * recordings, 1])

        let speaker = try Tensor.arange(speakers, device: embeddings.device).repeatInterleaved(recordings, axis: 0)
        let isOwn = try speaker.unsqueezed(1).equal(to: Tensor.arange(speakers, device: embeddings.device).unsqueezed(0))
        let similarity = try Tensor.select(isOwn, toOwn, toAll) * scale.clamped(min: 1e-3) + offset
        return (try similarity.crossEntropy(speaker), try accuracy(similarity, speaker))
    }

    /// Cosines to a learned direction for each speaker, the right one made harder by a margin.
    ///
    /// Wang et al. 2018, "Additive Margin Softmax for Face Verification".
    /// - Parameters:
    ///   - embeddings: `[batch, size]`, of any length.
    ///   - directions: `[speakers, size]`, of any length.
    ///   - speakers: int64 `[batch]`.
    ///   - margin: subtracted from the right speaker's cosine.
    ///   - scale: the factor of the cosines before the softmax.
    public static func additiveMargin(
        _ embeddings: Tensor, directions: Tensor, speakers: Tensor, margin: Double = 0.2, scale: Double = 20
    ) throws -> (loss: Tensor, accuracy: Double) {
        let cosines = try normalized(embeddings).matmul(normalized(directions).transposed(0, 1))
        let classes = try Tensor.arange(directions.size(0), device: embeddings.device).unsqueezed(0)
        let isOwn = try speakers.unsqueezed(1).equal(to: classes).to(.float32)
        return (try ((cosines - isOwn * margin) * scale).crossEntropy(speakers), try accuracy(cosines, speakers))
    }

    /// Vectors along the last axis, at length 1.
    static func normalized(_ x: Tensor) throws -> Tensor { try x / (x.square().sum(axis: -1, keepAxis: true) + 1e-12).sqrt() }

    private static func accuracy(_ scores: Tensor, _ classes: Tensor) throws -> Double {
        try withoutGradients { try scores.argmax(axis: 1).equal(to: classes).to(.float32).mean().item(Double.self) }
    }
}
