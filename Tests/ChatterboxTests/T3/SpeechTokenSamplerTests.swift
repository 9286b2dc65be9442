import Testing
import TestSupport
import Torch

@testable import Chatterbox

@Suite("Drawing speech tokens")
struct SpeechTokenSamplerTests {
    static let cases: [(String, DecodingStyle)] = [
        ("default", .chatterbox), ("nucleus", .chatterbox), ("tight", .chatterbox),
        ("turbo.default", .turbo), ("turbo.few", .turbo), ("turbo.off", .turbo),
    ]

    @Test("probabilities and draws are those of upstream's processors", arguments: cases)
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
            try sampler.remember(history[row].array())
            let probabilities = try sampler.probabilities(logits[row..<row + 1])
            try expectClose(probabilities, fixture.output("\(name).probabilities")[row], relative: 1e-6, "row \(row)")
            for _ in 0..<10 {
                tokens.append(try probabilities.multinomial(1, generator: generator).item())
            }
        }
        #expect(try tokens == fixture.output("\(name).tokens").array(of: Int.self))
    }

    @Test("guidance moves logits from the row without text past the row with it")
    func guidance() throws {
        let rows = try Tensor([1, 2, 3, 3, 2, 2] as [Float], shape: [2, 3])
        #expect(try rows.guided(by: 0.5).array(of: Float.self) == [0, 2, 3.5])
    }

    @Test("Turbo penalises the start token in the first draw only")
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

    @Test("a nucleus of 0 keeps the likeliest token")
    func narrowestNucleus() throws {
        let logits = try Tensor([1, 3, 2] as [Float])
        #expect(try logits.keepingNucleus(0).softmax(axis: 0).array(of: Float.self) == [0, 1, 0])
    }

    @Test("options out of range are refused by name", arguments: [
        ("temperature", 0.0), ("temperature", -1), ("temperature", .infinity), ("temperature", .nan), ("topP", 1.1),
        ("topP", .nan), ("minP", -0.1), ("repetitionPenalty", 0), ("guidance", -0.5), ("topK", 0),
    ])
    func refusals(option: String, value: Double) throws {
        let error = #expect(throws: SamplingError.self) {
            switch option {
            case "temperature": try SamplingOptions(temperature: value)
            case "topP": try SamplingOptions(topP: value)
            case "topK": try SamplingOptions(topK: Int(value))
            case "minP": try SamplingOptions(minP: value)
            case "repetitionPenalty": try SamplingOptions(repetitionPenalty: value)
            default: try SamplingOptions(guidance: value)
            }
        }
        #expect(error?.description.contains("\(value)") == true)
    }
}
