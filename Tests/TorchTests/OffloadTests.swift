import Testing
import Torch

@Suite("Offload") struct OffloadTests {
    @Test("weights go and come back unchanged, their views with them, and stay while somebody uses them")
    func roundTrip() throws {
        let generator = try Generator(seed: 1)
        let matrix = try Tensor.rand([30, 40], generator: generator), bias = try Tensor.rand([40], generator: generator)
        let view = try matrix.transposed(0, 1)
        let (expected, row) = (try matrix.array(of: Float.self), try view[3].array(of: Float.self))
        let offload = Offload([matrix, bias, view])
        for _ in 0..<2 {
            try offload.leave()
            #expect(offload.isAway)
            try offload.enter()
            #expect(!offload.isAway)
            #expect(try matrix.array(of: Float.self) == expected)
            #expect(try view[3].array(of: Float.self) == row)
            try offload.enter()
            offload.exit()
            try offload.leave()
            #expect(!offload.isAway && bias.count == 40)
            offload.exit()
            #expect(offload.isAway)
        }
    }
}
