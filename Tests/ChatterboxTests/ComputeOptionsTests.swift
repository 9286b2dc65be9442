import TestSupport
import Testing
import Torch

@testable import Chatterbox

@Suite("How a model computes", .standInModel) struct ComputeOptionsTests {
    @Test("fewer than one thread are refused", arguments: [0, -1]) func threads(count: Int) {
        #expect(throws: ComputeError.threads(count)) { try ComputeOptions(threads: count) }
    }

    @Test("quantised weights have no exact path") func exact() {
        #expect(throws: ComputeError.exactQuantization(.int8)) { try ComputeOptions(exact: true, quantization: .int8) }
    }

    @Test("nor has TF32") func exactTF32() {
        #expect(throws: ComputeError.exactTF32) { try ComputeOptions(exact: true, allowsTF32: true) }
    }

    @Test("what a type or a device cannot have is refused, not left out", arguments: [Quantization.int8, .int4], [DType.bfloat16, .float16])
    func types(quantization: Quantization, dtype: DType) throws {
        let options = try ComputeOptions(quantization: quantization)
        #expect(throws: ComputeError.quantization(quantization, dtype: dtype, device: .cpu)) {
            try Model.load(StandInModel.folder, dtype: dtype, compute: options)
        }
        #expect(throws: ComputeError.quantization(quantization, dtype: .float32, device: .cuda())) {
            try options.check(device: .cuda(), dtype: .float32)
        }
    }

    @Test("a model has the plan that its options give") func plan() throws {
        #expect(try Model.load(StandInModel.folder, compute: ComputeOptions(quantization: .int8)).plan.t3 == .packedInt8)
        #expect(try Model.load(StandInModel.folder, dtype: .bfloat16).plan.t3 == .bfloat16)
    }

    @Test("what is asked for is what the model has", arguments: Quantization.allCases) func had(quantization: Quantization) throws {
        #expect(try Model.load(StandInModel.folder, compute: ComputeOptions(quantization: quantization)).quantization == quantization)
    }
}
