import Testing
import Torch

@Suite("How libtorch computes")
struct BackendTests {
    @Test("it tells its instruction set") func instructions() { #expect(!Libtorch.instructions.isEmpty) }

    @Test("it tells which kernel computes an attention: on a CPU a fused one, and plain products for what that does not take") func attention() throws
    {
        let query = try Tensor.zeros([1, 2, 8, 16])
        #expect(try query.attentionBackend(key: query, value: query, causal: true) == .flash)
        let flat = try Tensor.zeros([2, 8, 16])
        #expect(try flat.attentionBackend(key: flat, value: flat) == .math)
    }

    @Test("its switch for TF32 stays as it is set") func tf32() throws {
        let before = Libtorch.allowsTF32
        defer { try? Libtorch.setAllowsTF32(before) }
        for allowed in [true, false] {
            try Libtorch.setAllowsTF32(allowed)
            #expect(Libtorch.allowsTF32 == allowed)
        }
    }
}
