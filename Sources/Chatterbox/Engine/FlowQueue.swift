import Torch

/// The utterances of a model's requests that wait for the flow, which is computed in batches.
///
/// A request waits for a short time for others that will arrive soon. Then it computes a batch of as many as fit, and the others get their results.
/// Only one thread at a time may use a queue.
final class FlowQueue {
    private final class Entry {
        let order: FlowOrder
        let steps: Int
        /// Called before each step, with its number from 1.
        let onStep: (Int) -> Void
        let wake: () -> Void
        var isInBatch = false
        /// Whether it is computed separately, because a batch with it failed.
        var isAlone = false
        var mel: Tensor?

        init(_ order: FlowOrder, steps: Int, onStep: @escaping (Int) -> Void, wake: @escaping () -> Void) {
            (self.order, self.steps, self.onStep, self.wake) = (order, steps, onStep, wake)
        }
    }

    /// Computes a batch: the mel of each order, with this number of steps; the closure is called before each step, and an error that it throws ends
    /// the flow.
    typealias Solver = (_ orders: [FlowOrder], _ steps: Int, _ checkpoint: () throws -> Void) throws -> [Tensor]

    /// The number of orders, from the first on, that fit into one batch.
    private let batchSize: ([FlowOrder]) -> Int
    private let solve: Solver
    private var entries: [Entry] = []
    private var isComputing = false
    /// The number of other units of work that may still run before a batch is computed.
    private var patience = 0
    /// The number of batches computed so far, by their size.
    private(set) var batchCounts: [Int: Int] = [:]

    convenience init(_ batches: FlowBatches) {
        self.init(batchSize: batches.batchSize) { try batches($0, steps: $1, checkpoint: $2) }
    }

    init(batchSize: @escaping ([FlowOrder]) -> Int, solve: @escaping Solver) { (self.batchSize, self.solve) = (batchSize, solve) }

    /// The mel of an order, `[1, mel, frames]`, computed together with others.
    ///
    /// - Parameters:
    ///   - expected: the number of other requests that will arrive soon.
    ///   - onStep: called before each step, with its number from 1.
    ///   - wake: makes `park` return; called on the thread that uses the queue.
    ///   - park: waits for `wake`; it may return without a cause.
    ///   - pause: called before each step, if this request computes the batch.
    /// - Throws: errors of computing, `park` and `pause`. The batch's other requests are then computed without this one.
    func mel(
        of order: FlowOrder, steps: Int, expected: Int, onStep: @escaping (Int) -> Void, wake: @escaping () -> Void, park: () throws -> Void,
        pause: () throws -> Void
    ) throws -> Tensor {
        let entry = Entry(order, steps: steps, onStep: onStep, wake: wake)
        if entries.allSatisfy(\.isInBatch) { patience = expected }
        entries.append(entry)
        defer { entries.removeAll { $0 === entry } }
        while entry.mel == nil {
            if isComputing || patience > 0 {
                try park()
            } else {
                try computeBatch(from: entry, pause)
            }
        }
        return entry.mel!
    }

    /// Call this after each unit of other work.
    ///
    /// - Parameter expected: the number of requests that will arrive soon.
    func otherWorkRan(expected: Int) {
        guard patience > 0 else { return }
        patience = min(patience - 1, expected)
        if patience == 0 { wakeNext() }
    }

    private func wakeNext() { entries.first { !$0.isInBatch }?.wake() }

    /// Computes the batch of an entry and as many others as fit.
    private func computeBatch(from first: Entry, _ pause: () throws -> Void) throws {
        var batch = [first]
        if !first.isAlone { batch += entries.filter { $0 !== first && !$0.isAlone && $0.steps == first.steps && $0.mel == nil } }
        batch = Array(batch.prefix(batchSize(batch.map(\.order))))
        for entry in batch { entry.isInBatch = true }
        isComputing = true
        defer {
            isComputing = false
            for entry in batch {
                entry.isInBatch = entry.mel != nil
                if entry !== first { entry.wake() }
            }
            wakeNext()
        }
        var step = 0
        do {
            let mels = try solve(batch.map(\.order), first.steps) {
                try pause()
                step += 1
                for entry in batch { entry.onStep(step) }
            }
            for (entry, mel) in zip(batch, mels) { entry.mel = mel }
            batchCounts[batch.count, default: 0] += 1
        } catch let error where batch.count > 1 && !(error is CancellationError) {
            // The failure may be caused by one entry only.
            for entry in batch { entry.isAlone = true }
        }
    }
}
