import TestSupport
import Testing
import Torch

@testable import Chatterbox

@Suite("The flow of several utterances in a batch") struct FlowBatchesTests {
    private static func small(_ configuration: FlowConfiguration) -> FlowConfiguration {
        var small = configuration
        (small.encoder.size, small.encoder.headCount, small.encoder.feedForwardSize) = (32, 2, 48)
        (small.encoder.layerCount, small.encoder.upsampledLayerCount) = (1, 1)
        (small.estimator.channels, small.estimator.headCount, small.estimator.headSize) = (32, 2, 16)
        (small.estimator.blocksPerStage, small.estimator.middleStageCount) = (1, 2)
        return small
    }

    private func makeFlow(_ configuration: FlowConfiguration, type: DType? = nil) throws -> FlowMatching<ExactArithmetic> {
        try TokenToMel(Weights(initialising: Generator(seed: 3)), configuration, flowType: type).exact.flow
    }

    private func order(frames: Int, seed: UInt64) throws -> FlowOrder {
        let generator = try Generator(seed: seed)
        func mel() throws -> Tensor { try .randn([1, frames, 80], generator: generator) }
        return FlowOrder(noise: try mel(), conditions: .init(mean: try mel(), speaker: try .randn([1, 80], generator: generator), prompt: try mel()))
    }

    private func alone(_ order: FlowOrder, _ flow: FlowMatching<ExactArithmetic>, steps: Int) throws -> Tensor {
        var history: FlowHistory?
        return try flow(order.noise, order.conditions, steps: steps, after: &history, checkpoint: {})
    }

    @Test("each utterance gets the same mel in a batch as alone", arguments: [small(.chatterbox), small(.meanFlow)])
    func company(configuration: FlowConfiguration) throws {
        try withoutGradients {
            let flow = try makeFlow(configuration), batches = FlowBatches(flow, device: .cpu)
            // The second and third batches reuse the tensors of the first.
            for lengths in [[200, 33, 150], [140, 256, 9, 31], [97], [130, 129]] {
                let orders = try lengths.map { try order(frames: $0, seed: UInt64($0)) }
                var steps = 0
                let mels = try batches(orders, steps: 3) { steps += 1 }
                #expect(steps == 3)
                for (order, mel) in zip(orders, mels) {
                    #expect(mel.shape == [1, order.frames, 80])
                    try expectClose(mel, alone(order, flow, steps: 3), relative: 1e-5, "\(order.frames) of \(lengths)")
                }
            }
        }
    }

    @Test("in float16 the mel is the same within float16's precision") func halves() throws {
        try withoutGradients {
            let order = try order(frames: 60, seed: 1), configuration = Self.small(.meanFlow)
            let exact = try alone(order, makeFlow(configuration), steps: 2), half = try makeFlow(configuration, type: .float16)
            #expect(half.estimator.dtype == .float16)
            try expectClose(FlowBatches(half, device: .cpu)([order], steps: 2) {}[0], exact, relative: 1e-2)
        }
    }

    @Test("a batch has as many utterances as fit, padded to the longest, and always at least one") func count() throws {
        let batches = FlowBatches(try makeFlow(Self.small(.meanFlow)), device: .cpu)
        func count(_ lengths: [Int]) throws -> Int { batches.batchSize(try lengths.map { try order(frames: $0, seed: 1) }) }
        #expect(try count(Array(repeating: 1000, count: 40)) == 16)
        #expect(try count([100, 100, 100, 4000, 100]) == 4)
        #expect(try count([100, 100, 100, 5000, 100]) == 3)
        #expect(try count([20_000, 10]) == 1)
    }
}
