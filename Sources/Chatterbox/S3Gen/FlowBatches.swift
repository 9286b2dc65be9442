import Torch

/// An utterance for which the flow is to be computed.
struct FlowOrder {
    /// The noise from which it starts, `[1, frames, mel]`.
    let noise: Tensor
    /// The conditions of the same number of frames.
    let conditions: FlowConditions

    var frames: Int { noise.size(1) }
}

/// Computes the flow of several utterances in a batch; on a GPU its steps are captured and replayed.
///
/// Batches are padded: to a power of two of sequences, and to a multiple of 128 frames. A step reads its inputs from tensors with fixed
/// addresses. One graph is captured for each padded shape when it is first needed; the least recently used graphs are freed. If
/// graphs cannot be captured, as on a CPU, the same step runs operation by operation.
final class FlowBatches {
    private let flow: FlowMatching<ExactArithmetic>
    private let device: Device
    private let captures: Bool
    private var prepared: RecentlyUsed<Shape, Prepared>

    /// Sequences are padded to a multiple of `bucket` frames; a batch has at most `mostFrames`, padding included.
    private static let bucket = 128, mostFrames = 16_384

    /// The padded shape of a batch.
    private struct Shape: Hashable { let sequences, frames: Int }

    /// - Parameter limit: the frames of all captured steps together, those of the unconditioned sequences included: an activation
    ///   workspace of about 40 kB each.
    init(_ flow: FlowMatching<ExactArithmetic>, device: Device, captures: Bool? = nil, limit: Int = 65_536) {
        self.flow = flow
        self.device = device
        self.captures = captures ?? (device.isCUDA && CapturedGraph.isSupported)
        prepared = RecentlyUsed(limit: limit) { $0.cost }
    }

    /// How many of the given orders, from the first on, fit in one batch; at least one.
    func batchSize(_ orders: [FlowOrder]) -> Int {
        var count = 0, longest = 0
        for order in orders {
            longest = max(longest, order.frames)
            if count > 0, Self.sequences(count + 1) * Self.padded(longest) > Self.mostFrames { break }
            count += 1
        }
        return count
    }

    /// The mel of each order, `[1, frames, mel]`, in `steps` Euler steps.
    ///
    /// - Parameter checkpoint: called before each step; what it throws ends the flow.
    func callAsFunction(_ orders: [FlowOrder], steps: Int, checkpoint: () throws -> Void) throws -> [Tensor] {
        let shape = Shape(sequences: Self.sequences(orders.count), frames: Self.padded(orders.map(\.frames).max()!))
        let batch: Prepared
        if let made = prepared.use(shape) {
            batch = made
        } else {
            batch = try Prepared(flow, sequences: shape.sequences, frames: shape.frames, device: device)
            prepared.insert(batch, for: shape)
        }
        try batch.fill(with: orders, flow)
        let times = try flow.schedule(steps)
        for (start, end) in zip(times, times.dropFirst()) {
            try checkpoint()
            try batch.step(flow, from: start, to: end, captures: captures)
        }
        // Copied, because the next batch overwrites them.
        return try orders.enumerated().map { index, order in
            try batch.x.narrow(axis: 0, from: index, count: 1).narrow(axis: 1, from: 0, count: order.frames).clone()
        }
    }

    private static func sequences(_ count: Int) -> Int {
        var sequences = 1
        while sequences < count { sequences *= 2 }
        return sequences
    }

    private static func padded(_ frames: Int) -> Int { (frames + bucket - 1) / bucket * bucket }

    /// The tensors of a step, and its graph.
    private final class Prepared {
        /// The noisy mel, `[sequences, frames, mel]`.
        let x: Tensor
        /// The estimator's conditions, `[rows, frames, 3 · mel]`, and a mask that is false at padding, `[rows, frames, 1]`. With
        /// guidance the rows are the sequences, then the sequences again without conditions.
        private let conditions, mask: Tensor
        /// The times at which a step starts and ends, `[rows]`, and their difference, `[1]`.
        private let start, end, span: Tensor
        private var graph: CapturedGraph?
        let cost: Int

        init(_ flow: FlowMatching<ExactArithmetic>, sequences: Int, frames: Int, device: Device) throws {
            let configuration = flow.configuration, mel = configuration.melChannels
            let rows = configuration.guidance != 0 ? 2 * sequences : sequences
            x = try .zeros([sequences, frames, mel], device: device)
            conditions = try .zeros([rows, frames, 3 * mel], dtype: flow.estimator.dtype, device: device)
            mask = try .zeros([rows, frames, 1], dtype: .bool, device: device)
            start = try .zeros([rows], device: device)
            end = try .zeros([rows], device: device)
            span = try .zeros([1], device: device)
            cost = rows * frames
        }

        /// Writes the step's inputs. In sequences without an order only the first frame is not padding, because attention needs one.
        func fill(with orders: [FlowOrder], _ flow: FlowMatching<ExactArithmetic>) throws {
            let frames = x.size(1)
            var lengths = Array(repeating: 1, count: x.size(0))
            try x.fill(0)
            try conditions.fill(0)
            for (index, order) in orders.enumerated() {
                let own = order.frames
                lengths[index] = own
                try x[index].narrow(axis: 0, from: 0, count: own).assign(order.noise[0])
                try conditions[index].narrow(axis: 0, from: 0, count: own).assign(flow.estimator.joined(order.conditions)[0])
            }
            // The rows without conditions have the same mask.
            if conditions.size(0) > lengths.count { lengths += lengths }
            let ends = try Tensor(lengths, shape: [lengths.count, 1, 1], device: x.device)
            try mask.assign(Tensor.arange(frames, device: x.device).unsqueezed(1).less(than: ends))
        }

        func step(_ flow: FlowMatching<ExactArithmetic>, from start: Float, to end: Float, captures: Bool) throws {
            try self.start.fill(Double(start))
            try self.end.fill(Double(end))
            try span.fill(Double(end - start))
            if let graph { return try graph.replay() }
            try compute(flow)
            guard captures else { return }
            // The first step runs uncaptured, so that libraries allocate what they need. Capturing records without computing.
            graph = try CapturedGraph(on: x.device) { try compute(flow) }
        }

        private func compute(_ flow: FlowMatching<ExactArithmetic>) throws {
            let velocity = try flow.velocity(
                at: x, conditions: conditions, times: flow.estimator.stageTimes(start, end: flow.configuration.meanFlow ? end : nil), mask: mask)
            try x.assign(x + velocity * span)
        }
    }
}
