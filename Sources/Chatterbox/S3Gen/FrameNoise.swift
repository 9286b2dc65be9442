import Torch

/// The noise of one utterance, frame by frame: what a frame gets follows from the utterance's seed and the frame's number
/// alone, so that every window over the same frames has the same noise, in whatever order they are made.
struct FrameNoise: Sendable {
    let seed: UInt64

    /// What the noise is for: one use's numbers say nothing of another's.
    enum Use: UInt64 {
        case flow = 1, phases, source
    }

    /// Where the flow starts, `[1, bins, frames]`. The voice's prompt has numbers below 0.
    func flow(_ frames: Range<Int>, bins: Int) throws -> Tensor {
        guard !frames.isEmpty else { return try .empty([1, bins, 0]) }
        return try Tensor.stack(frames.map { try .randn([bins], generator: generator(.flow, $0)) }, axis: 1).unsqueezed(0)
    }

    /// What is added to the source's sines, `[sines, frames · samplesPerFrame]`.
    func source(_ frames: Range<Int>, sines: Int, samplesPerFrame: Int) throws -> Tensor {
        guard !frames.isEmpty else { return try .empty([sines, 0]) }
        return try Tensor.cat(frames.map { try .randn([sines, samplesPerFrame], generator: generator(.source, $0)) }, axis: 1)
    }

    /// A generator for one frame's numbers, or for those that an utterance has once.
    func generator(_ use: Use, _ frame: Int = 0) throws -> Generator {
        var outer = SplitMix64(seed: seed ^ use.rawValue << 56)
        var inner = SplitMix64(seed: outer.next() &+ UInt64(bitPattern: Int64(frame)))
        return try Generator(seed: inner.next())
    }
}
