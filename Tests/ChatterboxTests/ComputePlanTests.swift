import Testing
import Torch

@testable import Chatterbox

@Suite("ComputePlan")
struct ComputePlanTests {
    struct Asked: Sendable {
        var exact = false, quantization = Quantization.none, tf32 = false, captures = true
        var dtype = DType.float32
    }

    private func plan(_ asked: Asked, onGPU: Bool, canCapture: Bool = true) throws -> ComputePlan {
        let compute = try ComputeOptions(
            exact: asked.exact, quantization: asked.quantization, allowsTF32: asked.tf32, capturesSteps: asked.captures)
        return ComputePlan(onGPU: onGPU, dtype: asked.dtype, compute: compute, canCapture: canCapture)
    }

    @Test(
        "on a CPU weights are packed, except on the exact path or in 16 bits",
        arguments: [
            (Asked(), "T3 packed float32; flow and vocoder packed float32; S3 tokenizer float32; speaker encoder packed float32"),
            (Asked(quantization: .int4), "T3 packed int4; flow and vocoder packed int8; S3 tokenizer packed int8; speaker encoder packed float32"),
            (Asked(exact: true), "T3 float32; flow and vocoder float32; S3 tokenizer float32; speaker encoder float32"),
            (Asked(dtype: .bfloat16), "T3 bfloat16; flow and vocoder float32; S3 tokenizer float32; speaker encoder float32"),
            (Asked(tf32: true, dtype: .float16), "T3 float16; flow and vocoder float32; S3 tokenizer float32; speaker encoder float32"),
        ])
    func cpu(asked: Asked, expected: String) throws {
        #expect(try plan(asked, onGPU: false).description == expected)
    }

    @Test(
        "on a GPU steps are captured where this is possible and allowed",
        arguments: [
            (Asked(dtype: .bfloat16), true, ComputePlan.Way.capturedBFloat16), (Asked(dtype: .float16), true, .capturedFloat16),
            (Asked(dtype: .bfloat16), false, .bfloat16), (Asked(captures: false, dtype: .bfloat16), true, .bfloat16),
            (Asked(exact: true, dtype: .bfloat16), true, .bfloat16),
        ])
    func captured(asked: Asked, canCapture: Bool, way: ComputePlan.Way) throws {
        let plan = try plan(asked, onGPU: true, canCapture: canCapture)
        #expect(plan.t3 == way && plan.sound == .float32)
        #expect(plan.capturesSteps == way.rawValue.hasPrefix("captured"))
    }

    @Test(
        "with T3 in 16 bits the flow on a GPU is in float16, except on the exact path",
        arguments: [
            (Asked(dtype: .bfloat16), ComputePlan.Way.capturedFloat16), (Asked(dtype: .float16), .capturedFloat16),
            (Asked(captures: false, dtype: .bfloat16), .float16), (Asked(exact: true, dtype: .bfloat16), .float32), (Asked(), .capturedFloat32),
            (Asked(tf32: true), .capturedTF32), (Asked(tf32: true, captures: false), .tf32), (Asked(exact: true), .float32),
        ])
    func flow(asked: Asked, way: ComputePlan.Way) throws {
        #expect(try plan(asked, onGPU: true).flow == way)
    }

    @Test("different plans have different descriptions") func description() throws {
        #expect(
            try plan(Asked(dtype: .bfloat16), onGPU: true).description
                == "T3 captured bfloat16; flow captured float16; vocoder float32; S3 tokenizer float32; speaker encoder float32")
    }

    @Test(
        "TF32 applies to float32 on a GPU",
        arguments: [
            (Asked(tf32: true), ComputePlan.Way.capturedTF32, ComputePlan.Way.tf32), (Asked(tf32: true, captures: false), .tf32, .tf32),
            (Asked(tf32: true, dtype: .bfloat16), .capturedBFloat16, .tf32), (Asked(), .capturedFloat32, .float32),
        ])
    func tf32(asked: Asked, t3: ComputePlan.Way, sound: ComputePlan.Way) throws {
        let plan = try plan(asked, onGPU: true)
        #expect(plan.t3 == t3 && plan.sound == sound)
    }
}
