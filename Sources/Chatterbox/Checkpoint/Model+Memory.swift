import Foundation
import Torch

extension Model {
    /// The approximate memory, in bytes, of a folder's model when it is loaded as
    /// ``load(_:variant:device:dtype:compute:flow:watermark:languageTools:adapters:logger:)`` would load it; the memory of requests is not included.
    ///
    /// Where weights are packed for the CPU, T3's layers and head count in their packed format, and an S3Gen in 8 bits counts as a quarter. Embedding
    /// tables stay in pages of the files, few of which are ever read: they are not counted. Otherwise the size is that of the weights in their type.
    ///
    /// - Throws: ``CheckpointError`` for the folder, `CocoaError` if a file cannot be read.
    public static func byteCount(
        of folder: URL, variant: Variant? = nil, device: Device = .cpu, dtype: DType = .float32, compute: ComputeOptions = .standard
    ) throws -> Int {
        let files = try ModelFiles(folder, variant: variant), plan = ComputePlan(device: device, dtype: dtype, compute: compute)
        let sound = try ModelFiles.byteCount(of: files.s3Gen), others = try ModelFiles.byteCount(of: files.voiceEncoder)
        guard plan.isPacked else {
            // Upstream's files are in float32.
            return try ModelFiles.byteCount(of: files.t3) * dtype.size / DType.float32.size + sound + others
        }
        let t3 = files.configuration.t3.stepCost(length: 0, rows: 1, quantization: compute.quantization).bytes
        return Int(t3) + (compute.quantization == .none ? sound : sound / 4) + others
    }
}
