import Foundation
import Kernels
import Synchronization
import TestSupport
import Testing
import Torch

@testable import Chatterbox

@Suite("Flow over frames that follow others") struct FlowHistoryTests {
    private let configuration: FlowConfiguration = {
        var small = FlowConfiguration.meanFlow
        (small.encoder.size, small.encoder.headCount, small.encoder.feedForwardSize) = (32, 2, 48)
        (small.encoder.layerCount, small.encoder.upsampledLayerCount) = (2, 1)
        (small.estimator.channels, small.estimator.headCount, small.estimator.headSize) = (32, 2, 16)
        (small.estimator.blocksPerStage, small.estimator.middleStageCount) = (1, 2)
        return small
    }()

    private func makeFlow(_ configuration: FlowConfiguration? = nil) throws -> TokenToMel {
        try TokenToMel(Weights(initialising: Generator(seed: 3)), configuration ?? self.configuration)
    }

    private func makePrompt(tokens: Int = 20, seed: UInt64 = 5) throws -> SpeechPrompt {
        let generator = try Generator(seed: seed)
        return SpeechPrompt(
            tokens: try Tensor((0..<tokens).map { 37 * $0 % 6561 }, shape: [1, tokens]), mel: try .randn([1, 2 * tokens, 80], generator: generator),
            speaker: try .randn([1, 192], generator: generator))
    }

    private let chunks: [ChunkPlan.Chunk] = [
        .init(tokens: 0..<12, ahead: 12..<15, isLast: false), .init(tokens: 12..<20, ahead: 20..<23, isLast: false),
        .init(tokens: 20..<37, ahead: 37..<40, isLast: false), .init(tokens: 37..<45, ahead: 45..<45, isLast: true),
    ]
    private let tokens = (0..<45).map { 31 * $0 % 6561 }

    private func mels(_ flow: TokenToMel, _ prompt: SpeechPrompt, context: Int, tokens: [Int]? = nil) throws -> [Tensor] {
        try withoutGradients {
            let prompt = try FlowPrompt(flow, prompt, steps: 2, pause: {})
            var stream = MelStream(flow, prompt, noise: FrameNoise(seed: 2), context: context)
            return try chunks.map { try stream($0, of: tokens ?? self.tokens, checkpoint: {}, pause: {}) }
        }
    }

    @Test("a convolution and attention in pieces equal those of all frames, if no frame depends on a later piece") func layers() throws {
        try withoutGradients {
            let estimator = try makeFlow().exact.flow.estimator, transformer = estimator.middle[0].transformers[0], pieces = [0..<7, 7..<19, 19..<30]
            let x = try Tensor.randn([2, 30, 32], generator: Generator(seed: 1))
            func part(_ x: Tensor, _ frames: Range<Int>) throws -> Tensor { try x.narrow(axis: 1, from: frames.lowerBound, count: frames.count) }
            let whole = try estimator.afterFirst(FrameBatch(x)).rows
            var history = FlowHistory?.some(FlowHistory(steps: 1))
            for piece in pieces {
                try FlowHistory.step(0, of: &history) { recorder in
                    let own = FrameBatch(try part(x, piece), recorder)
                    try expectClose(estimator.afterFirst(own).rows, part(whole, piece), relative: 1e-5)
                    // As if the sequence ended with the piece.
                    let attended = try transformer(FrameBatch(part(x, 0..<piece.upperBound))).rows
                    try expectClose(transformer(own).rows, part(attended, piece), relative: 1e-5)
                }
                history!.append(frames: piece.count, context: 1000)
            }
            #expect(history!.stretches == pieces)
            history!.append(frames: 4, context: 15)
            #expect(history!.stretches == [0..<7, 19..<30, 30..<34], "what the context does not need is let go of, the prompt is not")
        }
    }

    @Test("a workspace reuses memory only after nothing uses it any more") func workspace() throws {
        let workspace = FrameWorkspace()
        var first: Tensor? = try workspace.tensor([2, 3, 4])
        try first?.fill(1)
        let part = try first!.narrow(axis: 1, from: 0, count: 1)
        first = nil
        // A part of the first is still in use.
        var second: Tensor? = try workspace.tensor([24])
        try second?.fill(2)
        #expect(try part.array(of: Float.self).allSatisfy { $0 == 1 })
        second = nil
        let third = try workspace.tensor([4, 6])
        #expect(try third.array(of: Float.self).allSatisfy { $0 == 2 }, "the second's memory")
        #expect(try workspace.tensor([4, 7]).shape == [4, 7])
    }

    @Test("the encoder in pieces continues where it stopped: without attention the features are those of all tokens") func encoder() throws {
        var shallow = configuration
        (shallow.encoder.layerCount, shallow.encoder.upsampledLayerCount) = (0, 0)
        try withoutGradients {
            let flow = try makeFlow(shallow), packed = try flow.packed(.float32, team: ThreadTeam(threads: 1)), prompt = try makePrompt()
            let expected = try flow.mean(of: Tensor(tokens, shape: [1, 45]), after: prompt).narrow(axis: 1, from: 40, count: 90)
            for flow in [flow, packed] {
                let made = try FlowPrompt(flow, prompt, steps: 2, pause: {})
                var history = FlowHistory?.some(made.encoder)
                let means = try chunks.enumerated().map { number, chunk in
                    try flow.mean(
                        of: (number == 0 ? made.rest : []) + tokens[chunk.tokens], ahead: Array(tokens[chunk.ahead]), after: &history, context: 8,
                        pause: {})
                }
                let left = 2 * made.rest.count, all = try Tensor.cat(means, axis: 1)
                try expectClose(all.narrow(axis: 1, from: left, count: 90), expected, relative: 1e-5)
            }
        }
    }

    @Test("attention to preceding stretches uses their distance") func distances() throws {
        var noGap = FlowHistory(), gap = FlowHistory()
        for _ in 0..<3 { noGap.append(frames: 10, context: 100) }
        for _ in 0..<3 { gap.append(frames: 10, context: 10) }
        #expect(noGap.stretches == [0..<10, 10..<20, 20..<30] && gap.stretches == [0..<10, 20..<30] && gap.end == 30)
        let like = try Tensor.zeros([1])
        let whole = try RelativePositions(count: 35, size: 8, like: like).waves
        let positions = try RelativePositions(count: 5, from: 30, after: gap.stretches, size: 8, like: like)
        // Row 34 − query + key of the whole: the queries are 30 to 34.
        func expected(_ keys: Range<Int>) throws -> Tensor { try whole.narrow(axis: 1, from: keys.lowerBound, count: 4 + keys.count) }
        try expectClose(positions.own(positions.waves), expected(30..<35), relative: 1e-6)
        for (rows, keys) in zip(try positions.before(positions.waves), gap.stretches) { try expectClose(rows, expected(keys), relative: 1e-6) }
    }

    @Test("a single chunk without a prompt equals the flow over all frames") func oneChunk() throws {
        try withoutGradients {
            let flow = try makeFlow(), noise = try FrameNoise(seed: 2).flow(0..<30, bins: 80)
            let prompt = try makePrompt(tokens: 3), mean = try flow.mean(of: Tensor(Array(0..<12), shape: [1, 12]), after: prompt)
            let conditions = try flow.conditions(mean, prompt, from: 0)
            var (none, history) = (FlowHistory?.none, FlowHistory?.some(FlowHistory(steps: 2)))
            let expected = try flow.network.mel(from: noise, conditions, steps: 2, after: &none, checkpoint: {}, pause: {})
            let found = try flow.network.mel(from: noise, conditions, steps: 2, after: &history, checkpoint: {}, pause: {})
            try expectClose(found, expected, relative: 1e-6)
            #expect(none == nil)
        }
    }

    @Test("packed networks compute the same chunks as the exact ones", arguments: [(WeightFormat.float32, 1e-4), (.int8, 0.1)], [0, 8, 40])
    func packed(format: (format: WeightFormat, tolerance: Double), context: Int) throws {
        let flow = try makeFlow(), prompt = try makePrompt(), team = try ThreadTeam(threads: 2)
        let exact = try mels(flow, prompt, context: context), packed = try mels(flow.packed(format.format, team: team), prompt, context: context)
        for (exact, packed) in zip(exact, packed) { try expectClose(packed, exact, relative: format.tolerance) }
        #expect(exact.map { $0.size(1) } == chunks.map { 2 * $0.tokens.count })
    }

    @Test("a chunk depends on its lookahead tokens and on none after them") func lookahead() throws {
        let flow = try makeFlow(), prompt = try makePrompt(), expected = try mels(flow, prompt, context: 8)
        func changed(_ index: Int) throws -> [Bool] {
            var tokens = tokens
            tokens[index] += 1
            return try zip(mels(flow, prompt, context: 8, tokens: tokens), expected).map { try $0.array(of: Float.self) != $1.array(of: Float.self) }
        }
        #expect(try changed(14) == [true, true, true, true])
        #expect(try changed(15) == [false, true, true, true])
        #expect(try changed(23) == [false, false, true, true])
        #expect(try changed(44) == [false, false, false, true])
    }

    @Test("a flow with guidance also continues where it stopped") func guided() throws {
        var guided = configuration
        (guided.meanFlow, guided.guidance) = (false, 0.7)
        let flow = try makeFlow(guided), prompt = try makePrompt(), team = try ThreadTeam(threads: 1)
        let exact = try mels(flow, prompt, context: 8), packed = try mels(flow.packed(.float32, team: team), prompt, context: 8)
        for (exact, packed) in zip(exact, packed) { try expectClose(packed, exact, relative: 1e-4) }
    }

    @Test("a prompt that is shorter than the lookahead is computed with the first chunk") func shortPrompt() throws {
        let flow = try makeFlow()
        let made = try withoutGradients { try FlowPrompt(flow, makePrompt(tokens: 2), steps: 2, pause: {}) }
        #expect(made.frames == 0)
        #expect(try mels(flow, makePrompt(tokens: 2), context: 8).allSatisfy { try $0.isFinite().all().item(Bool.self) })
    }

    // MARK: voices

    private final class Shared: Sendable {
        let made = Mutex(0)
        let waits = Mutex(true)
    }

    @Test("a caller waits for a prompt that another one computes, and computes it if that fails") func shared() async throws {
        let engine = SpeechEngine(), cache = FlowPromptCache(), flow = try makeFlow(), prompt = try makePrompt()
        let state = Shared()
        struct Failure: Error {}
        @Sendable func ask(fails: Bool) async throws -> Int {
            try await engine.run(threads: 1) { turn in
                try cache.prompt(prompt, steps: 2, turn) {
                    // The caller that computes it waits until the others have asked.
                    while state.waits.withLock({ $0 }) { try turn.pause() }
                    state.made.withLock { $0 += 1 }
                    if fails { throw Failure() }
                    return try FlowPrompt(flow, prompt, steps: 2, pause: turn.pause)
                }.frames
            }
        }
        let first = Task { try await ask(fails: true) }
        while cache.waitingCount == nil { await Task.yield() }
        let others = (0..<2).map { _ in Task { try await ask(fails: false) } }
        while cache.waitingCount != 2 { await Task.yield() }
        state.waits.withLock { $0 = false }
        await #expect(throws: Failure.self) { try await first.value }
        for other in others { #expect(try await other.value == 34) }
        #expect(state.made.withLock { $0 } == 2, "the one that failed, and one for both who waited")
        #expect(try await ask(fails: true) == 34)
    }

    @Test("the voices used last are kept, as many as fit in the limit") func limit() async throws {
        let engine = SpeechEngine(), flow = try makeFlow(), state = Shared()
        let bytes = try withoutGradients { try FlowPrompt(flow, makePrompt(), steps: 2, pause: {}).byteCount }
        // In the encoder two layers with 17 tokens and one with 34 frames, in the flow four with 34 frames in two steps; keys and values of width 32.
        #expect(bytes == 2 * 32 * 4 * (2 * 17 + 34 + 2 * 4 * 34))
        let cache = FlowPromptCache(limit: 2 * bytes)
        func ask(_ seed: UInt64, tokens: Int = 20) async throws {
            try await engine.run(threads: 1) { turn in
                let prompt = try makePrompt(tokens: tokens, seed: seed)
                _ = try cache.prompt(prompt, steps: 2, turn) {
                    state.made.withLock { $0 += 1 }
                    return try FlowPrompt(flow, prompt, steps: 2, pause: turn.pause)
                }
            }
        }
        for seed in [1, 2, 1, 3, 1, 3] as [UInt64] { try await ask(seed) }
        #expect(state.made.withLock { $0 } == 3)
        try await ask(2)
        #expect(state.made.withLock { $0 } == 4, "it had made room for the third")
        try await ask(4, tokens: 100)
        try await ask(4, tokens: 100)
        #expect(state.made.withLock { $0 } == 5, "one that is longer than the room stays until the next comes")
        cache.removeAll()
        try await ask(4, tokens: 100)
        #expect(state.made.withLock { $0 } == 6)
    }
}
