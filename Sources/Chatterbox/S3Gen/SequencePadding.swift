import Torch

/// Which frames of a batch are filling, in the forms that convolution and attention want. Empty for equal lengths,
/// so that nothing is computed where there is nothing to hide.
struct SequencePadding: Sendable {
    /// `[batch, 1, frames]`, true at frames that count; nil where all do.
    let frames: Tensor?

    init(frames: Tensor?) { self.frames = frames }

    init(lengths: [Int]?, count: Int, device: Device) throws {
        guard let lengths, lengths.contains(where: { $0 != count }) else {
            frames = nil
            return
        }
        let ends = try Tensor(lengths, shape: [lengths.count, 1, 1], device: device)
        frames = try Tensor.arange(count, device: device).less(than: ends)
    }

    /// `[batch, 1, 1, frames]`, true at keys that attention must not see.
    var hiddenKeys: Tensor? {
        get throws { try frames?.logicalNot().unsqueezed(1) }
    }

    /// Sets the filling of `[batch, channels, frames]` to zero.
    func silenced(_ x: Tensor) throws -> Tensor {
        guard let frames else { return x }
        return try x * frames.to(x.dtype)
    }
}
