import TestSupport
import Testing
import Torch

@Suite("Shapes and selection")
struct ShapeTests {
    static let cases: [OperationCase] = [
        OperationCase("reshaped") { try $0.a.reshaped([2, -1]) }, OperationCase("transposed") { try $0.a.transposed(0, 1) },
        OperationCase("permuted") { try $0.left.permuted([2, 0, 1]) }, OperationCase("flattened") { try $0.left.flattened(from: 1) },
        OperationCase("expanded") { try $0.row.expanded([2, 3, 4]) }, OperationCase("repeated") { try $0.a.repeated([2, 1, 2]) },
        OperationCase("interleaved") { try $0.a.repeatInterleaved(2, axis: 1) }, OperationCase("flipped") { try $0.a.flipped([0, 1]) },
        OperationCase("rolled") { try $0.a.rolled(1, axis: 1) },
        OperationCase("unfolded") { try $0.signal[.all, ..<10].unfolded(axis: 1, size: 4, step: 3) },
        OperationCase("tril") { try $0.a.tril() }, OperationCase("triu") { try $0.a.triu(1) },
        OperationCase("cat") { try Tensor.cat([$0.a, $0.b], axis: 1) },
        OperationCase("stack") { try Tensor.stack([$0.a, $0.b], axis: 1) }, OperationCase("padded") { try $0.a.padded([1, 2], value: 7) },
        OperationCase("padded cut") { try $0.a.padded([-1, 0, 1, 0]) }, OperationCase("reflect") { try $0.long.padded([2, 3], mode: .reflect) },
        OperationCase("replicate") { try $0.long.padded([2, 3], mode: .replicate) },
        OperationCase("circular") { try $0.long.padded([2, 3], mode: .circular) },
        OperationCase("indexSelect") { try $0.a.indexSelect(axis: 1, Tensor([3, 0, 0])) },
        OperationCase("gather") { try $0.a.gather(axis: 0, $0.index) },
        OperationCase("scatter") { try $0.a.scatter(axis: 0, index: $0.index, source: $0.b[..<2]) },
        OperationCase("scatter value") { try $0.a.scatter(axis: 0, index: $0.index, value: 5) },
        OperationCase("indexAdd") { try $0.a.indexAdd(axis: 0, index: Tensor([2, 0, 2]), source: $0.b) },
        OperationCase("indexPut") { try $0.a.indexPut([Tensor([0, 2]), Tensor([1, 3])], Tensor([8, 9] as [Float])) },
        OperationCase("maskedFill") { try $0.a.maskedFill($0.mask, -1) }, OperationCase("maskedSelect") { try $0.a.maskedSelect($0.mask) },
        OperationCase("select") { try Tensor.select($0.mask, $0.a, $0.b) },
    ]

    @Test("shapes and selections are Python's", arguments: cases) func shapes(operation: OperationCase) throws { try operation.check() }

    @Test("a result is a view if possible: writing to it changes the tensor") func views() throws {
        let views: [(String, (Tensor) throws -> Tensor)] = [
            ("index", { try $0[1] }), ("range", { try $0[.all, 1..<3] }), ("narrow", { try $0.narrow(axis: 1, from: 0, count: 2) }),
            ("select", { try $0.select(axis: 1, 2) }), ("transposed", { try $0.transposed(0, 1) }), ("permuted", { try $0.permuted([1, 0]) }),
            ("unsqueezed", { try $0.unsqueezed(0) }), ("viewed", { try $0.viewed([12]) }), ("reshaped", { try $0.reshaped([2, 6]) }),
            ("flattened", { try $0.flattened() }), ("squeezed", { try $0.squeezed() }), ("split", { try $0.split(2, axis: 1)[1] }),
            ("unfolded", { try $0.unfolded(axis: 1, size: 2, step: 2) }), ("detached", { try $0.detached() }),
        ]
        for (name, view) in views {
            let x = try Tensor.zeros([3, 4])
            try view(x).fill(1)
            #expect(try x.sum().item(Int.self) == view(x).count, "\(name)")
        }
        let x = try Tensor.zeros([3, 4])
        for copy in [try x.clone(), try x.transposed(0, 1).contiguous(), try x.repeated([1, 1]), try x.flipped([0]), try x + 0] { try copy.fill(1) }
        #expect(try x.sum().item(Int.self) == 0)
    }

    @Test("strides and contiguity follow from the layout") func layout() throws {
        let x = try Tensor.zeros([2, 3, 4])
        #expect(x.strides == [12, 4, 1] && x.isContiguous && x.byteCount == 96 && x.count == 24 && x.rank == 3)
        let turned = try x.transposed(0, 2)
        #expect(turned.shape == [4, 3, 2] && turned.strides == [1, 4, 12] && !turned.isContiguous)
        #expect(throws: TorchError.self) { try turned.viewed([24]) }
        #expect(try turned.reshaped([24]).isContiguous)
        #expect(x.size(-1) == 4 && x.size(0) == 2)
    }

    @Test("concatenating the parts gives the whole", arguments: [1, 2, 3, 5, 7, 20]) func pieces(size: Int) throws {
        let x = try Tensor.randn([3, 7], generator: Generator(seed: 1))
        try expectClose(.cat(x.split(size, axis: 1), axis: 1), x, relative: 0)
        try expectClose(.cat(x.split(sizes: [2, 0, 5], axis: 1), axis: 1), x, relative: 0)
        #expect(try x.chunked(2, axis: 1).map { $0.size(1) } == [4, 3])
        try expectClose(x.padded([size, 1]).narrow(axis: 1, from: size, count: 7), x, relative: 0)
        try expectClose(x.rolled(size, axis: 1).rolled(-size, axis: 1), x, relative: 0)
        try expectClose(x.unsqueezed(1).squeezed(1), x, relative: 0)
    }

    @Test("every range of an axis corresponds to Swift's range of an array") func ranges() throws {
        let values = Array(0..<6)
        let x = try Tensor(values)
        for from in 0...6 {
            #expect(try x[from...].array(of: Int.self) == Array(values[from...]))
            #expect(try x[..<from].array(of: Int.self) == Array(values[..<from]))
            for to in from...6 { #expect(try x[from..<to].array(of: Int.self) == Array(values[from..<to])) }
            for to in from..<6 { #expect(try x[from...to].array(of: Int.self) == Array(values[from...to])) }
        }
        #expect(try x[...2].array(of: Int.self) == [0, 1, 2])
        #expect(try x[(-2)...].array(of: Int.self) == [4, 5])
        #expect(try x[..<(-1)].array(of: Int.self) == [0, 1, 2, 3, 4])
        #expect(try x[...(-2)].array(of: Int.self) == [0, 1, 2, 3, 4])
        #expect(try x[...(-1)].array(of: Int.self) == values)
        #expect(try x[(-3)...(-1)].array(of: Int.self) == [3, 4, 5])
        #expect(try x[.stride(from: 1, to: 6, by: 2)].array(of: Int.self) == [1, 3, 5])
        #expect(try x[.newAxis, .ellipsis].shape == [1, 6])
        #expect(throws: TorchError.self) { try x[6] }
        #expect(throws: TorchError.self) { try x[0, 0] }
    }

    @Test("scattering what was gathered restores it") func gather() throws {
        let generator = try Generator(seed: 9)
        let x = try Tensor.randn([4, 8], generator: generator)
        let order = try Tensor.stack((0..<4).map { _ in try Tensor.randperm(8, generator: generator) })
        try expectClose(Tensor.zeros([4, 8]).scatter(axis: 1, index: order, source: x.gather(axis: 1, order)), x, relative: 0)
        let mask = try x.greater(than: 0)
        #expect(try x.maskedSelect(mask).count == mask.sum().item(Int.self))
    }
}
