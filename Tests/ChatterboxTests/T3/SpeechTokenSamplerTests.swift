import Kernels
import TestSupport
import Testing
import Torch

@testable import Chatterbox

@Suite("Sampling speech tokens")
struct SpeechTokenSamplerTests {
    static let cases: [(String, DecodingStyle)] = [
        ("default", .chatterbox), ("nucleus", .chatterbox), ("tight", .chatterbox),
        ("turbo.default", .turbo), ("turbo.few", .turbo), ("turbo.off", .turbo),
    ]

    @Test("probabilities and tokens are those of upstream's processors", arguments: cases)
    func matchesUpstream(name: String, style: DecodingStyle) throws {
        let fixture = try Fixture("sampling")
        let (logits, history) = (try fixture.input("logits"), try fixture.input("history"))
        let values = try fixture.input("\(name).options").array(of: Double.self)
        let options = try SamplingOptions(
            temperature: values[0], topP: values[1], topK: values[3] == 0 ? nil : Int(values[3]), minP: values[2],
            repetitionPenalty: values[4], guidance: 0)
        let generator = try Generator(seed: 11)
        var tokens: [Int] = []
        for row in 0..<logits.shape[0] {
            let sampler = try SpeechTokenSampler(
                options, style: style, vocabulary: logits.shape[1], startToken: history[row, 0].item(),
                generator: generator)
            try sampler.remember(try history[row].array())
            let probabilities = try sampler.probabilities(logits[row..<row + 1])
            try expectClose(probabilities, fixture.output("\(name).probabilities")[row], relative: 1e-6, "row \(row)")
            for _ in 0..<10 {
                tokens.append(try probabilities.multinomial(1, generator: generator).item())
            }
        }
        #expect(try tokens == fixture.output("\(name).tokens").array(of: Int.self))
    }

    @Test("guidance extrapolates from the logits without text past those with text")
    func guidance() throws {
        let rows = try Tensor([1, 2, 3, 3, 2, 2] as [Float], shape: [2, 3])
        #expect(try rows.guided(by: 0.5).array(of: Float.self) == [0, 2, 3.5])
    }

    @Test("Turbo penalises the start token only in the first draw")
    func turboStart() throws {
        let options = try SamplingOptions(temperature: 1, repetitionPenalty: 4)
        let sampler = try SpeechTokenSampler(
            options, style: .turbo, vocabulary: 3, startToken: 0, generator: Generator(seed: 1))
        let logits = try Tensor([1, 1, 60] as [Float], shape: [1, 3])
        let first = try sampler.probabilities(logits).array(of: Double.self)
        #expect(first[0] < first[1])
        #expect(try sampler.draw(from: logits) == 2)
        let second = try sampler.probabilities(logits).array(of: Double.self)
        #expect(second[0] == second[1])
    }

    @Test("a top-p of 0 keeps only the most likely token")
    func narrowestNucleus() throws {
        let logits = try Tensor([1, 3, 2] as [Float])
        #expect(try logits.keepingNucleus(0).softmax(axis: 0).array(of: Float.self) == [0, 1, 0])
    }

    // MARK: the kernel

    /// Styles and options that use every step, alone and together.
    static let settings: [(DecodingStyle, SamplingOptions)] = {
        func options(_ temperature: Double, _ topP: Double, topK: Int? = nil, minP: Double = 0, penalty: Double = 1) -> SamplingOptions {
            try! SamplingOptions(temperature: temperature, topP: topP, topK: topK, minP: minP, repetitionPenalty: penalty)
        }
        return [
            (.chatterbox, .chatterbox), (.chatterbox, options(0.5, 1, minP: 0.05, penalty: 1.2)), (.chatterbox, options(1, 1)),
            (.chatterbox, options(1, 0.8)),
            (.chatterbox, options(0.3, 0.9, minP: 0.3, penalty: 2)), (.chatterbox, options(1, 0, penalty: 1.2)),
            (.chatterbox, options(1.3, 1, minP: 1)), (.turbo, .turbo), (.turbo, options(1.5, 1)), (.turbo, options(1, 0.7, topK: 20, penalty: 1.5)),
            (.turbo, options(1, 0.9, topK: 9000)), (.turbo, options(1, 1, topK: 1)), (.turbo, options(0.7, 1, topK: 300, penalty: 0.8)),
        ]
    }()

    /// Draws of two requests with the same seed, one with the kernel: their tokens and generators are equal.
    func compare(_ style: DecodingStyle, _ options: SamplingOptions, _ steps: [Tensor], rulingOut ruledOut: (Int) -> Int? = { _ in nil }) throws {
        let team = try ThreadTeam(threads: 1), vocabulary = steps[0].size(1)
        let generators = [try Generator(seed: 21), try Generator(seed: 21)]
        let samplers = try zip(generators, [nil, team]).map {
            try SpeechTokenSampler(options, style: style, vocabulary: vocabulary, startToken: vocabulary - 1, generator: $0, team: $1)
        }
        for (step, logits) in steps.enumerated() {
            let tokens = try samplers.map { try $0.draw(from: logits, rulingOut: ruledOut(step)) }
            try #require(tokens[0] == tokens[1], "step \(step) of \(style), \(options)")
        }
        #expect(try generators[0].state().array(of: UInt8.self) == generators[1].state().array(of: UInt8.self))
    }

    @Test("the kernel draws the same tokens as libtorch's operations", arguments: settings)
    func kernel(style: DecodingStyle, options: SamplingOptions) throws {
        let generator = try Generator(seed: 8)
        let steps = try (0..<120).map { step in
            let noise = try Tensor.randn([1, 8194], generator: generator)
            // Flat, peaked and with a few tokens far above the others, like a model's.
            let logits = try step % 3 == 0 ? noise : step % 3 == 1 ? noise * 4 : (noise + 1).exp() * 1.5
            guard style == .chatterbox, step % 2 == 0 else { return logits }
            return try Tensor.cat([logits, logits + Tensor.randn([1, 8194], generator: generator)], axis: 0)
        }
        try compare(style, options, steps) { $0 < 40 ? 6562 : nil }
    }

    @Test("the kernel draws the same tokens if several are equally likely or impossible", arguments: settings)
    func kernelOnEqualTokens(style: DecodingStyle, options: SamplingOptions) throws {
        let generator = try Generator(seed: 9)
        let steps = try (0..<60).map { step in
            let numbers = try (Tensor.rand([300], generator: generator) * 8 - 4).array(of: Float.self)
            switch step % 5 {
            case 0: return try Tensor.zeros([1, 300])
            case 1: return try Tensor(numbers.map { ($0 * 2).rounded() }, shape: [1, 300])
            case 2: return try Tensor(numbers.map { $0 > 1 ? -.infinity : $0 }, shape: [1, 300])
            case 3: return try Tensor(numbers.enumerated().map { $0 == 7 ? 40 : $1 }, shape: [1, 300])
            default: return try Tensor(numbers.enumerated().map { $0 < 40 ? 4 : $1 }, shape: [1, 300])
            }
        }
        try compare(style, options, steps)
    }

    @Test("requests drawn in one call, with the kernel or without, get the same tokens as alone")
    func rows() throws {
        let team = try ThreadTeam(threads: 2), generator = try Generator(seed: 10)
        func samplers() throws -> [SpeechTokenSampler] {
            try Self.settings.enumerated().map { index, setting in
                try SpeechTokenSampler(
                    setting.1, style: setting.0, vocabulary: 300, startToken: 0, generator: Generator(seed: UInt64(index)),
                    team: index % 4 == 2 ? nil : team)
            }
        }
        let (alone, together) = (try samplers(), try samplers())
        for _ in 0..<20 {
            let logits = try alone.indices.map { _ in try Tensor.randn([1, 300], generator: generator) * 2 }
            let expected = try zip(alone, logits).map { try $0.draw(from: $1, rulingOut: 5) }
            #expect(try SpeechTokenSampler.draw(zip(together, logits).map { .init($0, logits: $1, rulingOut: 5) }) == expected)
            #expect(!expected.contains(5))
        }
    }

    @Test("NaN logits are refused by the kernel as by libtorch")
    func notANumber() throws {
        for team in [nil, try ThreadTeam(threads: 1)] {
            let sampler = try SpeechTokenSampler(
                .chatterbox, style: .chatterbox, vocabulary: 3, startToken: 0, generator: Generator(seed: 1), team: team)
            #expect(throws: TorchError.self) { try sampler.draw(from: Tensor([1, .nan, 2] as [Float], shape: [1, 3])) }
        }
    }

    // MARK: greedy

    @Test(
        "at temperature 0 the most likely token after guidance and penalty is chosen, and no random number is drawn",
        arguments: [
            DecodingStyle.chatterbox, .turbo,
        ], [nil, 1])
    func greedy(style: DecodingStyle, threads: Int?) throws {
        let options = try SamplingOptions(temperature: 0, topP: 0.01, topK: 1, minP: 1, repetitionPenalty: 2, guidance: 1)
        let generator = try Generator(seed: 5)
        let sampler = try SpeechTokenSampler(
            options, style: style, vocabulary: 4, startToken: 3, generator: generator, team: threads.map { try ThreadTeam(threads: $0) })
        // With guidance, in the style that has it, they become 5, 3, 5, 1.
        let logits = try Tensor([4, 3.5, 4.5, 1] + [3, 4, 4, 1] as [Float], shape: [2, 4])
        let (first, second) = style == .chatterbox ? (0, 2) : (2, 0)
        #expect(try sampler.probabilities(logits).array(of: Float.self) == (0..<4).map { $0 == first ? 1 : 0 })
        #expect(try sampler.draw(from: logits) == first)
        #expect(try sampler.draw(from: logits) == second)
        #expect(try sampler.draw(from: logits) == 1)
        #expect(
            try Tensor.rand([4], generator: generator).array(of: Float.self) == Tensor.rand([4], generator: Generator(seed: 5)).array(of: Float.self))
    }

    // MARK: ranges

    private func options(_ option: String, _ value: Double) throws -> SamplingOptions {
        switch option {
        case "temperature": try SamplingOptions(temperature: value)
        case "topP": try SamplingOptions(topP: value)
        case "topK": try SamplingOptions(topK: Int(value))
        case "minP": try SamplingOptions(minP: value)
        case "repetitionPenalty": try SamplingOptions(repetitionPenalty: value)
        default: try SamplingOptions(guidance: value)
        }
    }

    @Test(
        "an error names an option that is out of range",
        arguments: [
            ("temperature", -1), ("temperature", 1e-300), ("temperature", 9e-7), ("temperature", 101), ("temperature", .infinity),
            ("temperature", .nan),
            ("topP", 1.1), ("topP", -0.1), ("topP", .nan), ("minP", -0.1), ("minP", .infinity), ("topK", 0), ("topK", -3),
            ("repetitionPenalty", 0), ("repetitionPenalty", -1), ("repetitionPenalty", 1e-300), ("repetitionPenalty", 1e300),
            ("repetitionPenalty", .nan),
            ("guidance", -0.5), ("guidance", 1e300), ("guidance", .infinity), ("guidance", .nan),
        ])
    func refusals(option: String, value: Double) throws {
        let error = try #require(#expect(throws: SamplingError.self) { try options(option, value) })
        #expect(error.description.hasPrefix("\(option) is \(value); allowed is "))
    }

    @Test(
        "at the limits of every range the probabilities are finite, however large the logits are",
        arguments: [
            ("temperature", 1e-6), ("temperature", 100), ("topP", 0), ("topP", 1e-300), ("minP", 1), ("minP", 1e-300), ("topK", 1),
            ("topK", Double(1 << 40)), ("repetitionPenalty", 0.01), ("repetitionPenalty", 100), ("guidance", 100),
        ], [DecodingStyle.chatterbox, .turbo])
    func extremes(option: (String, Double), style: DecodingStyle) throws {
        let sampler = try SpeechTokenSampler(
            options(option.0, option.1), style: style, vocabulary: 4, startToken: 1, generator: Generator(seed: 1))
        let logits = try Tensor([1e20, -1e20, 3, 1e20] + [-1e20, 1e20, 1, 0] as [Float], shape: [2, 4])
        let probabilities = try sampler.probabilities(logits).array(of: Double.self)
        #expect(probabilities.allSatisfy { $0.isFinite })
        #expect(abs(probabilities.reduce(0, +) - 1) < 1e-5)
    }
}
