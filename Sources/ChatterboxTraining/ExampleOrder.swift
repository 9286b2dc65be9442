import Chatterbox

/// The examples of each step. The order depends only on the seed and the step, so that training continues after an interruption exactly as without
/// it.
///
/// Each epoch shuffles all examples. Within sections of it, examples of similar length are grouped into batches, so that there is little padding;
/// the batches are shuffled again.
public struct ExampleOrder: Sendable {
    /// The length of each example, in any unit.
    public let lengths: [Int]
    /// Largest length of a batch: the number of its examples times the length of the longest.
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

    /// Batches with a fixed number of examples of any length; fewer only at the end of a section.
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

    /// The number of complete passes through all examples before this step.
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
