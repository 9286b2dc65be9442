import Kernels
import Torch

/// Frames of one utterance that layers with packed weights compute and use some at a time.
///
/// A layer that is applied to a signal computes nothing yet: it is added to the signal's ``PackedRun``.
struct PackedSignal: FrameSignal {
    fileprivate let run: PackedRun
    fileprivate let index: Int

    func mirrored() -> PackedSignal { run.mirror(self) }

    static func + (x: PackedSignal, made: PackedSignal) -> PackedSignal {
        x.run.redirect(made, to: x, share: 1)
        return x
    }

    static func mean(_ count: Int, _ made: (Int) throws -> PackedSignal) rethrows -> PackedSignal {
        let first = try made(0), sum = first.run.signal(width: first.run.width(of: first))
        for index in 0..<count { sum.run.redirect(index == 0 ? first : try made(index), to: sum, share: 1 / Double(count)) }
        return sum
    }
}

extension PackedLayer {
    func callAsFunction(_ x: PackedSignal, residual: PackedSignal?) -> PackedSignal { x.run.append(self, to: x, residual: residual) }
}

/// The layers of a network during one utterance, in the order in which the network calls them.
///
/// Every layer keeps the last of its input frames and continues from there: nothing is computed twice, memory does not grow with the
/// utterance, and the results are those of all frames at once, bit for bit. Not for concurrent use.
final class PackedRun {
    private struct Signal {
        var window: RowWindow
        /// The layer that computes its frames; nil for the input signal.
        var maker: Int?
        /// Layers whose results are summed in it, each with a weight.
        var adders: [Int] = []
        /// Layers that read its frames, or add them to their own results.
        var users: [(layer: Int, adds: Bool)] = []
    }

    private struct Step {
        var stream: LayerStream
        let input: Int, residual: Int?
        var output: Int
        /// The weight with which its results are added to the output; nil if they are the output.
        var share: Double?
        /// Frames of the output before the layer's first.
        var lead = 0

        var rate: Int { stream.layer.convolution.rate }
    }

    private var signals: [Signal] = []
    private var steps: [Step] = []

    /// The number of bytes kept for the next frames.
    var keptBytes: Int { signals.reduce(0) { $0 + $1.window.byteCount } }

    // MARK: the network

    /// An input signal.
    func signal(width: Int) -> PackedSignal {
        signals.append(Signal(window: RowWindow(width: width)))
        return PackedSignal(run: self, index: signals.count - 1)
    }

    fileprivate func width(of signal: PackedSignal) -> Int { signals[signal.index].window.width }

    fileprivate func append(_ layer: PackedLayer, to x: PackedSignal, residual: PackedSignal?) -> PackedSignal {
        let made = signal(width: layer.matrix.outputs / layer.convolution.rate)
        signals[made.index].maker = steps.count
        signals[x.index].users.append((steps.count, adds: false))
        if let residual { signals[residual.index].users.append((steps.count, adds: true)) }
        steps.append(Step(stream: LayerStream(layer), input: x.index, residual: residual?.index, output: made.index))
        return made
    }

    /// Lets the layer that computes a signal add its results to another signal.
    fileprivate func redirect(_ made: PackedSignal, to sum: PackedSignal, share: Double) {
        guard let maker = signals[made.index].maker, steps[maker].share == nil, signals[made.index].users.isEmpty else {
            preconditionFailure("what a layer makes for a sum alone")
        }
        (steps[maker].output, steps[maker].share) = (sum.index, share)
        signals[sum.index].adders.append(maker)
    }

    fileprivate func mirror(_ made: PackedSignal) -> PackedSignal {
        guard let maker = signals[made.index].maker, signals[made.index].users.isEmpty else { preconditionFailure("what a layer makes") }
        steps[maker].lead = 1
        return made
    }

    // MARK: running

    /// Gives a signal its next frames, `[1, frames, width]`.
    func give(_ frames: Tensor, to signal: PackedSignal) throws { try signals[signal.index].window.append(frames) }

    /// Takes the frames of a signal that are complete and were not taken yet, `[1, frames, width]`.
    func take(_ signal: PackedSignal) throws -> Tensor {
        let window = signals[signal.index].window
        let frames = try window[window.rows.lowerBound..<max(window.rows.lowerBound, window.complete)]
        try signals[signal.index].window.forget(before: window.complete)
        return frames
    }

    /// Lets every layer compute all frames for which it has the input.
    ///
    /// - Parameters:
    ///   - isLast: whether the utterance ends with the given frames.
    ///   - pause: called after each pair of convolutions; what it throws ends the work.
    func callAsFunction(isLast: Bool, _ pause: () throws -> Void) throws {
        for index in steps.indices {
            try compute(index, isLast: isLast)
            complete(index)
            for signal in [steps[index].input, steps[index].residual].compactMap(\.self) where signals[signal].users.last!.layer == index {
                try forget(signal)
            }
            if steps[index].residual != nil { try pause() }
        }
    }

    private func compute(_ index: Int, isLast: Bool) throws {
        let step = steps[index], start = step.stream.made, input = signals[step.input].window, into = signals[step.output]
        // A layer that adds to another's results waits for these.
        let known = step.share != nil && into.maker != nil ? min(input.complete, into.window.rows.upperBound) : input.complete
        let end = isLast ? step.stream.layer.resultLength(of: input.complete) : step.stream.ready(after: known)
        guard end > start else { return }
        let rows = step.lead + step.rate * start..<step.lead + step.rate * end, before = into.window.rows.upperBound
        try signals[step.output].window.extend(to: rows.upperBound)
        let window = signals[step.output].window
        if step.share != nil, into.maker == nil, before < rows.upperBound { try window[before..<rows.upperBound].fill(0) }
        let output = try window[rows].viewed([1, end - start, step.rate * window.width])
        try steps[index].stream(input, to: end, into: output, residual: step.residual.map { signals[$0].window }, share: step.share)
        if step.lead > 0, start == 0 { try window[0..<1].assign(window[2..<3]) }
    }

    /// Counts the results of a layer to which nothing more is added.
    private func complete(_ index: Int) {
        let step = steps[index], adders = signals[step.output].adders
        let made = adders.isEmpty ? step.stream.made == 0 ? 0 : step.lead + step.rate * step.stream.made : adders.map { steps[$0].stream.made }.min()!
        signals[step.output].window.complete(to: made)
    }

    /// Discards the frames that no layer needs any more.
    private func forget(_ signal: Int) throws {
        let needed = signals[signal].users.map { $0.adds ? steps[$0.layer].stream.made : steps[$0.layer].stream.needed }.min()!
        try signals[signal].window.forget(before: needed)
    }
}
