import Foundation
import Kernels
import TestSupport
import Testing

@testable import ChatterboxCommand

@Suite("chatterbox bench", .standInModel)
struct BenchTests {
    @Test("a model is measured in separate processes, and the figures add up") func figures() async throws {
        let program = try Program()
        let run = try await program([
            "bench", "--model", StandInModel.folder.path, "--voice", StandInModel.recording.path, "--runs", "1", "--tokens", "12", "--json",
            "--quiet", "--plot", "time.svg",
        ])
        try #require(run.status == 0, "\(run.errors)")
        let report = try #require(JSONSerialization.jsonObject(with: run.output) as? [String: Any])
        let row = try #require((report["rows"] as? [[String: Any]])?.first)
        func median(_ name: String) throws -> Double { try #require((row[name] as? [String: Any])?["median"] as? Double) }
        // The model itself would stop after eight tokens.
        #expect(row["speechTokens"] as? Int == 12)
        #expect(row["audioSeconds"] as? Double == 12.0 / 25)
        #expect(try median("wall") >= median("prefill") + 12 * median("decode") + median("flow") + median("vocoder"))
        #expect(try median("warmStart") > median("load"))
        #expect(try #require(row["memoryPeak"] as? Double) >= #require(row["memoryAfterLoad"] as? Double) * 0.5)
        let limits = try #require(row["limits"] as? [String: Double])
        #expect(Set(limits.keys) == ["prefill", "decode", "flow", "vocoder"] && limits.values.allSatisfy { $0 > 0 })
        let picture = try String(contentsOf: program.folder.url.appending(path: "time.svg"), encoding: .utf8)
        #expect(picture.hasPrefix("<svg") && picture.contains("decode"))
    }

    @Test("the same requests are measured one after the other, at the same time and with random arrivals") func load() async throws {
        let run = try await Program()([
            "bench", "load", "--model", StandInModel.folder.path, "--listeners", "3", "--requests", "4", "--voices", "2", "--reference", "1",
            "--seconds", "0.48", "--rate", "50", "--runs", "2", "--steps", "--json", "--quiet",
        ])
        try #require(run.status == 0, "\(run.errors)")
        let report = try #require(JSONSerialization.jsonObject(with: run.output) as? [String: Any])
        #expect(report["voices"] as? Int == 2 && report["tokens"] as? Int == 12 && report["requests"] as? Int == 4)
        let levels = try #require(report["levels"] as? [[String: Any]])
        #expect(levels.map { $0["name"] as? String } == ["one after the other", "3 at once", "50 a second"])
        func median(_ level: Int, _ name: String) throws -> Double { try #require((levels[level][name] as? [String: Any])?["median"] as? Double) }
        for (index, level) in levels.enumerated() {
            let runs = try #require(level["runs"] as? [[String: Any]])
            #expect(runs.count == 2)
            for run in runs {
                #expect(run["requests"] as? Int == 4)
                #expect(abs(try #require(run["audioSeconds"] as? Double) - 4 * 0.48) < 1e-9)
            }
            // Each is delivered in one piece, so that there are no underruns.
            #expect(try median(index, "underruns") == 0 && median(index, "firstAudioMedian") > 0)
            #expect(try median(index, "firstAudio95") >= median(index, "firstAudioMedian"))
        }
        #expect(try median(0, "speedup") == 1 && median(0, "limit") == 1)
        #expect(try median(1, "limit") > 1 && median(1, "limit") < 3)
        let steps = try #require(report["steps"] as? [[String: Any]])
        #expect(steps.map { $0["requests"] as? Int } == [1, 3])
    }

    @Test("settings for GPUs are left out on a CPU, and quantised weights on a GPU") func combinations() {
        let settings = BenchSetting.combinations(
            models: ["a"], devices: ["cpu", "cuda:0"], dtypes: ["float32"], quantizations: ["none", "int8"], ways: [.fast, .uncaptured, .offload])
        #expect(
            settings.map(\.label) == ["a cpu float32", "a cpu int8", "a cuda:0 float32", "a cuda:0 float32 uncaptured", "a cuda:0 float32 offload"])
        #expect(settings.last?.arguments == ["--model", "a", "--device", "cuda:0", "--dtype", "float32", "--quantize", "none", "--offload"])
        let flows = BenchSetting.combinations(
            models: ["a"], devices: ["cpu"], dtypes: ["float32"], quantizations: ["int8"], ways: [.fast], flows: ["own", "fast"])
        #expect(flows.map(\.label) == ["a cpu int8", "a cpu int8 fast flow"])
        #expect(flows[1].arguments.suffix(2) == ["--flow", "fast"])
    }

    @Test("every setting is compared with upstream for the same model") func ratios() {
        let machine = BenchMachine(
            processor: "a processor", threads: 1, instructions: "none", rates: MachineRates(bandwidth: 1, float32: 1, int8: 1))
        func row(_ label: String, wall: Double) -> BenchRow {
            var run = BenchRun()
            run.spoken = [.init(speechTokens: 10, audioSeconds: 1, wallSeconds: wall, decode: wall / 2)]
            return BenchRow(label, [run], cold: [], costs: [:], on: machine)
        }
        let report = BenchReport(
            machine: machine, text: "Hi.",
            rows: [
                row("upstream a cpu", wall: 6), row("upstream b cpu", wall: 10), row("a cpu int8", wall: 2), row("b cpu int8", wall: 2),
                row("c cpu", wall: 1),
            ])
        let table = report.table
        let column = table[0].firstIndex(of: "real time")!
        #expect(
            table.dropFirst().map { $0[0] } == [
                "upstream a cpu", "upstream b cpu", "a cpu int8", "  against upstream", "b cpu int8", "  against upstream", "c cpu",
            ])
        #expect([4, 6].map { table[$0][column] } == ["3.0 times", "5.0 times"])
        let fast = BenchReport(
            machine: machine, text: "Hi.",
            rows: [
                row("upstream a cpu fast flow", wall: 4), row("upstream a cpu", wall: 6), row("a cpu int8", wall: 3),
                row("a cpu int8 fast flow", wall: 2),
            ]
        ).table
        #expect(
            fast.dropFirst(3).map { [$0[0], $0[column]] } == [
                ["a cpu int8", "0.33×"], ["  against upstream", "2.0 times"], ["a cpu int8 fast flow", "0.50×"], ["  against upstream", "3.0 times"],
                ["  against upstream, fast flow", "2.0 times"],
            ], "what speaks through a fast flow stands beside upstream as it comes, and beside upstream with the same flow")
    }

    @Test(
        "invalid load options are refused by name",
        arguments: [
            (["--listeners", "0"], "--listeners is 0; allowed is 1 to 1024"), (["--rate", "0"], "--rate is 0; allowed is 0.001 to 1000"),
            (["--text", " "], "--text"), (["--seconds", "1000"], "--seconds is 1000"), (["--language", "klingon"], "--language is klingon"),
            (["--ca-file", "a.pem"], "give its address with --url"),
        ])
    func loadRefusals(options: [String], words: String) async throws {
        let run = try await Program()(["bench", "load", "--model", StandInModel.folder.path] + options)
        #expect(run.status != 0)
        #expect(run.errors.contains(words), "\(run.errors)")
    }

    @Test("the figures include a GPU's memory by stage, and the memory kept after its cache is released") func deviceMemory() throws {
        let machine = BenchMachine(
            processor: "a processor", threads: 1, instructions: "none", rates: MachineRates(bandwidth: 1, float32: 1, int8: 1))
        var run = BenchRun()
        run.memory.devicePeaks = ["T3": 30, "flow": 40]
        run.memory.deviceRest = 20
        let row = BenchRow("a cuda:0", [run], cold: [], costs: [:], on: machine)
        let figures = try #require(JSONSerialization.jsonObject(with: JSONEncoder().encode(row)) as? [String: Any])
        #expect(figures["deviceMemoryPeaks"] as? [String: Int] == ["T3": 30, "flow": 40])
        #expect(figures["deviceMemoryRest"] as? Int == 20)
    }

    @Test(
        "an error names an option that cannot be measured",
        arguments: [
            (["--runs", "0"], "--runs", 64), (["--tokens", "5000"], "--tokens", 64), (["--plot", "x.png"], "SVG", 64),
            (["--against-python", "/nowhere"], "bin/python", 1),
        ])
    func refusals(options: [String], word: String, status: Int32) async throws {
        let run = try await Program()(["bench"] + options)
        #expect(run.status == status)
        #expect(run.errors.contains(word), "\(run.errors)")
    }
}
