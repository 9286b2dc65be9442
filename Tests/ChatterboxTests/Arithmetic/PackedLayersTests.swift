import Kernels
import TestSupport
import Testing
import Torch

@testable import Chatterbox

/// Packed layers compared with the exact layers from which they are made.
@Suite("Layers in two sets of arithmetic") struct PackedLayersTests {
    let pack: LayerPacking
    let weights: Weights
    let generator: Generator
    let channels = 20

    init() throws {
        pack = LayerPacking(format: .float32, team: try ThreadTeam(threads: 2))
        generator = try Generator(seed: 6)
        weights = Weights(initialising: generator)
    }

    enum Shape: CaseIterable {
        case linear, causal, ahead, centred, halving, dilated
    }

    private func convolution(_ kernel: Int, stride: Int = 1, padding: Int = 0, dilation: Int = 1) throws -> Conv1d {
        try Conv1d(weights["convolution"], from: channels, to: 24, kernel: kernel, stride: stride, padding: padding, dilation: dilation)
    }

    /// A normalisation with random statistics.
    private func norm(_ name: String, _ channels: Int) throws -> BatchNorm {
        let (mean, deviation) = (try Tensor.randn([channels], generator: generator), try Tensor.rand([channels], generator: generator))
        let tensors = try [
            "running_mean": mean, "running_var": deviation + 0.5, "weight": mean * 0.3 + 1, "bias": deviation - 0.5,
        ]
        return try BatchNorm(Weights(tensors: tensors, named: name), channels: channels)
    }

    private func layer(_ shape: Shape) throws -> ExactLayer {
        let before = ExactActivation(try norm("before", channels), .relu)
        return switch shape {
        case .linear: ExactLayer(try Projection(weights["linear"], from: channels, to: 24, bias: true), in: before, then: .gelu)
        case .causal: ExactLayer(try convolution(3), in: ExactActivation(.leakyReLU(slope: 0.1)))
        case .ahead: ExactLayer(try convolution(4), lead: 0)
        // The following normalisation becomes part of weights and bias.
        case .centred: ExactLayer(centred: try convolution(5, padding: 2), in: before, then: ExactActivation(try norm("after", 24), .relu))
        case .halving: ExactLayer(centred: try convolution(3, stride: 2, padding: 1), then: .gelu)
        case .dilated:
            ExactLayer(
                centred: try convolution(7, padding: 9, dilation: 3),
                in: ExactActivation(.snake(frequency: try .rand([channels], generator: generator) + 0.5)))
        }
    }

    @Test("a packed layer computes the same frames as the exact one", arguments: Shape.allCases, [40, 41]) func layers(shape: Shape, frames: Int)
        throws
    {
        let exact = try layer(shape), x = FrameBatch(try .randn([1, frames, channels], generator: generator))
        let expected = try exact(x).rows
        #expect(expected.shape == [1, shape == .halving ? (frames + 1) / 2 : frames, 24])
        try expectClose(pack(exact)(x).rows, expected, relative: 1e-5)
    }

    @Test("padding does not affect the other frames, even if a layer halves their number") func padding() throws {
        let exact = try layer(.halving), lengths = [41, 30, 7]
        let x = try Tensor.randn([3, 41, channels], generator: generator)
        let batch = try exact(FrameBatch(x, mask: FrameBatch.mask(lengths: lengths, count: 41, device: .cpu)))
        let mask = try #require(batch.mask)
        #expect(try mask.to(.int64).sum(axis: 1).flattened().array(of: Int.self) == lengths.map { ($0 + 1) / 2 })
        for (row, length) in lengths.enumerated() {
            let alone = try exact(FrameBatch(x[row].narrow(axis: 0, from: 0, count: length).unsqueezed(0))).rows
            try expectClose(batch.rows[row].narrow(axis: 0, from: 0, count: (length + 1) / 2), alone[0], relative: 1e-5)
        }
    }

    @Test("densely connected packed layers compute the same channels as the exact ones") func grown() throws {
        let growth = [4, 8, 4]
        var known = channels
        let exact = try growth.enumerated().map { index, channels in
            defer { known += channels }
            return ExactLayer(centred: try Conv1d(weights["grown\(index)"], from: known, to: channels, kernel: 3, padding: 1))
        }
        let packed = try exact.map { try pack($0) }, x = FrameBatch(try .randn([1, 30, channels], generator: generator))
        let expected = try ExactArithmetic.grown(x, by: growth) { try exact[$0]($1) }.rows
        #expect(expected.shape == [1, 30, channels + 16])
        try expectClose(PackedArithmetic.grown(x, by: growth) { try packed[$0]($1) }.rows, expected, relative: 1e-5)
    }

    /// All operations on a signal.
    private struct Network<A: FrameArithmetic> {
        let up, down: A.Layer
        let parts: [A.Layer]

        func callAsFunction(_ x: A.Signal, _ other: A.Signal) throws -> A.Signal {
            let sum = try up(x).mirrored() + down(other)
            return try .mean(parts.count) { try parts[$0](sum, residual: sum) }
        }
    }

    @Test("a network gives the same result at once and in pieces of any size", arguments: [50, 1, 7, 30]) func signals(size: Int) throws {
        let rate = 3, frames = 50
        let up = ExactLayer(try ConvTranspose1d(weights["up"], from: channels, to: 16, kernel: 7, stride: rate, padding: 2))
        let down = ExactLayer(centred: try Conv1d(weights["down"], from: 4, to: 16, kernel: 4, stride: 2, padding: 1))
        // The widest kernel first: the other layers run ahead of it.
        let parts = try [9, 5, 1].map { ExactLayer(centred: try Conv1d(weights["part\($0)"], from: 16, to: 16, kernel: $0, padding: $0 / 2)) }
        let x = try Tensor.randn([1, frames, channels], generator: generator)
        let other = try Tensor.randn([1, 2 * (rate * frames + 1) + 1, 4], generator: generator)
        let expected = try Network<ExactArithmetic>(up: up, down: down, parts: parts)(FrameBatch(x), FrameBatch(other)).rows

        let network = Network<PackedArithmetic>(up: try pack(up), down: try pack(down), parts: try parts.map { try pack($0) })
        let run = PackedRun(), (first, second) = (run.signal(width: channels), run.signal(width: 4)), made = try network(first, second)
        var found: [Tensor] = [], most = 0
        for start in stride(from: 0, to: frames, by: size) {
            let end = min(frames, start + size), isLast = end == frames
            try run.give(x.narrow(axis: 1, from: start, count: end - start), to: first)
            let (from, to) = (2 * rate * start, isLast ? other.size(1) : 2 * rate * end)
            try run.give(other.narrow(axis: 1, from: from, count: to - from), to: second)
            try run(isLast: isLast) {}
            found.append(try run.take(made))
            most = max(most, run.keptBytes)
        }
        let joined = try Tensor.cat(found, axis: 1)
        #expect(joined.shape == expected.shape)
        try expectClose(joined, expected, relative: 1e-5)
        if size < 10 { #expect(most < 16 * 1024, "frames that no layer needs are let go of") }
    }
}
