import TestSupport
import Testing
import Torch

@testable import Chatterbox

@Suite("ComputeOptions", .standInModel) struct ComputeOptionsTests {
    @Test("fewer than one thread is refused", arguments: [0, -1]) func threads(count: Int) {
        #expect(throws: ComputeError.threads(count)) { try ComputeOptions(threads: count) }
    }

    @Test("quantised weights are refused on the exact path") func exact() {
        #expect(throws: ComputeError.exactQuantization(.int8)) { try ComputeOptions(exact: true, quantization: .int8) }
    }

    @Test("TF32 is refused on the exact path") func exactTF32() {
        #expect(throws: ComputeError.exactTF32) { try ComputeOptions(exact: true, allowsTF32: true) }
    }

    @Test(
        "options that a type or a device does not support are refused, not ignored", arguments: [Quantization.int8, .int4],
        [DType.bfloat16, .float16])
    func types(quantization: Quantization, dtype: DType) throws {
        let options = try ComputeOptions(quantization: quantization)
        #expect(throws: ComputeError.quantization(quantization, dtype: dtype, device: .cpu)) {
            try Model.load(StandInModel.folder, dtype: dtype, compute: options)
        }
        #expect(throws: ComputeError.quantization(quantization, dtype: .float32, device: .cuda())) {
            try options.check(device: .cuda(), dtype: .float32)
        }
    }

    @Test("a model's plan follows from its options") func plan() throws {
        #expect(try Model.load(StandInModel.folder, compute: ComputeOptions(quantization: .int8)).plan.t3 == .packedInt8)
        #expect(try Model.load(StandInModel.folder, dtype: .bfloat16).plan.t3 == .bfloat16)
    }

    @Test("a model has the requested settings", arguments: Quantization.allCases) func had(quantization: Quantization) throws {
        #expect(try Model.load(StandInModel.folder, compute: ComputeOptions(quantization: quantization)).quantization == quantization)
    }
}
