import Testing
import Torch

@Suite("How libtorch computes")
struct BackendTests {
    @Test("the instruction set is known") func instructions() { #expect(!Libtorch.instructions.isEmpty) }

    @Test("the attention kernel is known: on a CPU a fused one, and the unfused product where that is not supported") func attention() throws {
        let query = try Tensor.zeros([1, 2, 8, 16])
        #expect(try query.attentionBackend(key: query, value: query, causal: true) == .flash)
        let flat = try Tensor.zeros([2, 8, 16])
        #expect(try flat.attentionBackend(key: flat, value: flat) == .math)
    }

    @Test("the switch for TF32 keeps its value") func tf32() throws {
        let before = Libtorch.allowsTF32
        defer { try? Libtorch.setAllowsTF32(before) }
        for allowed in [true, false] {
            try Libtorch.setAllowsTF32(allowed)
            #expect(Libtorch.allowsTF32 == allowed)
        }
    }
}
