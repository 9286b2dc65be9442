import Torch

/// Keeps copies of small tensors where C code finds them.
final class FloatArena {
    private var blocks: [UnsafeMutableBufferPointer<Float>] = []

    var byteCount: Int { blocks.reduce(0) { $0 + $1.count * MemoryLayout<Float>.stride } }

    func copy(_ values: some Collection<Float>) -> UnsafePointer<Float> {
        let block = UnsafeMutableBufferPointer<Float>.allocate(capacity: max(1, values.count))
        _ = block.initialize(from: values)
        blocks.append(block)
        return UnsafePointer(block.baseAddress!)
    }

    /// - Throws: `TorchError` for a tensor that is not float32 on the CPU.
    func copy(_ tensor: Tensor) throws -> UnsafePointer<Float> { try tensor.contiguous().withElements(of: Float.self) { copy($0) } }

    func copy(_ tensor: Tensor?) throws -> UnsafePointer<Float>? { try tensor.map { try copy($0) } }

    deinit { for block in blocks { block.deallocate() } }
}
