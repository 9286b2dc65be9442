import Chatterbox

/// Which examples make up which step: an order told by the seed and the step alone, so that training goes on after a
/// break exactly as it would have.
///
/// Each epoch shuffles all examples. Within stretches of it, examples of like length are put together, so that little of a
/// batch is padding; the batches are shuffled again.
public struct ExampleOrder: Sendable {
    /// The length of each example, in any unit.
    public let lengths: [Int]
    /// The most that a batch's examples may come to, each counted as long as the longest.
    public let batchLength: Int
    public let seed: UInt64
    /// The most examples of a batch.
    private let batchCount: Int
    /// Batches whose examples are sorted together.
    private static let stretch = 32

    private var epoch = -1
    private var batches: [[Int]] = []
    private var firstStep = 0

    /// - Precondition: there are examples.
    public init(lengths: [Int], batchLength: Int, seed: UInt64) {
        precondition(!lengths.isEmpty, "no examples to order")
        self.lengths = lengths
        self.batchLength = batchLength
        self.seed = seed
        batchCount = .max
    }

    /// Batches of so many examples, however long they are; fewer only where a stretch ends.
    ///
    /// - Precondition: there are examples, and a batch has at least one.
    public init(lengths: [Int], batchCount: Int, seed: UInt64) {
        precondition(!lengths.isEmpty && batchCount > 0, "no examples to order")
        self.lengths = lengths
        self.batchCount = batchCount
        self.seed = seed
        batchLength = batchCount * lengths.max()!
    }

    /// The examples of a step, counted from 0; at least one.
    public mutating func batch(at step: Int) -> [Int] {
        if step < firstStep { (epoch, batches, firstStep) = (-1, [], 0) }
        while step >= firstStep + batches.count {
            firstStep += batches.count
            epoch += 1
            batches = batches(ofEpoch: epoch)
        }
        return batches[step - firstStep]
    }

    /// How often all examples have been seen before this step.
    public mutating func epoch(at step: Int) -> Double {
        _ = batch(at: step)
        return Double(epoch) + Double(step - firstStep) / Double(batches.count)
    }

    private func batches(ofEpoch epoch: Int) -> [[Int]] {
        var random = SplitMix64(seed: seed &+ UInt64(epoch) &* 0x9E37_79B9_7F4A_7C15)
        let shuffled = lengths.indices.shuffled(using: &random)
        let mean = max(1, lengths.reduce(0, +) / lengths.count)
        let size = batchCount == .max ? max(1, Self.stretch * batchLength / mean) : Self.stretch * batchCount
        var result: [[Int]] = []
        for start in stride(from: 0, to: shuffled.count, by: size) {
            let sorted = shuffled[start..<min(start + size, shuffled.count)].sorted { (lengths[$0], $0) < (lengths[$1], $1) }
            var batch: [Int] = []
            for example in sorted {
                if !batch.isEmpty, batch.count == batchCount || (batch.count + 1) * lengths[example] > batchLength {
                    result.append(batch)
                    batch = []
                }
                batch.append(example)
            }
            result.append(batch)
        }
        return result.shuffled(using: &random)
    }
}
