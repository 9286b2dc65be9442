import CKernels

/// The rates of a machine's processor and memory, with which stages are compared.
public struct MachineRates: Sendable, Hashable, Codable {
    /// Bytes that all threads together read from memory in a second.
    public let bandwidth: Double
    /// Operations per second (a multiplication and an addition are two) of all threads together, in 32 bits and in 8, with all numbers in registers:
    /// an upper limit that good products nearly reach.
    public let float32, int8: Double

    public init(bandwidth: Double, float32: Double, int8: Double) {
        self.bandwidth = bandwidth
        self.float32 = float32
        self.int8 = int8
    }

    /// Measures for about half a second.
    ///
    /// - Throws: ``KernelError/outOfMemory(_:bytes:)``.
    public init(measuredWith team: ThreadTeam) throws {
        let bytes = 512 << 20
        bandwidth = ck_measure_reading(team.handle, bytes)
        guard bandwidth > 0 else { throw KernelError.outOfMemory("measuring", bytes: bytes) }
        float32 = ck_measure_arithmetic(team.handle, WeightFormat.float32.code)
        int8 = ck_measure_arithmetic(team.handle, WeightFormat.int8.code)
    }
}
