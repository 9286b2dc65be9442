import Harness
import Torch

/// Prints the times of small tensor operations, with one thread and without gradients.
///
///     TorchBench            a table of microseconds
///     TorchBench --answer   measures the benchmarks named on standard input, for Benchmarks/torch-against-python
///     TorchBench cuda …     on a GPU, where a call returns before its work is done
@main
struct TorchBench {
    static func main() throws {
        try Libtorch.setThreads(1)
        let device = try Device(CommandLine.arguments.dropFirst().first { !$0.hasPrefix("-") } ?? "cpu")
        try withoutGradients {
            let benchmarks = try smallOperations(on: device)
            if CommandLine.arguments.contains("--answer") {
                try answer(benchmarks)
            } else {
                print("libtorch \(Libtorch.version), \(device), one thread, medians\n")
                try report(benchmarks)
            }
        }
    }

    /// The names are those of `Benchmarks/torch-against-python`.
    static func smallOperations(on device: Device) throws -> [Benchmark] {
        let generator = try Generator(seed: 1)
        func random(_ shape: Int...) throws -> Tensor { try .randn(shape, generator: generator).to(device) }
        let a = try random(10, 10), b = try random(10, 10), c = try random(64, 64), d = try random(64, 64)
        let row = try random(1, 1024), weight = try random(1024, 1024), ones = try Tensor.ones([1024], device: device)
        let query = try random(1, 16, 1, 64), keys = try random(1, 16, 128, 64)
        let indices = try Tensor([3, 1, 2], device: device)
        return [
            Benchmark("add 10×10") { _ = try a + b },
            Benchmark("add number 10×10") { _ = try a + 1.5 },
            Benchmark("multiply 10×10") { _ = try a * b },
            Benchmark("exp 10×10") { _ = try a.exp() },
            Benchmark("add in place 10×10") { try a.add(inPlace: b, scale: 0) },
            Benchmark("matmul 10×10") { _ = try a.matmul(b) },
            Benchmark("matmul 64×64") { _ = try c.matmul(d) },
            Benchmark("softmax 10×10") { _ = try a.softmax(axis: 1) },
            Benchmark("sum over an axis 10×10") { _ = try a.sum(axis: 1) },
            Benchmark("narrow") { _ = try c.narrow(axis: 0, from: 1, count: 8) },
            Benchmark("index [1, 2..<5]") { _ = try c[1, 2..<5] },
            Benchmark("reshape") { _ = try c.reshaped([32, 128]) },
            Benchmark("transpose") { _ = try c.transposed(0, 1) },
            Benchmark("cat of two 10×10") { _ = try Tensor.cat([a, b], axis: 1) },
            Benchmark("choose 3 of 10 rows") { _ = try a.indexSelect(axis: 0, indices) },
            Benchmark("zeros 10×10") { _ = try Tensor.zeros([10, 10], device: device) },
            Benchmark("read one number") { _ = try a[0, 0].item(Float.self) },
            Benchmark("layer norm 1×1024") { _ = try row.layerNorm(shape: [1024], weight: ones, bias: ones) },
            Benchmark("linear 1×1024 → 1024") { _ = try row.linear(weight) },
            Benchmark("attention 16 heads, 1 × 128") { _ = try query.attention(key: keys, value: keys) },
        ]
    }
}
