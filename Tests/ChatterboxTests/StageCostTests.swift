import Kernels
import Testing

@testable import Chatterbox

@Suite("The minimal cost of stages")
struct StageCostTests {
    @Test("a token of the English model reads its transformer and head once, for one row or two")
    func step() {
        let english = T3Configuration.chatterbox
        let weights = Double(30 * (4 * 1024 * 1024 + 3 * 1024 * 4096) + 1024 * 8194)
        #expect(english.stepCost(length: 0, rows: 1) == StageCost(bytes: 4 * weights, operations: 2 * weights))
        #expect(english.stepCost(length: 0, rows: 2) == StageCost(bytes: 4 * weights, operations: 4 * weights))
        // Keys and values of 30 layers, 1024 wide, in float32.
        #expect(english.stepCost(length: 100, rows: 2).bytes - 4 * weights == Double(2 * 30 * 1024 * 100 * 2 * 4))
    }

    @Test("quantised weights are fewer bytes", arguments: [T3Configuration.chatterbox, .turbo, .nano])
    func quantized(configuration: T3Configuration) {
        let bytes = Quantization.allCases.map { configuration.stepCost(length: 100, rows: 1, quantization: $0).bytes }
        #expect(bytes[1] < bytes[0] * 0.27 && bytes[2] < bytes[1] * 0.62)
    }

    @Test("the costs of flow and vocoder equal those counted in upstream's networks")
    func soundStages() {
        // Four seconds after a prompt of ten: upstream's 10 guided steps take about 3 TFLOP.
        let guided = FlowConfiguration.chatterbox.cost(tokens: 100, prompt: 250).operations
        #expect((2.7e12...3.3e12).contains(guided))
        let mean = FlowConfiguration.meanFlow.cost(tokens: 100, prompt: 250).operations
        #expect(mean < guided / 8)
        // A second of sound: 21 GFLOP in the residual blocks, 8 in the source's, the rest in pitch, ends and upsampling.
        #expect((30e9...31e9).contains(VocoderConfiguration.chatterbox.cost(frames: 50).operations))
    }

    @Test("quantisation moves a stage's operations to 8 bits, except those that stay in float32")
    func roundedOperations() {
        let flow = FlowConfiguration.chatterbox, vocoder = VocoderConfiguration.chatterbox
        func total(_ cost: StageCost) -> Double { cost.operations + cost.roundedOperations }
        let exact = flow.cost(tokens: 100, prompt: 250), rounded = flow.cost(tokens: 100, prompt: 250, quantization: .int8)
        #expect(exact.roundedOperations == 0 && total(rounded) == total(exact))
        #expect((0.005...0.05).contains(rounded.operations / exact.operations))
        let sound = vocoder.cost(frames: 50, quantization: .int4)
        #expect(total(sound) == vocoder.cost(frames: 50).operations && sound.operations < sound.roundedOperations)
        #expect(sound.bytes < vocoder.cost(frames: 50).bytes / 2)
    }

    @Test("the slower of reading and computing determines the time, and 8 bits have their own rate")
    func seconds() {
        let cost = StageCost(bytes: 8e9, operations: 1e12, roundedOperations: 4e12)
        #expect(cost.seconds(at: MachineRates(bandwidth: 1e9, float32: 1e12, int8: 4e12)) == 8)
        #expect(cost.seconds(at: MachineRates(bandwidth: 4e10, float32: 1e12, int8: 4e12)) == 2)
    }
}
