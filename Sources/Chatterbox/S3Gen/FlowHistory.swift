import Kernels
import Torch

/// What the frames that a network has made leave to those that follow them: the last frames that every convolution saw, and the
/// keys and values of every attention. A flow has them for each of its steps.
///
/// Frames that are made see nothing of those that come later, and are not computed again.
struct FlowHistory: Sendable {
    /// Of each step.
    fileprivate(set) var tapes: [FlowTape]
    /// The frames, or tokens, whose keys and values are kept, the prompt's first.
    private(set) var stretches: [Range<Int>] = []
    /// How many there were in all.
    private(set) var end = 0

    init(steps: Int = 1) { tapes = Array(repeating: FlowTape(), count: steps) }

    /// Bytes of keys and values.
    var byteCount: Int { tapes.reduce(0) { $0 + $1.byteCount } }

    /// Notes that so many frames were made, and lets go of stretches, the prompt's excepted, that are not needed to see as many
    /// frames as `context` says.
    mutating func append(frames: Int, context: Int) {
        stretches.append(end..<end + frames)
        end += frames
        while stretches.count > 2, end - stretches[2].lowerBound >= context || stretches.count > KeptRows.most {
            stretches.remove(at: 1)
            for step in tapes.indices { tapes[step].forget(stretch: 1) }
        }
    }

    /// Runs one of the steps, which goes on where it stopped.
    mutating func step<Result>(_ step: Int, _ body: (FlowRecorder) throws -> Result) rethrows -> Result {
        let recorder = FlowRecorder(tapes[step])
        defer { tapes[step] = recorder.tape }
        return try body(recorder)
    }
}

/// What one step of a flow remembers, in the order in which its layers run.
struct FlowTape: Sendable {
    /// Keys and values of some frames.
    enum Keys: Sendable {
        /// `[batch, heads, frames, head size]` each.
        case tensors(key: Tensor, value: Tensor)
        case packed(KeptRows)

        /// All that tensors hold, in order.
        static func joined(_ stretches: [Keys]) throws -> (key: Tensor, value: Tensor) {
            let pairs = stretches.map { keys in
                guard case .tensors(let key, let value) = keys else { preconditionFailure("kept by packed networks") }
                return (key, value)
            }
            return (try Tensor.cat(pairs.map(\.0), axis: 2), try Tensor.cat(pairs.map(\.1), axis: 2))
        }

        var rows: KeptRows {
            guard case .packed(let rows) = self else { preconditionFailure("kept by exact networks") }
            return rows
        }
    }

    fileprivate var ends: [Tensor] = []
    /// Of each attention, stretch after stretch.
    fileprivate var keys: [[Keys]] = []

    fileprivate mutating func forget(stretch: Int) {
        for attention in keys.indices { keys[attention].remove(at: stretch) }
    }

    fileprivate var byteCount: Int {
        keys.joined().reduce(0) { sum, keys in
            switch keys {
            case .tensors(let key, let value): sum + key.byteCount + value.byteCount
            case .packed(let rows): sum + rows.byteCount
            }
        }
    }
}

/// Hands each layer of a step what it remembers, and takes what it is to remember. Every run asks in the same order.
final class FlowRecorder {
    fileprivate private(set) var tape: FlowTape
    private var (convolution, attention) = (0, 0)

    fileprivate init(_ tape: FlowTape) { self.tape = tape }

    /// The frames before some that a convolution is about to see, nil at the beginning.
    ///
    /// - Parameter last: the last of these, of as many as the next run is to begin with; it is kept as it is.
    func frames(before last: Tensor) -> Tensor? {
        defer { convolution += 1 }
        guard convolution < tape.ends.count else {
            tape.ends.append(last)
            return nil
        }
        defer { tape.ends[convolution] = last }
        return tape.ends[convolution]
    }

    /// The frames before `x` and it, as a causal convolution of so many taps sees them; zeros at the beginning.
    ///
    /// - Parameter axis: that of the frames.
    func led(_ x: Tensor, taps: Int, axis: Int) throws -> Tensor {
        let reach = taps - 1
        guard let before = frames(before: try x.narrow(axis: axis, from: x.size(axis) - reach, count: reach).clone()) else {
            var shape = x.shape
            shape[axis] = reach
            return try Tensor.cat([.zeros(shape, dtype: x.dtype, device: x.device), x], axis: axis)
        }
        return try Tensor.cat([before, x], axis: axis)
    }

    /// What an attention sees besides its own frames.
    ///
    /// - Parameter make: computes with it, and gives what later frames see.
    func attend(_ make: ([FlowTape.Keys]) throws -> FlowTape.Keys) rethrows {
        if attention == tape.keys.count { tape.keys.append([]) }
        tape.keys[attention].append(try make(tape.keys[attention]))
        attention += 1
    }
}
