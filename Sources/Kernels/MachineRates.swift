import CKernels
import Torch

/// What a machine's processor and memory reach: what stages are held against.
public struct MachineRates: Sendable, Hashable, Codable {
    /// Bytes that all threads together read from memory in a second.
    public let bandwidth: Double
    /// Operations a second (a multiplication and an addition are two) in products of large matrices, in 32 bits and in 8.
    public let float32, int8: Double

    /// Measures in about a second.
    ///
    /// - Throws: ``KernelError/outOfMemory(_:bytes:)``.
    public init(measuredWith team: ThreadTeam) throws {
        let bytes = 512 << 20
        bandwidth = ck_measure_reading(team.handle, bytes)
        guard bandwidth > 0 else { throw KernelError.outOfMemory("measuring", bytes: bytes) }
        float32 = try Self.rate(.float32, team)
        int8 = try Self.rate(.int8, team)
    }

    /// The best of some products whose matrices stay in the caches.
    private static func rate(_ format: WeightFormat, _ team: ThreadTeam) throws -> Double {
        let (rows, inputs, outputs) = (240 * team.threads, 512, 1024)
        let layer = PackedLayer(try PackedMatrix([.init(.ones([outputs, inputs]))], format: format, team: team))
        let x = try Tensor.ones([1, rows, inputs]), result = try Tensor.empty([1, rows, outputs])
        let clock = ContinuousClock()
        let seconds = try (0..<12).map { _ in try clock.measure { try layer(x, into: result) } / .seconds(1) }
        return 2 * Double(rows * inputs * outputs) / seconds.min()!
    }
}
