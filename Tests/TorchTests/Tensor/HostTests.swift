import Foundation
import TestSupport
import Testing
import Torch

@Suite("Creating tensors, element types, conversion to and from Swift")
struct HostTests {
    @Test("new tensors have the contents of their names", arguments: [DType.float32, .float64, .float16, .bfloat16, .int64, .int32, .uint8])
    func creation(dtype: DType) throws {
        #expect(try Tensor.zeros([2, 2], dtype: dtype).array(of: Int.self) == [0, 0, 0, 0])
        #expect(try Tensor.ones([3], dtype: dtype).array(of: Int.self) == [1, 1, 1])
        #expect(try Tensor.full([2], 7, dtype: dtype).array(of: Int.self) == [7, 7])
        #expect(try Tensor.eye(2, dtype: dtype).array(of: Int.self) == [1, 0, 0, 1])
        #expect(try Tensor.arange(4, dtype: dtype).array(of: Int.self) == [0, 1, 2, 3])
        #expect(try Tensor.empty([5, 0, 2], dtype: dtype).count == 0)
        #expect(try Tensor(3, dtype: dtype).shape == [])
        #expect(try Tensor.zeros([2], dtype: dtype).dtype == dtype)
    }

    @Test("sequences have the right ends") func sequences() throws {
        #expect(try Tensor.linspace(from: -1, to: 1, count: 5).array(of: Float.self) == [-1, -0.5, 0, 0.5, 1])
        #expect(try Tensor.arange(from: 0, to: 1, by: 0.25).array(of: Float.self) == [0, 0.25, 0.5, 0.75])
        #expect(try Tensor.arange(from: 5, to: 0, by: -2).array(of: Float.self) == [5, 3, 1])
    }

    @Test("every Swift number is the same after conversion to a tensor and back") func scalars() throws {
        func check<Scalar: TensorScalar & Equatable>(_ values: [Scalar], _ dtype: DType) throws {
            let tensor = try Tensor(values)
            #expect(tensor.dtype == dtype)
            #expect(try tensor.array(of: Scalar.self) == values)
            #expect(try tensor[0].item(Scalar.self) == values[0])
        }
        try check([1.5, -2, .infinity] as [Float], .float32)
        try check([1e300, -2] as [Double], .float64)
        try check([Int.max, .min, 0], .int64)
        try check([Int64.max, .min], .int64)
        try check([Int32.max, .min], .int32)
        try check([Int16.max, .min], .int16)
        try check([Int8.max, .min], .int8)
        try check([UInt8.max, 0], .uint8)
        try check([true, false], .bool)
        #expect(try Tensor([Float]()).array(of: Float.self) == [])
    }

    @Test("every conversion keeps what the type can represent", arguments: DType.allCases) func conversions(dtype: DType) throws {
        let x = try Tensor([0, 1] as [Float])
        let back = try x.to(dtype).to(dtype == .complex64 ? .complex64 : .float32)
        #expect(try (dtype == .complex64 ? back.real() : back).array(of: Float.self) == [0, 1])
        #expect(try x.to(dtype).byteCount == 2 * dtype.size)
        #expect(try x.to(dtype).to(dtype).dtype == dtype)
    }

    @Test("narrow types round to the nearest value") func rounding() throws {
        #expect(try Tensor([1 + 1 / 512.0] as [Double]).to(.bfloat16).array(of: Double.self) == [1])
        #expect(try Tensor([65_504, 65_536] as [Float]).to(.float16).array(of: Float.self) == [65_504, .infinity])
        #expect(try Tensor([2.7, -2.7] as [Float]).to(.int32).array(of: Int.self) == [2, -2])
    }

    @Test("a tensor of another layout is copied row by row") func layouts() throws {
        let x = try Tensor([1, 2, 3, 4, 5, 6], shape: [2, 3]).transposed(0, 1)
        #expect(try x.array(of: Int.self) == [1, 4, 2, 5, 3, 6])
        #expect(try x.withBytes { $0.count } == 48)
        #expect(throws: TorchError.self) { try x.withElements(of: Int.self) { $0.count } }
        #expect(throws: TorchError.self) { try x.contiguous().withElements(of: Float.self) { $0.count } }
        #expect(throws: TorchError.self) { try x.item(Int.self) }
    }

    @Test("borrowed elements can be written") func lending() throws {
        let x = try Tensor.zeros([3])
        try x.withElements(of: Float.self) { for i in $0.indices { $0[i] = Float(i) } }
        #expect(try x.array(of: Float.self) == [0, 1, 2])
        #expect(try Tensor.zeros([0]).withElements(of: Float.self) { $0.count } == 0)
    }

    @Test("values that do not fill their shape cause an error") func wrongShape() {
        #expect(throws: TorchError.self) { try Tensor([1, 2, 3], shape: [2, 2]) }
        #expect(throws: TorchError.self) { try Tensor.zeros([-1]) }
        #expect(throws: TorchError.self) { try Tensor.zeros([.max, .max]) }
    }

    @Test("too large an allocation causes an error of its own kind, and the program continues") func outOfMemory() throws {
        let error = #expect(throws: TorchError.self) { try Tensor.empty([1 << 46], dtype: .uint8) }
        #expect(error?.kind == .outOfMemory)
        #expect(error?.description.contains("out of memory") == true)
        #expect(try Tensor.ones([1]).item(Int.self) == 1)
    }

    @Test("printing shows elements, shape, type and device, and stays short for the largest") func printing() throws {
        let text = try "\(Tensor([1, 2, 3, 4], shape: [2, 2]))"
        for part in ["1", "2", "3", "4", "Tensor [2, 2] int64 on cpu"] { #expect(text.contains(part)) }
        #expect(try Tensor.zeros([2, 3], dtype: .bfloat16).summary == "Tensor [2, 3] bfloat16 on cpu")
        #expect(try "\(Tensor.zeros([0, 3]))".contains("[0, 3]"))
    }

    @Test("copies and views share memory or not, as documented") func sharing() throws {
        let x = try Tensor.zeros([2])
        let same = try x.to(.float32).to(.cpu).contiguous()
        try same.fill(1)
        #expect(try x.array(of: Float.self) == [1, 1])
        try x.clone().fill(2)
        #expect(try x.array(of: Float.self) == [1, 1])
        try x.assign(Tensor([3, 4]))
        #expect(try x.array(of: Float.self) == [3, 4])
        #expect(throws: TorchError.self) { try x.assign(Tensor([1, 2, 3])) }
    }
}
