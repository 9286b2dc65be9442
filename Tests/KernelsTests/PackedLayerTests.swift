import Kernels
import TestSupport
import Testing
import Torch

@Suite("Layers over time")
struct PackedLayerTests {
    let team: ThreadTeam
    let generator: Generator

    init() throws {
        team = try ThreadTeam(threads: 2)
        generator = try Generator(seed: 11)
    }

    func random(_ shape: Int...) throws -> Tensor { try .randn(shape, generator: generator) }

    @Test(
        "a convolution equals libtorch's",
        arguments: [
            // kernel, step, dilation, zeros before, zeros after
            (1, 1, 1, 0, 0), (3, 1, 1, 2, 0), (7, 1, 3, 9, 9), (6, 3, 1, 1, 1), (2, 1, 1, 1, 1),
        ])
    func convolution(kernel: Int, step: Int, dilation: Int, before: Int, after: Int) throws {
        let x = try random(2, 23, 20), weight = try random(18, 20, kernel), bias = try random(18)
        let padded = try x.transposed(1, 2).padded([before, after])
        let expected = try padded.conv1d(weight, bias, stride: step, dilation: dilation).transposed(1, 2)
        let layer = PackedLayer(
            try PackedMatrix([.init(weight, bias: bias)], format: .float32, team: team),
            convolution: .init(step: step, lead: before, dilation: dilation))
        let result = try Tensor.empty(expected.shape)
        try layer(x, into: result)
        try expectClose(result, expected, relative: 1e-5)
    }

    @Test(
        "Winograd's form of a convolution equals libtorch's",
        arguments: [
            // kernel, dilation, zeros before, zeros after, length
            (3, 1, 2, 0, 23), (3, 1, 1, 1, 2), (4, 1, 2, 1, 40), (5, 2, 4, 4, 7), (7, 3, 9, 9, 120), (11, 5, 25, 25, 301),
        ])
    func winograd(kernel: Int, dilation: Int, before: Int, after: Int, length: Int) throws {
        let x = try random(2, length, 40), weight = try random(36, 40, kernel), bias = try random(36)
        let slope = 0.1, way = WayIn(activation: .leakyReLU(slope: slope)), rest = try random(2, length, 36)
        let matrix = try PackedMatrix([.init(weight, bias: bias)], format: .float32, winograd: true, team: team)
        try expectClose(matrix.unpacked(), weight.transposed(1, 2), relative: 1e-6)
        for isPlain in [true, false] {
            let layer = PackedLayer(
                matrix, in: isPlain ? .plain : way, convolution: .init(lead: before, dilation: dilation), activation: .silu)
            let result = try Tensor.empty([2, length, 36])
            try layer(x, into: result, residual: rest)
            let padded = try (isPlain ? x : x.leakyReLU(slope)).transposed(1, 2).padded([before, after])
            let expected = try padded.conv1d(weight, bias, dilation: dilation).transposed(1, 2).silu() + rest
            try expectClose(result, expected, relative: 1e-5)
        }
    }

    @Test("a convolution of codes is as exact as the codes", arguments: [(WeightFormat.int8, 0.012), (.int4, 0.1)])
    func codes(format: WeightFormat, tolerance: Double) throws {
        let x = try random(2, 30, 70), weight = try random(40, 70, 3), bias = try random(40)
        let expected = try x.transposed(1, 2).padded([4, 0]).conv1d(weight, bias, dilation: 2).transposed(1, 2)
        let layer = PackedLayer(
            try PackedMatrix([.init(weight, bias: bias)], format: format, team: team), convolution: .init(lead: 4, dilation: 2))
        let result = try Tensor.empty(expected.shape)
        try layer(x, into: result)
        try expectClose(result, expected, relative: tolerance)
    }

    @Test("the operations on inputs and outputs are libtorch's", arguments: WeightFormat.allCases, [0, 1, 2, 3, 4])
    func ways(format: WeightFormat, number: Int) throws {
        let width = 70
        let x = try random(2, 9, width), weight = try random(width) * 0.5 + 1, bias = try random(width)
        let frequency = try random(width).abs() * 3 + 0.1
        let (way, expected): (WayIn, Tensor) =
            switch number {
            case 0: (WayIn(norm: try Norm(weight: weight, bias: bias, epsilon: 1e-5)), try x.layerNorm(shape: [width], weight: weight, bias: bias))
            case 1: (WayIn(norm: try Norm(weight: weight, epsilon: 1e-5)), try x.rmsNorm(weight: weight, epsilon: 1e-5))
            case 2: (WayIn(activation: .mish), try x.mish())
            case 3: (WayIn(activation: .leakyReLU(slope: 0.1)), try x.leakyReLU(0.1))
            default:
                (WayIn(activation: .snake(frequency: frequency)), try x + (x * frequency).sin().square() / (frequency + 1e-9))
            }
        let added = try random(2, width), matrix = try random(24, width), before = try random(2, 9, 24)
        let total = try (expected + added.unsqueezed(1)).linear(matrix).elu()
        let layer = PackedLayer(try PackedMatrix([.init(matrix)], format: format, team: team), in: way, activation: .elu)
        let result = try before.clone()
        try layer(x, into: result, adding: added, residual: before, share: 0.5)
        let tolerance = format == .float32 ? 1e-5 : format == .int8 ? 0.02 : 0.15
        try expectClose(result, (total + before) * 0.5 + before, relative: tolerance)

        let rows = try x.clone()
        try way(rows, into: rows, adding: added, residual: x, team: team)
        try expectClose(rows, expected + added.unsqueezed(1) + x, relative: 1e-5)
    }

    @Test("columns of a wider tensor can be used as rows")
    func columns() throws {
        let wide = try random(2, 5, 50), weight = try random(12, 20)
        let layer = PackedLayer(try PackedMatrix([.init(weight)], format: .float32, team: team))
        let expected = try wide.narrow(axis: 2, from: 7, count: 20).linear(weight)
        let target = try wide.narrow(axis: 2, from: 33, count: 12)
        try layer(wide.narrow(axis: 2, from: 7, count: 20), into: target)
        try expectClose(target, expected, relative: 1e-6)
    }

    @Test(
        "attention equals libtorch's",
        arguments: [
            (WeightFormat.float32, WeightFormat.float32, 1e-5), (.float32, .int8, 0.02), (.int8, .float32, 0.03), (.int8, .int8, 0.03),
        ], [(1, 64, 1), (70, 64, 2), (131, 20, 3)])
    func attention(format: (keys: WeightFormat, values: WeightFormat, tolerance: Double), size: (length: Int, head: Int, heads: Int)) throws {
        let width = size.heads * size.head
        let x = try random(2, size.length, 3 * width)
        let parts = try x.chunked(3, axis: 2).map {
            try $0.reshaped([2, size.length, size.heads, size.head]).transposed(1, 2)
        }
        let expected = try parts[0].attention(key: parts[1], value: parts[2]).transposed(1, 2).reshaped([2, size.length, width])
        let result = try Tensor.empty(expected.shape)
        let attention = SelfAttention(heads: size.heads, headSize: size.head, keys: format.keys, values: format.values, team: team)
        try attention(x, into: result)
        try expectClose(result, expected, relative: format.tolerance)
    }

    @Test(
        "attention with relative positions equals scores by key plus scores by distance",
        arguments: [
            (WeightFormat.float32, 1e-5), (.int8, 0.03),
        ], [(1, 64, 1), (16, 64, 2), (70, 64, 2), (131, 20, 3)])
    func relativeAttention(format: (keys: WeightFormat, tolerance: Double), size: (length: Int, head: Int, heads: Int)) throws {
        let (length, width) = (size.length, size.heads * size.head)
        let x = try random(2, length, 3 * width), wide = try random(1, 2 * length - 1, width + 3)
        let distances = try wide.narrow(axis: 2, from: 2, count: width)
        let (contentBias, distanceBias) = (try random(size.heads, size.head), try random(size.heads, size.head))
        func heads(_ part: Tensor) throws -> Tensor {
            try part.reshaped([part.size(0), part.size(1), size.heads, size.head]).transposed(1, 2)
        }
        let parts = try x.chunked(3, axis: 2).map(heads)
        let places = try Tensor((0..<length).flatMap { query in (0..<length).map { length - 1 - query + $0 } })
        let byKey = try heads(distances).transposed(-2, -1).indexSelect(axis: 3, places)
            .reshaped([1, size.heads, size.head, length, length])
        let far = try ((parts[0] + distanceBias.unsqueezed(1)).unsqueezed(-2).matmul(byKey.permuted([0, 1, 3, 2, 4]))).squeezed(-2)
        let near = try (parts[0] + contentBias.unsqueezed(1)).matmul(parts[1].transposed(-2, -1))
        let scores = try (near + far) / Double(size.head).squareRoot()
        let expected = try scores.softmax(axis: -1).matmul(parts[2]).transposed(1, 2).reshaped([2, length, width])

        let result = try Tensor.empty(expected.shape)
        try SelfAttention(heads: size.heads, headSize: size.head, keys: format.keys, values: .float32, team: team)(
            x, into: result, distances: .init(contentBias: contentBias, distanceBias: distanceBias, distances: distances))
        try expectClose(result, expected, relative: format.tolerance)
        #expect(throws: KernelError.shape("distances", expected: "[1, \(2 * length - 1), \(width)]", found: [1, 2 * length, width])) {
            try SelfAttention(heads: size.heads, headSize: size.head, team: team)(
                x, into: result,
                distances: .init(contentBias: contentBias, distanceBias: distanceBias, distances: .zeros([1, 2 * length, width])))
        }
    }

    @Test(
        "rows that follow others attend to the kept rows and to their own",
        arguments: [
            (WeightFormat.float32, 1e-5), (.int8, 0.03),
        ], [false, true])
    func keptRows(format: (format: WeightFormat, tolerance: Double), isRelative: Bool) throws {
        let (heads, size) = (2, 32), width = heads * size, lengths = [37, 70, 5, 64], total = lengths.reduce(0, +)
        let attention = SelfAttention(heads: heads, headSize: size, keys: format.format, values: format.format, team: team)
        // Relative positions belong to the distances of one sequence; two sequences share them.
        let x = try random(2, total, 3 * width), distances = try random(1, 2 * total - 1, width)
        let (contentBias, distanceBias) =
            isRelative ? (try random(heads, size), try random(heads, size)) : (try .zeros([heads, size]), try .zeros([heads, size]))
        func split(_ part: Tensor) throws -> Tensor {
            try part.reshaped([part.size(0), part.size(1), heads, size]).transposed(1, 2)
        }
        /// Row total − 1 − query + key, for a stretch of keys.
        func between(_ queries: Range<Int>, _ keys: Range<Int>) throws -> Tensor {
            try distances.narrow(axis: 1, from: total - queries.upperBound + keys.lowerBound, count: queries.count + keys.count - 1)
        }
        let parts = try x.chunked(3, axis: 2).map(split)
        let places = try Tensor((0..<total).flatMap { query in (0..<total).map { total - 1 - query + $0 } })
        let byKey = try split(distances).transposed(-2, -1).indexSelect(axis: 3, places).reshaped([1, heads, size, total, total])
        let far = try (parts[0] + distanceBias.unsqueezed(1)).unsqueezed(-2).matmul(byKey.permuted([0, 1, 3, 2, 4])).squeezed(-2)
        let near = try (parts[0] + contentBias.unsqueezed(1)).matmul(parts[1].transposed(-2, -1))
        let scores = try (isRelative ? near + far : near) / Double(size).squareRoot()

        var kept: [(rows: Range<Int>, keys: KeptRows)] = [], start = 0
        for (number, length) in lengths.enumerated() {
            // The second stretch is released before the last.
            if number == 3 { kept.remove(at: 1) }
            let own = start..<start + length, seen = kept.map(\.rows) + [own]
            let keys = try Tensor(seen.flatMap(Array.init))
            let weights = try scores.narrow(axis: 2, from: start, count: length).indexSelect(axis: 3, keys).softmax(axis: -1)
            let expected = try weights.matmul(parts[2].indexSelect(axis: 2, keys)).transposed(1, 2).reshaped([2, length, width])
            let result = try Tensor.empty([2, length, width])
            let rows = try attention.keeping(
                x.narrow(axis: 1, from: start, count: length).contiguous(), after: kept.map(\.keys), into: result,
                distances: isRelative
                    ? .init(
                        contentBias: contentBias, distanceBias: distanceBias, distances: between(own, own),
                        before: try kept.map { try between(own, $0.rows) }) : nil)
            try expectClose(result, expected, relative: format.tolerance)
            #expect(rows.length == length)
            kept.append((own, rows))
            start = own.upperBound
        }
        let others = SelfAttention(heads: heads, headSize: size, team: try ThreadTeam(threads: 1))
        if format.format == .int8 {
            #expect(throws: KernelError.self, "another format") { try others.keeping(x, after: [kept[0].keys], into: .empty([2, total, width])) }
        }
    }

    /// Rows after rounding to the 8-bit format: groups of 64 numbers, each rounded to 127 steps of its largest, in float64.
    func rounded(_ x: Tensor) throws -> Tensor {
        let width = x.size(-1), padding = (64 - width % 64) % 64
        let groups = try x.padded([0, padding]).reshaped(Array(x.shape.dropLast()) + [(width + padding) / 64, 64])
        let top = try groups.abs().max(axis: -1, keepAxis: true).clamped(min: 1e-30)
        let codes = try (groups * (127 / top)).round()
        return try (codes.to(.float64) * (top / 127).to(.float64)).reshaped(Array(x.shape.dropLast()) + [width + padding])
            .narrow(axis: -1, from: 0, count: width)
    }

    @Test(
        "a product of codes equals that of the rounded numbers: the only error is the format's",
        arguments: [
            (WeightFormat.int8, 0.015), (.int4, 0.1),
        ])
    func emulatedProduct(format: WeightFormat, formatError: Double) throws {
        let x = try random(2, 30, 70), weight = try random(40, 70, 3)
        let matrix = try PackedMatrix([.init(weight)], format: format, team: team)
        let result = try Tensor.empty([2, 30, 40])
        try PackedLayer(matrix, convolution: .init(lead: 4, dilation: 2))(x, into: result)
        func convolved(_ x: Tensor, _ weight: Tensor) throws -> Tensor {
            try x.transposed(1, 2).padded([4, 0]).conv1d(weight, dilation: 2).transposed(1, 2)
        }
        let emulated = try convolved(rounded(x), matrix.unpacked().transposed(1, 2).contiguous().to(.float64))
        try expectClose(result, emulated, relative: 1e-6)
        // The largest of 64 normally distributed numbers is 2.4 standard deviations: either factor has an error of 0.6 %.
        try expectClose(emulated, convolved(x, weight), relative: formatError)
    }

    @Test("attention of codes equals that of the rounded numbers", arguments: [(70, 64, 2), (131, 20, 3), (600, 64, 1)])
    func emulatedAttention(length: Int, size: Int, heads: Int) throws {
        let x = try random(1, length, 3 * heads * size), result = try Tensor.empty([1, length, heads * size])
        try SelfAttention(heads: heads, headSize: size, keys: .int8, values: .int8, team: team)(x, into: result)
        let parts = try x[0].chunked(3, axis: 1)
        for head in 0..<heads {
            func own(_ part: Tensor) throws -> Tensor { try part.narrow(axis: 1, from: head * size, count: size).contiguous() }
            func packed(_ matrix: Tensor) throws -> Tensor {
                try PackedMatrix([.init(matrix)], format: .int8, team: team).unpacked().squeezed(1).to(.float64)
            }
            let query = try rounded(own(parts[0])), keys = try packed(own(parts[1]))
            let values = try packed(own(parts[2]).transposed(0, 1).contiguous())
            let scores = try query.matmul(keys.transposed(0, 1)) * (1 / Double(size).squareRoot())
            // Weights are rounded to 127 steps of the largest in a group of positions, then divided by their sum.
            let groups = (length + 63) / 64
            let exponentials = try (scores - scores.max(axis: -1, keepAxis: true)).exp().padded([0, groups * 64 - length])
                .reshaped([length, groups, 64])
            let step = try exponentials.max(axis: -1, keepAxis: true) / 127
            let codes = try ((exponentials / step).round() * step).reshaped([length, groups * 64]).narrow(axis: 1, from: 0, count: length)
            let weights = try codes / codes.sum(axis: -1, keepAxis: true)
            // The kernel's exponential has an error of 3e-6, which changes one code in some thousand by one.
            let emulated = try weights.matmul(values.transposed(0, 1)), error = try own(result[0]).to(.float64) - emulated
            #expect(try (error.square().mean() / emulated.square().mean()).sqrt().item(Double.self) < 2e-3)
            // In a row with few large weights such a step matters.
            try expectClose(own(result[0]), emulated, relative: 1e-2)
        }
    }

    @Test("results depend neither on threads nor on neighbouring sequences", arguments: [WeightFormat.float32, .int8])
    func reproducible(format: WeightFormat) throws {
        let x = try random(2, 140, 192), weight = try random(48, 192, 3)
        func results(threads: Int, _ x: Tensor) throws -> [Float] {
            let team = try ThreadTeam(threads: threads)
            let matrix = try PackedMatrix([.init(weight)], format: format, winograd: format == .float32, team: team)
            let layer = PackedLayer(matrix, convolution: .init(lead: 1))
            let product = try Tensor.empty([x.size(0), 140, 48]), attended = try Tensor.empty([x.size(0), 140, 64])
            try layer(x, into: product)
            try SelfAttention(heads: 2, headSize: 32, keys: format, values: format, team: team)(x, into: attended)
            return try product[0].array() + attended[0].array()
        }
        let expected = try results(threads: 1, x)
        for threads in [2, 3, 5] {
            #expect(try results(threads: threads, x) == expected)
        }
        #expect(try results(threads: 2, x.narrow(axis: 0, from: 0, count: 1)) == expected)
    }

    @Test("rows that do not match are refused")
    func refusals() throws {
        let layer = PackedLayer(try PackedMatrix([.init(random(4, 8))], format: .float32, team: team))
        #expect(throws: KernelError.shape("input", expected: "[sequences, length, 8]", found: [1, 2, 9])) {
            try layer(.zeros([1, 2, 9]), into: .zeros([1, 2, 4]))
        }
        #expect(throws: KernelError.shape("output", expected: "[1, length, 4]", found: [2, 2, 4])) {
            try layer(.zeros([1, 2, 8]), into: .zeros([2, 2, 4]))
        }
        #expect(throws: KernelError.shape("rows", expected: "[sequences, length, width], evenly spaced", found: [2, 3, 8])) {
            try layer(.zeros([2, 9, 8]).narrow(axis: 1, from: 2, count: 3), into: .zeros([2, 3, 4]))
        }
    }
}
