import Chatterbox
import Harness
import Kernels
import Torch

/// Measures products with packed weights, attention, a vocoder's layers and the sampling of tokens, compared with the limits of the machine's
/// memory and arithmetic, and with libtorch: `make kernelbench`.
@main
struct KernelBench {
    static func main() throws {
        let team = try ThreadTeam(threads: ProcessorAllowance.current.threads)
        let rates = try MachineRates(measuredWith: team)
        print(
            """
            \(team.threads) threads, \(team.instructions); memory \(Int(rates.bandwidth / 1e9)) GB/s, \
            arithmetic \(Int(rates.float32 / 1e9)) GFLOP/s in float32, \(Int(rates.int8 / 1e9)) GOP/s in int8

            """)
        let bench = KernelBench(team: team, rates: rates)
        try withoutGradients {
            try report(bench.fewRows() + bench.manyRows() + bench.attention() + bench.convolutions() + bench.sampling())
        }
    }

    let team: ThreadTeam
    let rates: MachineRates

    private func rate(_ format: WeightFormat) -> Double { format == .float32 ? rates.float32 : rates.int8 }

    /// T3's matrices with one sequence, with two for guidance, and with several requests at once, which share the reading of the
    /// weights. There are so many matrices that they do not fit into a cache.
    private func fewRows() throws -> [Benchmark] {
        var benchmarks: [Benchmark] = []
        for (inputs, outputs) in [(1024, 3072), (1024, 8192), (4096, 1024)] {
            let weight = try Tensor.ones([outputs, inputs])
            for format in WeightFormat.allCases {
                let copies = max(2, (256 << 20) / format.byteCount(weights: inputs * outputs))
                let layers = try (0..<copies).map { _ in PackedLayer(try PackedMatrix([.init(weight)], format: format, team: team)) }
                for rows in [1, 2, 4, 8] {
                    let (x, result) = (try Tensor.ones([1, rows, inputs]), try Tensor.empty([1, rows, outputs]))
                    var next = 0
                    benchmarks.append(
                        Benchmark(
                            "\(rows) × \(inputs) → \(outputs), \(format.rawValue)",
                            limit: .bytes(layers[0].matrix.byteCount, bandwidth: rates.bandwidth)
                        ) {
                            try layers[next % copies](x, into: result)
                            next += 1
                        })
                }
            }
            let copies = (256 << 20) / (4 * inputs * outputs)
            let weights = try (0..<copies).map { _ in try weight.clone() }
            let x = try Tensor.ones([2, inputs])
            var next = 0
            benchmarks.append(
                Benchmark(
                    "2 × \(inputs) → \(outputs), libtorch", limit: .bytes(4 * inputs * outputs, bandwidth: rates.bandwidth)
                ) {
                    _ = try x.linear(weights[next % copies])
                    next += 1
                })
        }
        return benchmarks
    }

    /// The flow's matrices for 14 seconds, with and without conditions.
    private func manyRows() throws -> [Benchmark] {
        let rows = 1400
        return try [(256, 1536), (512, 256), (256, 1024), (1024, 256)].flatMap { inputs, outputs in
            let weight = try Tensor.ones([outputs, inputs]), x = try Tensor.ones([1, rows, inputs])
            let result = try Tensor.empty([1, rows, outputs])
            let operations = 2 * rows * inputs * outputs
            let packed = try [WeightFormat.float32, .int8].map { format in
                let layer = PackedLayer(try PackedMatrix([.init(weight)], format: format, team: team))
                return Benchmark(
                    "\(rows) × \(inputs) → \(outputs), \(format.rawValue)", limit: .operations(operations, rate: rate(format))
                ) { try layer(x, into: result) }
            }
            return packed + [
                Benchmark(
                    "\(rows) × \(inputs) → \(outputs), libtorch", limit: .operations(operations, rate: rates.float32)
                ) { _ = try x.linear(weight) }
            ]
        }
    }

    /// The flow's attention.
    private func attention() throws -> [Benchmark] {
        let (length, heads, size) = (700, 8, 64)
        let x = try Tensor.randn([2, length, 3 * heads * size], generator: Generator(seed: 1))
        let result = try Tensor.empty([2, length, heads * size])
        let operations = 2 * heads * 2 * 2 * length * length * size
        let packed = [WeightFormat.float32, .int8].map { format in
            let attention = SelfAttention(heads: heads, headSize: size, keys: format, values: format, team: team)
            return Benchmark("attention, 2 × \(length), \(format.rawValue)", limit: .operations(operations, rate: rate(format))) {
                try attention(x, into: result)
            }
        }
        let parts = try x.chunked(3, axis: 2).map { try $0.reshaped([2, length, heads, size]).transposed(1, 2).contiguous() }
        return packed + [
            Benchmark("attention, 2 × \(length), libtorch", limit: .operations(operations, rate: rates.float32)) {
                _ = try parts[0].attention(key: parts[1], value: parts[2])
            }
        ]
    }

    /// Residual convolutions of the vocoder over two seconds, including Snake. The limit is that of direct convolution: those in
    /// float32 are computed with Winograd's algorithm, which needs half of the operations.
    private func convolutions() throws -> [Benchmark] {
        try [(256, 800), (128, 4000), (64, 12000)].flatMap { channels, length in
            try [3, 11].flatMap { kernel in
                let weight = try Tensor.randn([channels, channels, kernel], generator: Generator(seed: 1))
                let frequency = try Tensor.ones([channels]), dilation = 3, padding = (kernel - 1) * dilation / 2
                let rows = try Tensor.ones([1, length, channels]), result = try Tensor.empty([1, length, channels])
                let columns = try Tensor.ones([1, channels, length]), factor = try frequency.reshaped([1, channels, 1])
                let operations = 2 * length * kernel * channels * channels
                let packed = try [WeightFormat.float32, .int8].map { format in
                    let layer = PackedLayer(
                        try PackedMatrix([.init(weight)], format: format, winograd: format == .float32, team: team),
                        in: WayIn(activation: .snake(frequency: frequency)), convolution: .init(lead: padding, dilation: dilation))
                    return Benchmark(
                        "vocoder, \(channels) channels, kernel \(kernel), \(format.rawValue)",
                        limit: .operations(operations, rate: rate(format))
                    ) { try layer(rows, into: result) }
                }
                return packed + [
                    Benchmark(
                        "vocoder, \(channels) channels, kernel \(kernel), libtorch", limit: .operations(operations, rate: rates.float32)
                    ) {
                        let activated = try columns + (columns * factor).sin().square() / factor
                        _ = try activated.conv1d(weight, padding: padding, dilation: dilation)
                    }
                ]
            }
        }
    }

    /// The sampling of the next token for several requests in a step. There is no known limit.
    private func sampling() throws -> [Benchmark] {
        let vocabulary = 8194
        let settings: [(String, DecodingStyle, SamplingOptions, rows: Int)] = [
            ("English", .chatterbox, .chatterbox, 2), ("Pico", .chatterbox, try SamplingOptions(temperature: 0.5), 1), ("Turbo", .turbo, .turbo, 1),
            ("top-p alone", .chatterbox, try SamplingOptions(temperature: 1, topP: 0.8, minP: 0, repetitionPenalty: 1), 1),
            ("no filter", .turbo, try SamplingOptions(temperature: 1, minP: 0, repetitionPenalty: 1), 1),
        ]
        return try settings.flatMap { name, style, options, rows in
            try [(1, team), (8, team), (16, team), (1, nil)].map { requests, team in
                let generator = try Generator(seed: 1)
                let draws = try (0..<requests).map { request in
                    let sampler = try SpeechTokenSampler(
                        options, style: style, vocabulary: vocabulary, startToken: 6561, generator: Generator(seed: UInt64(request)), team: team)
                    return SpeechTokenSampler.Row(sampler, logits: try Tensor.randn([rows, vocabulary], generator: generator) * 3)
                }
                let what = team == nil ? "libtorch" : requests == 1 ? "1 request" : "\(requests) requests"
                return Benchmark("draw of a token, \(name), \(what)") { _ = try SpeechTokenSampler.draw(draws) }
            }
        }
    }
}
