import Foundation
import Torch

/// What this machine can do at most: every stage's time is held against one of the two.
struct MachineLimits: Codable, Sendable {
    let processor: String
    let threads: Int
    /// Bytes read from memory in a second, by all threads together.
    let bytesPerSecond: Double
    /// float32 operations a second in a matrix product that does not wait for memory.
    let operationsPerSecond: Double

    /// Measures for about a second: sums over 512 MB, and products of two 1536 × 1536 matrices.
    static func measure() throws -> MachineLimits {
        try withoutGradients {
            let long = try Tensor.ones([1 << 27])
            let bytes = try best(of: 5) { _ = try long.sum() }
            let size = 1536
            let matrix = try Tensor.ones([size, size])
            let product = try best(of: 5) { _ = try matrix.matmul(matrix) }
            let operations = 2 * Double(size) * Double(size) * Double(size)
            return MachineLimits(
                processor: processorName, threads: Libtorch.threads,
                bytesPerSecond: Double(long.byteCount) / bytes, operationsPerSecond: operations / product)
        }
    }

    private static func best(of count: Int, _ work: () throws -> Void) rethrows -> Double {
        try work()
        return try (0..<count).map { _ in
            let start = ContinuousClock.now
            try work()
            return (ContinuousClock.now - start) / .seconds(1)
        }.min() ?? .infinity
    }

    private static var processorName: String {
        let lines = ((try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? "").split(separator: "\n")
        let name = lines.first { $0.hasPrefix("model name") || $0.hasPrefix("Model") }?.split(separator: ":").last
        return name.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown processor"
    }

    /// As "AMD EPYC, 2 threads: memory 31.5 GB/s, float32 130 GFLOP/s".
    var sentence: String {
        String(
            format: "%@, %d threads: memory %.1f GB/s, float32 matrix product %.0f GFLOP/s",
            processor, threads, bytesPerSecond / 1e9, operationsPerSecond / 1e9)
    }
}
