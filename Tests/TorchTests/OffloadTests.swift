import TestSupport
import Testing
import Torch

@Suite("Offload") struct OffloadTests {
    @Test("if one tensor cannot be moved, none is") func allOrNone() throws {
        let folder = try TemporaryFolder(), file = folder.url.appending(path: "a.safetensors")
        let own = try Tensor.rand([8], generator: Generator(seed: 1)), expected = try own.array(of: Float.self)
        try SafetensorsWriter.write(["mapped": own], to: file)
        // A file's pages cannot be freed.
        let mapped = try SafetensorsFile(file).tensor("mapped")
        let offload = Offload([own, mapped])
        #expect(throws: TorchError.self) { try offload.leave() }
        #expect(!offload.isAway)
        #expect(try own.array(of: Float.self) == expected && mapped.array(of: Float.self) == expected)
    }

    @Test("weights that are moved back permanently leave no copy, and can be moved again") func comeBack() throws {
        let tensor = try Tensor.rand([8], generator: Generator(seed: 1)), expected = try tensor.array(of: Float.self)
        let offload = Offload([tensor])
        try offload.comeBack()
        for _ in 0..<2 {
            try offload.leave()
            #expect(offload.isAway)
            try offload.comeBack()
            #expect(!offload.isAway)
            #expect(try tensor.array(of: Float.self) == expected)
        }
    }

    @Test("moved weights come back unchanged, with their views, and stay while they are in use")
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
