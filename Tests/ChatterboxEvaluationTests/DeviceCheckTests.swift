import Chatterbox
import Foundation
import Testing
import Torch

@testable import ChatterboxEvaluation

@Suite("Checking a device")
struct DeviceCheckTests {
    @Test("every arithmetic of the CPU is within its bounds of the exact path") func cpu() throws {
        let report = try DeviceCheck(device: .cpu).run()
        for result in report.results {
            #expect(result.outcome == .passed, "\(result.name): \(result.error.map { "\($0)" } ?? "no number"), \(result.reason ?? "")")
        }
        #expect(report.failures.isEmpty)
        for arithmetic in CheckedArithmetic.offered(by: .cpu) {
            for model in ["Llama", "GPT-2, mean flow"] {
                let stages = report.results.filter { $0.arithmetic == arithmetic && $0.model == model }.map(\.stage)
                #expect(stages.contains("T3 prefill") && stages.contains("T3 decoding"))
                #expect(arithmetic.packing == nil || stages.contains("flow") && stages.contains("vocoder") && stages.contains("token encoder"))
                #expect([.float32, .packedFloat32].contains(arithmetic) == stages.contains("drawing"))
            }
        }
        // There are rounding errors: the exact path is not compared with itself.
        #expect(report.results.filter { $0.arithmetic == .packedInt8 && $0.stage == "T3 decoding" }.allSatisfy { ($0.error ?? 0) > 1e-4 })
    }

    @Test("every stage for GPUs runs, here on the CPU without capturing") func gpuStages() throws {
        let check = DeviceCheck(device: .cpu, size: .small, arithmetics: [.float32, .bfloat16], stages: CheckStage.all)
        let report = try check.run()
        #expect(report.failures.isEmpty, "\(report.failures)")
        let stages = report.results.filter { $0.arithmetic == .float32 && $0.model == "Llama" }.map(\.stage)
        #expect(
            stages == [
                "voice encoder", "S3 tokenizer", "speaker encoder", "T3 prefill", "T3 decoding", "T3 decoding, captured", "sampling", "drawing",
                "token encoder",
                "flow", "pitch", "excitation", "vocoder", "watermark",
            ])
        // There are rounding errors: the exact path is not compared with itself.
        let captured = report.results.filter { $0.stage == "T3 decoding, captured" && $0.arithmetic == .bfloat16 }
        #expect(captured.count == 2 && captured.allSatisfy { ($0.error ?? 0) > 1e-4 })
    }

    @Test("a stage that fails is named and does not stop others") func failures() throws {
        struct Broken: Error, CustomStringConvertible { let description = "it is broken" }
        let stages = [
            CheckStage(name: "throwing", arithmetics: [.float32]) { networks, inputs in
                if networks.packedT3 == nil, inputs.tokens.count == 0 { return inputs.mel }
                throw Broken()
            },
            CheckStage(name: "late", arithmetics: [.float32]) { _, inputs in inputs.mel },
        ]
        // The exact path runs first: after its error there is nothing to compare with.
        #expect(throws: Broken.self) { try DeviceCheck(device: .cpu, size: .small, arithmetics: [.float32], stages: stages).run() }

        func differing(_ name: String, _ change: @escaping @Sendable (Tensor) throws -> Tensor) -> CheckStage {
            CheckStage(name: name, arithmetics: [.bfloat16]) { networks, inputs in
                networks.t3.dtype == .bfloat16 ? try change(inputs.mel) : inputs.mel
            }
        }
        let report = try DeviceCheck(
            device: .cpu, size: .small, arithmetics: [.bfloat16],
            stages: [
                differing("throwing") { _ in throw Broken() }, differing("off") { try $0 * 1.2 }, differing("endless") { try $0 / 0 },
                differing("short") { try $0.narrow(axis: 2, from: 0, count: 3) }, differing("near") { try $0 * 1.04 },
            ]
        ).run()
        let outcomes = report.results.filter { $0.model == "Llama" }.map(\.outcome)
        #expect(outcomes == [.failed, .failed, .failed, .failed, .passed])
        #expect(report.failures.prefix(2) == ["throwing of Llama in bfloat16", "off of Llama in bfloat16"])
        #expect(report.results[0].reason == "it is broken")
        #expect(try #require(report.results[1].error).rounded(toPlaces: 3) == 0.2)
        #expect(report.results[3].reason?.contains("shape") == true)
        let data = try JSONEncoder().encode(report)
        #expect(try JSONDecoder().decode(CheckReport.self, from: data) == report)
    }

    @Test("the error is the largest difference divided by the largest value") func error() throws {
        let expected = try Tensor([1, -4, 2] as [Float])
        #expect(try Tensor([1, -4, 3] as [Float]).error(against: expected) == 0.25)
        #expect(try Tensor([1, -4, .nan] as [Float]).error(against: expected) == nil)
        #expect(try Tensor([1, -4] as [Float]).error(against: expected) == nil)
    }

    @Test("every attention has a kernel here, and none is unexpected on a CPU") func attention() throws {
        let report = try DeviceCheck(device: .cpu, size: .small, arithmetics: [.bfloat16, .packedFloat32], stages: []).run()
        #expect(Set(report.attention.map(\.name)) == ["perceiver", "T3 prefill", "T3 step", "T3 step, captured", "flow"])
        #expect(Set(report.attention.map(\.dtype)) == [.float32, .bfloat16])
        #expect(report.attention.allSatisfy { $0.problem == nil })
        #expect(report.attention.filter { $0.name == "flow" }.allSatisfy { $0.dtype == .float32 })
    }

    @Test(
        "on a GPU the unfused product is unexpected in 16 bits, and the memory-efficient kernel only without a mask",
        arguments: [
            (AttentionBackend.math, DType.float16, true, true), (.math, .bfloat16, false, true), (.math, .float32, false, false),
            (.efficient, .bfloat16, false, true), (.efficient, .bfloat16, true, false), (.efficient, .float32, false, false),
            (.flash, .bfloat16, false, false), (.cudnn, .float16, true, false),
        ])
    func verdicts(backend: AttentionBackend, dtype: DType, isMasked: Bool, isWrong: Bool) {
        #expect((AttentionFinding.problem(with: backend, dtype: dtype, isMasked: isMasked, onGPU: true) != nil) == isWrong)
        #expect(AttentionFinding.problem(with: backend, dtype: dtype, isMasked: isMasked, onGPU: false) == nil)
    }
}

extension Double {
    fileprivate func rounded(toPlaces places: Int) -> Double {
        let scale = (0..<places).reduce(1.0) { scale, _ in scale * 10 }
        return (self * scale).rounded() / scale
    }
}
