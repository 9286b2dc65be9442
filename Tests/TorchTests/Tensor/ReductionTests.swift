import TestSupport
import Testing
import Torch

@Suite("Reductions, matrix products, sorting")
struct ReductionTests {
    static let cases: [OperationCase] = [
        OperationCase("sum") { try $0.a.sum() }, OperationCase("sum axis") { try $0.a.sum(axis: 1) },
        OperationCase("sum keep") { try $0.a.sum(axis: 0, keepAxis: true) },
        OperationCase("sum axes") { try $0.left.sum(axes: [0, 2]) }, OperationCase("mean") { try $0.a.mean() },
        OperationCase("mean axis") { try $0.a.mean(axis: -1) },
        OperationCase("max") { try $0.a.max() }, OperationCase("max axis") { try $0.a.max(axis: 1) },
        OperationCase("amax") { try $0.left.amax(axes: [0, 2]) },
        OperationCase("min") { try $0.a.min() }, OperationCase("min axis") { try $0.a.min(axis: 0) }, OperationCase("prod") { try $0.a.prod() },
        OperationCase("variance") { try $0.a.variance() }, OperationCase("variance biased") { try $0.a.variance(axis: 1, unbiased: false) },
        OperationCase("std") { try $0.a.std(axis: 0) }, OperationCase("norm") { try $0.a.norm() },
        OperationCase("norm 1") { try $0.a.norm(1, axis: 1) },
        OperationCase("logsumexp") { try $0.a.logsumexp(axis: 1) }, OperationCase("any") { try $0.mask.any(axis: 1) },
        OperationCase("all") { try $0.mask.all(axis: 0) },
        OperationCase("argmax") { try $0.a.argmax() }, OperationCase("argmax axis") { try $0.a.argmax(axis: 1) },
        OperationCase("argmin") { try $0.a.argmin(axis: 0) },
        OperationCase("cumsum") { try $0.a.cumsum(axis: 1) }, OperationCase("bincount") { try $0.counts.bincount(minimum: 8) },
        OperationCase("max values") { try $0.a.maxWithIndices(axis: 1).values },
        OperationCase("max indices") { try $0.a.maxWithIndices(axis: 1).indices },
        OperationCase("sorted") { try $0.a.sorted().values }, OperationCase("sorted indices") { try $0.a.sorted().indices },
        OperationCase("sorted down") { try $0.a.sorted(axis: 0, descending: true).values },
        OperationCase("top values") { try $0.a.topK(2).values }, OperationCase("top indices") { try $0.a.topK(2).indices },
    ]
    static let productCases: [OperationCase] = [
        OperationCase("matmul") { try $0.left.matmul($0.right) }, OperationCase("matmul vector") { try $0.a.matmul($0.row) },
        OperationCase("bmm") { try $0.left.bmm($0.right) }, OperationCase("addmm") { try Tensor.ones([3, 5]).adding($0.a, times: $0.right[0]) },
        OperationCase("einsum") { try Tensor.einsum("bij,bjk->bki", [$0.left, $0.right]) },
    ]

    @Test("reductions and sorting give Python's results", arguments: cases) func reductions(operation: OperationCase) throws { try operation.check() }
    @Test("matrix products give Python's results", arguments: productCases) func products(operation: OperationCase) throws { try operation.check() }

    @Test("the matrix product is associative, and its transpose is the product in reverse order") func algebra() throws {
        let generator = try Generator(seed: 2)
        let a = try Tensor.randn([7, 5], generator: generator, dtype: .float64), b = try Tensor.randn([5, 6], generator: generator, dtype: .float64)
        let c = try Tensor.randn([6, 3], generator: generator, dtype: .float64)
        try expectClose(a.matmul(b).matmul(c), a.matmul(b.matmul(c)), relative: 1e-13)
        try expectClose(a.matmul(b).transposed(0, 1), b.transposed(0, 1).matmul(a.transposed(0, 1)), relative: 1e-13)
        try expectClose(a.matmul(.eye(5, dtype: .float64)), a, relative: 0)
    }

    @Test("sorting permutes, and its indices give the permutation") func sorting() throws {
        let x = try Tensor.randn([4, 50], generator: Generator(seed: 3))
        for descending in [false, true] {
            let (values, indices) = try x.sorted(axis: 1, descending: descending)
            try expectClose(x.gather(axis: 1, indices), values, relative: 0)
            try expectEqual(indices.sorted(axis: 1).values, Tensor.arange(50).expanded([4, 50]))
            let steps = try values.narrow(axis: 1, from: 1, count: 49) - values.narrow(axis: 1, from: 0, count: 49)
            #expect(try (descending ? steps.lessOrEqual(to: 0) : steps.greaterOrEqual(to: 0)).all().item(Bool.self))
        }
        let top = try x.topK(7)
        try expectClose(top.values, x.sorted(axis: 1, descending: true).values.narrow(axis: 1, from: 0, count: 7), relative: 0)
    }

    @Test("cumulative sums end with the sum, and the empty tensor sums to zero") func sums() throws {
        let x = try Tensor.randn([6, 9], generator: Generator(seed: 4), dtype: .float64)
        try expectClose(x.cumsum(axis: 1)[.all, -1], x.sum(axis: 1), relative: 1e-14)
        #expect(try Tensor.zeros([0, 3]).sum().item(Float.self) == 0)
        #expect(throws: TorchError.self) { try Tensor.zeros([0, 3]).max() }
        #expect(try x.isFinite().all().item(Bool.self))
        #expect(try !x.isNaN().any().item(Bool.self))
    }
}
