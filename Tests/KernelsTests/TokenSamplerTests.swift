import Kernels
import TestSupport
import Testing
import Torch

@Suite("Sampling tokens with a kernel")
struct TokenSamplerTests {
    static let plain = TokenSampler.Options(order: .penaltyFirst)
    static let chatterbox = TokenSampler.Options(
        order: .penaltyFirst, guidance: 0.5, repetitionPenalty: 1.2, temperature: 0.8, minP: 0.05)
    static let turbo = TokenSampler.Options(
        order: .penaltyLast, repetitionPenalty: 1.2, temperature: 0.8, topP: 0.95, topK: 100)

    func logits(_ rows: Int, _ vocabulary: Int, seed: UInt64) throws -> Tensor {
        try Tensor.randn([rows, vocabulary], generator: Generator(seed: seed)) * 3
    }

    @Test(
        "tokens equal those of libtorch's multinomial, and so does the generator's state afterwards",
        arguments: ThreadTeam.availableInstructions, [1, 16, 313, 4001])
    func multinomial(instructions: String, vocabulary: Int) throws {
        let team = try ThreadTeam(threads: 1, instructions: instructions)
        let (ours, libtorchs) = (try Generator(seed: 3), try Generator(seed: 3))
        let sampler = TokenSampler(Self.plain, vocabulary: vocabulary, generator: ours)
        for round in 0..<12 {
            // An odd number of words is drawn in between, so that tokens' pairs of words are at all positions of the state.
            for generator in [ours, libtorchs] where round % 3 == 1 { _ = try Tensor.rand([round * 50 + 1], generator: generator) }
            let logits = try logits(1, vocabulary, seed: UInt64(round))
            let token = try TokenSampler.draw([.init(sampler, logits: logits)], team: team)[0]
            #expect(try token == logits[0].softmax(axis: -1).multinomial(1, generator: libtorchs).item(Int.self))
            #expect(try ours.state().array(of: UInt8.self) == libtorchs.state().array(of: UInt8.self), "round \(round)")
        }
    }

    @Test("requests get the same tokens together as alone, with any number of threads and instruction set")
    func together() throws {
        let vocabulary = 700
        func drawn(together: Bool, threads: Int, instructions: String? = nil) throws -> [[Int?]] {
            let team = try ThreadTeam(threads: threads, instructions: instructions)
            let samplers = try (0..<9).map { index in
                let sampler = TokenSampler(
                    [Self.plain, Self.chatterbox, Self.turbo][index % 3], vocabulary: vocabulary, generator: try Generator(seed: UInt64(index)))
                for token in stride(from: index, to: vocabulary, by: 10) { sampler.mark(token) }
                return sampler
            }
            return try (0..<8).map { step in
                let rows = try samplers.enumerated().map { index, sampler in
                    TokenSampler.Row(sampler, logits: try logits(1 + index % 2, vocabulary, seed: UInt64(100 * step + index)), rulingOut: index)
                }
                return together ? try TokenSampler.draw(rows, team: team) : try rows.flatMap { try TokenSampler.draw([$0], team: team) }
            }
        }
        let alone = try drawn(together: false, threads: 1)
        #expect(Set(alone.joined()).count > 20)
        for threads in 1...3 { #expect(try drawn(together: true, threads: threads) == alone) }
        for instructions in ThreadTeam.availableInstructions {
            #expect(try drawn(together: true, threads: 2, instructions: instructions) == alone)
        }
    }

    @Test("at temperature 0 the first of the most likely tokens after guidance and penalty is chosen, and nothing is drawn")
    func greedy() throws {
        let team = try ThreadTeam(threads: 1), generator = try Generator(seed: 5)
        for order in [TokenSampler.Options.Order.penaltyFirst, .penaltyLast] {
            let options = TokenSampler.Options(
                order: order, guidance: 1, repetitionPenalty: 2, temperature: 0, minP: 1, topP: 0.01, topK: 1)
            let sampler = TokenSampler(options, vocabulary: 5, generator: generator)
            sampler.mark(4)
            // With guidance, in the order that has it, they become 5, 3, 5, 1, 9, and the last 4.5 with the penalty.
            let logits = try Tensor([4, 3.5, 4.5, 1, 8] + [3, 4, 4, 1, 7] as [Float], shape: [2, 5])
            let row = TokenSampler.Row(sampler, logits: logits)
            #expect(try TokenSampler.draw([row], team: team) == [order == .penaltyFirst ? 0 : 2])
            sampler.mark(4, isSeen: false)
            #expect(try TokenSampler.draw([row], team: team) == [4])
            #expect(try TokenSampler.draw([.init(sampler, logits: logits, rulingOut: 4)], team: team) == [order == .penaltyFirst ? 0 : 2])
        }
        #expect(try generator.state().array(of: UInt8.self) == Generator(seed: 5).state().array(of: UInt8.self))
    }

    @Test(
        "a choice that rounding or libtorch's sorting could change is left undecided, and the generator does not change",
        arguments: [
            // Two equal tokens, one of which is in the nucleus.
            (TokenSampler.Options(order: .penaltyLast, topP: 0.4), [0, 0]),
            // The second is at min-p's limit.
            (.init(order: .penaltyFirst, minP: 0.5, topP: 0.9), [1, 1 - 0.693147]),
            (plain, [0, .nan]), (plain, [0, .infinity]), (plain, [-.infinity, -.infinity]),
            (.init(order: .penaltyFirst, temperature: 0), [0, .nan]),
        ] as [(TokenSampler.Options, [Float])])
    func undecided(options: TokenSampler.Options, logits: [Float]) throws {
        let generator = try Generator(seed: 5)
        let sampler = TokenSampler(options, vocabulary: 2, generator: generator)
        let row = TokenSampler.Row(sampler, logits: try Tensor(logits, shape: [1, 2]))
        #expect(try TokenSampler.draw([row], team: ThreadTeam(threads: 1)) == [nil])
        #expect(try generator.state().array(of: UInt8.self) == Generator(seed: 5).state().array(of: UInt8.self))
    }

    @Test("logits of another vocabulary or type are refused")
    func refusals() throws {
        let team = try ThreadTeam(threads: 1)
        let sampler = TokenSampler(Self.plain, vocabulary: 4, generator: try Generator(seed: 1))
        #expect(throws: KernelError.shape("logits", expected: "[1 or 2, 4]", found: [1, 5])) {
            try TokenSampler.draw([.init(sampler, logits: .zeros([1, 5]))], team: team)
        }
        #expect(throws: TorchError.self) {
            try TokenSampler.draw([.init(sampler, logits: .zeros([1, 4], dtype: .bfloat16))], team: team)
        }
        #expect(try TokenSampler.draw([], team: team) == [])
    }
}
