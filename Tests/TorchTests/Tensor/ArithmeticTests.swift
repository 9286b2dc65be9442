import Foundation
import TestSupport
import Testing
import Torch

@Suite("Operators and elementwise operations")
struct ArithmeticTests {
    static let cases: [OperationCase] = [
        OperationCase("+") { try $0.a + $0.b }, OperationCase("-") { try $0.a - $0.b }, OperationCase("*") { try $0.a * $0.b },
        OperationCase("/") { try $0.a / $0.b }, OperationCase("+ number") { try $0.a + 1.5 }, OperationCase("number -") { try 2 - $0.a },
        OperationCase("number /") { try 1 / $0.a }, OperationCase("negative") { try -$0.a }, OperationCase("+ row") { try $0.a + $0.row },
        OperationCase("whole") { try $0.integers + 2 }, OperationCase("whole /") { try $0.integers / 4 },
        OperationCase("fraction") { try $0.integers + 0.5 },
        OperationCase("remainder") { try $0.integers.remainder(4) }, OperationCase("floorDivide") { try $0.integers.floorDivide(4) },
        OperationCase("equal") { try $0.integers.equal(to: 3) }, OperationCase("less") { try $0.a.less(than: $0.b) },
        OperationCase("greaterOrEqual") { try $0.a.greaterOrEqual(to: 0) },
        OperationCase("logicalAnd") { try $0.mask.logicalAnd($0.a.greater(than: 0)) },
        OperationCase("logicalOr") { try $0.mask.logicalOr($0.a.greater(than: 0)) }, OperationCase("logicalNot") { try $0.mask.logicalNot() },
        OperationCase("pow") { try $0.positive.pow(2.5) }, OperationCase("pow tensor") { try $0.positive.pow($0.b) },
        OperationCase("number pow") { try Tensor.pow(2, $0.a) }, OperationCase("maximum") { try $0.a.maximum($0.b) },
        OperationCase("minimum") { try $0.a.minimum($0.b) }, OperationCase("atan2") { try $0.a.atan2($0.b) },
        OperationCase("clamped") { try $0.a.clamped(min: -0.5, max: 0.7) }, OperationCase("clamped below") { try $0.a.clamped(min: 0) },
        OperationCase("lerp") { try $0.a.lerp($0.b, weight: 0.3) },
    ]
    static let functions: [OperationCase] = [
        OperationCase("exp") { try $0.a.exp() }, OperationCase("expm1") { try $0.a.expm1() }, OperationCase("square") { try $0.a.square() },
        OperationCase("abs") { try $0.a.abs() }, OperationCase("sign") { try $0.a.sign() }, OperationCase("reciprocal") { try $0.a.reciprocal() },
        OperationCase("sin") { try $0.a.sin() }, OperationCase("cos") { try $0.a.cos() }, OperationCase("tan") { try $0.a.tan() },
        OperationCase("tanh") { try $0.a.tanh() }, OperationCase("atan") { try $0.a.atan() }, OperationCase("sigmoid") { try $0.a.sigmoid() },
        OperationCase("relu") { try $0.a.relu() }, OperationCase("erf") { try $0.a.erf() }, OperationCase("floor") { try $0.a.floor() },
        OperationCase("ceil") { try $0.a.ceil() }, OperationCase("round") { try $0.a.round() }, OperationCase("trunc") { try $0.a.trunc() },
        OperationCase("log") { try $0.positive.log() }, OperationCase("log2") { try $0.positive.log2() },
        OperationCase("log10") { try $0.positive.log10() },
        OperationCase("log1p") { try $0.positive.log1p() }, OperationCase("sqrt") { try $0.positive.sqrt() },
        OperationCase("rsqrt") { try $0.positive.rsqrt() },
        OperationCase("silu") { try $0.a.silu() }, OperationCase("mish") { try $0.a.mish() }, OperationCase("softplus") { try $0.a.softplus() },
        OperationCase("gelu") { try $0.a.gelu() }, OperationCase("gelu approximate") { try $0.a.gelu(approximate: true) },
        OperationCase("elu") { try $0.a.elu(0.7) }, OperationCase("leakyReLU") { try $0.a.leakyReLU(0.1) },
    ]

    @Test("operators are Python's", arguments: cases) func operators(operation: OperationCase) throws { try operation.check() }
    @Test("elementwise functions are Python's", arguments: functions) func elementwise(operation: OperationCase) throws { try operation.check() }

    @Test("every comparison agrees with Swift's") func comparisons() throws {
        let a: [Float] = [1, 2, 3, .nan, -0.0], b: [Float] = [2, 2, 2, .nan, 0]
        let x = try Tensor(a), y = try Tensor(b)
        let pairs: [(Tensor, (Float, Float) -> Bool)] = [
            (try x.equal(to: y), { $0 == $1 }), (try x.notEqual(to: y), { $0 != $1 }), (try x.less(than: y), { $0 < $1 }),
            (try x.lessOrEqual(to: y), { $0 <= $1 }), (try x.greater(than: y), { $0 > $1 }), (try x.greaterOrEqual(to: y), { $0 >= $1 }),
        ]
        for (found, expected) in pairs {
            #expect(found.dtype == .bool)
            #expect(try found.array(of: Bool.self) == zip(a, b).map(expected))
        }
        #expect(try x.notEqual(to: 2).array(of: Bool.self) == a.map { $0 != 2 })
        #expect(try x.lessOrEqual(to: 2).array(of: Bool.self) == a.map { $0 <= 2 })
        #expect(try x.greater(than: 1.5).array(of: Bool.self) == a.map { $0 > 1.5 })
    }

    @Test("NaN and infinity are detected") func notNumbers() throws {
        let x = try Tensor([1, .nan, .infinity, -.infinity] as [Float])
        #expect(try x.isNaN().array(of: Bool.self) == [false, true, false, false])
        #expect(try x.isFinite().array(of: Bool.self) == [true, false, false, false])
    }

    @Test("in-place operations change every view of the memory, and nothing else") func inPlace() throws {
        let x = try Tensor([1, 2, 3, 4] as [Float], shape: [2, 2]), copy = try x.clone(), row = try x[1]
        try row.add(inPlace: Tensor([10, 20] as [Float]), scale: 2)
        #expect(try x.array(of: Float.self) == [1, 2, 23, 44])
        try row.multiply(inPlace: Tensor([2, 0] as [Float]))
        try row.multiply(inPlace: 0.5)
        #expect(try x.array(of: Float.self) == [1, 2, 23, 0])
        try row.add(inPlaceProductOf: Tensor([1, 2] as [Float]), Tensor([3, 4] as [Float]), scale: 10)
        try row.add(inPlaceQuotientOf: Tensor([8, 6] as [Float]), Tensor([4, 2] as [Float]), scale: -1)
        #expect(try x.array(of: Float.self) == [1, 2, 51, 77])
        #expect(try copy.array(of: Float.self) == [1, 2, 3, 4])
    }

    @Test("an error about shapes that do not broadcast has both shapes", arguments: ["+", "maximum", "less"]) func shapes(name: String) throws {
        let a = try Tensor.zeros([2, 3]), b = try Tensor.zeros([2, 4])
        let error = #expect(throws: TorchError.self) {
            switch name {
            case "+": try a + b
            case "maximum": try a.maximum(b)
            default: try a.less(than: b)
            }
        }
        #expect(error?.operation == name)
        #expect(error?.shapes == [[2, 3], [2, 4]])
        #expect(error?.kind == .invalid)
    }
}
