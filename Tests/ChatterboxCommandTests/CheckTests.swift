import ChatterboxEvaluation
import Foundation
import TestSupport
import Testing
import Torch

@testable import ChatterboxCommand

@Suite("chatterbox check") struct CheckTests {
    @Test("the CPU computes correctly, and the JSON has the results, the machine and the errors") func json() async throws {
        let run = try await Program()("check", "--device", "cpu", "--json", "--quiet")
        try #require(run.status == 0, "\(run.errors)")
        let found = try #require(JSONSerialization.jsonObject(with: run.output) as? [String: Any])
        let machine = try #require(found["machine"] as? [String: Any])
        #expect(machine["libtorchVersion"] as? String == Libtorch.version)
        let pico = (found["models"] as? [[String: Any]])?.first { $0["name"] as? String == "pico" }
        #expect((pico?["plan"] as? [String: Any])?["t3"] as? String == "packed float32")
        let check = try #require((found["checks"] as? [[String: Any]])?.first)
        #expect(check["device"] as? String == "cpu")
        let results = try #require(check["results"] as? [[String: Any]])
        #expect(results.count > 30 && results.allSatisfy { $0["outcome"] as? String == "passed" })
        #expect((check["attention"] as? [[String: Any]])?.isEmpty == false)
    }

    @Test("the text has the machine, the models and a row for each stage") func text() throws {
        let report = try JSONDecoder().decode(
            CheckReport.self,
            from: Data(
                #"""
                {"device": "cuda:0", "size": "small", "results": [
                  {"model": "Llama", "stage": "flow", "arithmetic": "float32", "error": 0.00002, "bound": 0.0001, "outcome": "passed", "seconds": 1},
                  {"model": "Llama", "stage": "flow", "arithmetic": "TF32", "error": 0.5, "bound": 0.02, "outcome": "failed",
                   "reason": "its error is above the bound", "seconds": 1},
                  {"model": "Llama", "stage": "vocoder", "arithmetic": "TF32", "bound": 0.02, "outcome": "failed", "reason": "it is broken", "seconds": 1}],
                 "attention": [{"model": "Llama", "name": "T3 step", "dtype": "bfloat16", "query": [2, 2, 1, 32], "keys": 90, "isMasked": false,
                                "backend": "math", "problem": "plain products"}]}
                """#.utf8))
        let lines = CheckTable(report).text.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
        #expect(lines.contains("Llama: flow 2.0e-05 5.0e-01 FAILED"))
        #expect(lines.contains("Llama: vocoder – FAILED"))
        #expect(lines.contains("vocoder of Llama in TF32: failed, it is broken"))
        #expect(lines.contains("Llama: T3 step bfloat16 [2, 2, 1, 32] 90 no math !"))
        #expect(lines.last == "cuda:0, small networks: 1 of 3 results are within their bounds")
        #expect(report.failures == ["flow of Llama in TF32", "vocoder of Llama in TF32", "T3 step of Llama in bfloat16"])
    }

    @Test("a failure is named, and the exit status is 1") func failure() throws {
        let status = try #require(
            ExitStatus(CheckFailed(device: .cpu, names: ["flow of Llama in TF32", "vocoder of Llama in TF32"]), interruption: 130))
        #expect(status.code == 1)
        #expect(status.message.contains("cpu") && status.message.contains("flow of Llama in TF32, vocoder of Llama in TF32"))
    }

    @Test("a device that does not exist is refused after the machine has been described", .enabled(if: Device.cudaCount == 0)) func noGPU()
        async throws
    {
        let run = try await Program()("check", "--device", "cuda", "--quiet")
        #expect(run.status == 1)
        #expect(run.errors.contains("cuda"))
        #expect(String(decoding: run.output, as: UTF8.self).contains("libtorch \(Libtorch.version)"))
    }

    @Test(
        "with an automatic choice of the device, a note names a GPU that is not used",
        arguments: [
            ("auto", true, true), ("auto", false, false), ("cpu", true, false),
        ])
    func note(asked: String, isPresent: Bool, isTold: Bool) {
        #expect((DeviceNote.unusedGPU(asked: asked, chosen: .cpu, isPresent: isPresent) != nil) == isTold)
        #expect(DeviceNote.unusedGPU(asked: "auto", chosen: .cuda(), isPresent: isPresent) == nil)
    }

    @Test("an option for GPUs is refused on a CPU, with its name", arguments: ["--offload", "--no-capture", "--tf32"])
    func gpuSwitch(name: String) async throws {
        let run = try await Program()("say", "Hi.", "--device", "cpu", name, "-o", "out.wav", "-q")
        #expect(run.status == 64)
        #expect(run.errors.contains(name) && run.errors.contains("cpu"))
    }
}
