import TestSupport
import Testing

@testable import Chatterbox

@Suite("The sizes of chunks") struct ChunkPlanTests {
    private let sizes = ChunkSizes([7, 5, 11], context: 9)

    /// The chunks of an utterance whose tokens become final in steps.
    private func chunks(of count: Int, in steps: some Sequence<Int>, unheard: Int = 0) -> [ChunkPlan.Chunk] {
        var plan = ChunkPlan(sizes, lookahead: 3, unheard: unheard), chunks: [ChunkPlan.Chunk] = []
        for known in steps {
            while let chunk = plan.next(of: min(known, count), isComplete: false) { chunks.append(chunk) }
        }
        while let chunk = plan.next(of: count, isComplete: true) { chunks.append(chunk) }
        #expect(plan.isAtEnd == (count > 0))
        return chunks
    }

    @Test("they do not depend on when tokens arrive, and together contain all tokens", arguments: 0...60)
    func tokens(count: Int) {
        var random = SeededRandom(seed: UInt64(count))
        let atOnce = chunks(of: count, in: [])
        #expect(atOnce.flatMap(\.tokens) == Array(0..<count))
        #expect(atOnce.map(\.isLast) == atOnce.indices.map { $0 == atOnce.count - 1 })
        for _ in 0..<10 {
            var known = 0
            let steps = (0..<count).map { _ in
                known += Int.random(in: 0...4, using: &random)
                return known
            }
            #expect(chunks(of: count, in: steps) == atOnce)
        }
    }

    @Test("a chunk has its size and its lookahead") func lookahead() {
        let chunks = chunks(of: 30, in: 0...30)
        #expect(chunks.map(\.tokens) == [0..<7, 7..<12, 12..<23, 23..<30])
        #expect(chunks.map(\.ahead) == [7..<10, 12..<15, 23..<26, 30..<30])
    }

    @Test("tokens whose sound is left out at the end are only in the last chunk", arguments: 0...8) func unheard(count: Int) {
        for length in count + 1...50 {
            for chunk in chunks(of: length, in: 0...length, unheard: count) where !chunk.isLast { #expect(chunk.tokens.upperBound <= length - count) }
        }
    }

    @Test("models with a fast flow speak in chunks: mean flows and Pico, not ten guided steps of a large network") func models() throws {
        #expect(Variant.turbo.configuration.s3Gen.flow.isFastInChunks(steps: nil))
        let pico = try Model.configuration(of: DocumentedExample.repository.appending(path: "Models/pico"))
        #expect(pico.s3Gen.flow.isFastInChunks(steps: nil))
        #expect(FlowConfiguration.chatterbox.asMeanFlow.isFastInChunks(steps: nil))
        #expect(!FlowConfiguration.chatterbox.isFastInChunks(steps: nil))
        #expect(!Variant.turbo.configuration.s3Gen.flow.isFastInChunks(steps: 20))
    }
}
