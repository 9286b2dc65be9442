import TestSupport
import Testing
import Torch

@testable import Kernels

@Suite("Layers that continue from the previous rows")
struct LayerStreamTests {
    let team: ThreadTeam
    let generator: Generator

    init() throws {
        team = try ThreadTeam(threads: 2)
        generator = try Generator(seed: 12)
    }

    struct Shape: Sendable, CustomTestStringConvertible {
        var kernel = 1, step = 1, dilation = 1, lead = 0, isWinograd = false
        var testDescription: String { "kernel \(kernel), step \(step), dilation \(dilation)\(isWinograd ? ", Winograd" : "")" }
    }

    @Test(
        "computed in pieces they give the results of one call, bit for bit",
        arguments: [
            Shape(), Shape(kernel: 7, lead: 3), Shape(kernel: 11, dilation: 5, lead: 25), Shape(kernel: 30, step: 15, lead: 7),
            Shape(kernel: 3, lead: 1, isWinograd: true), Shape(kernel: 4, lead: 1, isWinograd: true),
            Shape(kernel: 7, dilation: 3, lead: 9, isWinograd: true), Shape(kernel: 11, dilation: 5, lead: 25, isWinograd: true),
        ], [WeightFormat.float32, .int8])
    func pieces(shape: Shape, format: WeightFormat) throws {
        let (length, width) = (150, 20), isWinograd = shape.isWinograd && format == .float32
        let count = shape.step == 1 ? length : (length + 2 * shape.lead - shape.kernel) / shape.step + 1
        let x = try Tensor.randn([1, length, width], generator: generator)
        let rest = try Tensor.randn([1, count, 18], generator: generator)
        let weight = try Tensor.randn([18, width, shape.kernel], generator: generator)
        let layer = PackedLayer(
            try PackedMatrix([.init(weight)], format: format, winograd: isWinograd, team: team), in: WayIn(activation: .leakyReLU(slope: 0.1)),
            convolution: .init(step: shape.step, lead: shape.lead, dilation: shape.dilation))
        #expect(layer.resultLength(of: length) == count)
        let whole = try Tensor.empty([1, count, 18])
        try layer(x, into: whole, residual: rest)

        for size in [1, 8, 47] {
            var stream = LayerStream(layer), input = RowWindow(width: width), residual = RowWindow(width: 18)
            let result = try Tensor.empty([1, count, 18])
            var most = 0
            try residual.append(rest)
            for start in stride(from: 0, to: length, by: size) {
                let end = min(length, start + size)
                try input.append(x.narrow(axis: 1, from: start, count: end - start))
                let ready = end == length ? count : stream.ready(after: end)
                #expect(ready >= stream.made && ready <= count)
                try stream(
                    input, to: ready, into: result.narrow(axis: 1, from: stream.made, count: ready - stream.made), residual: residual)
                try input.forget(before: stream.needed)
                most = max(most, input.rows.count)
            }
            #expect(try result.array(of: Float.self) == whole.array(of: Float.self), "pieces of \(size)")
            // The rows on which results depend, and for tiles those that may wait until one is full.
            #expect(most <= (shape.kernel + 7) * shape.dilation + size, "pieces of \(size) keep \(most) rows")
        }
    }

    @Test("a window keeps the rows that are still needed") func window() throws {
        var window = RowWindow(width: 2)
        try window.append(Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [1, 3, 2]))
        try window.forget(before: 2)
        #expect(window.rows == 2..<3 && window.complete == 3 && window.byteCount == 8)
        try window.append(Tensor([7, 8] as [Float], shape: [1, 1, 2]))
        #expect(try window[2..<4].array(of: Float.self) == [5, 6, 7, 8])
        try window.forget(before: 9)
        #expect(window.rows.isEmpty)
        #expect(try window[4..<4].shape == [1, 0, 2])
    }
}
