import Chatterbox
import Foundation
import Torch

/// What each stage of one utterance had to do.
struct BenchWorkload {
    /// Work by the names of ``BenchRow/stages``; `decode` is of one token.
    let stages: [String: Workload]

    init(_ configuration: ModelConfiguration, _ run: BenchRun, bytesPerWeight: Double) {
        let spoken = run.steady
        let t3 = configuration.t3
        let rows = t3.style == .chatterbox ? 2 : 1
        let prefix = t3.prefixLength(text: spoken.textTokens, prompt: run.conditioningTokens)
        let frames = Int(spoken.audioSeconds * Double(configuration.s3Gen.vocoder.sampleRate)) / configuration.s3Gen.vocoder.samplesPerFrame
        let newTokens = frames / configuration.s3Gen.flow.framesPerToken
        stages = [
            "prefill": t3.prefillWorkload(rows: rows, length: prefix, bytesPerWeight: bytesPerWeight),
            "decode": t3.decodingWorkload(rows: rows, length: prefix + spoken.speechTokens / 2, bytesPerWeight: bytesPerWeight),
            "flow": configuration.s3Gen.flow.workload(
                tokens: run.promptTokens + newTokens, steps: configuration.s3Gen.flow.steps),
            "vocoder": configuration.s3Gen.vocoder.workload(frames: frames),
        ]
    }
}

extension BenchSetting {
    /// Bytes that a weight of the language model takes in memory, scales included.
    var bytesPerWeight: Double {
        switch (quantize, dtype) {
        case ("int8", _): 1 + 4.0 / 1024
        case ("int4", _): 0.5 + 2.0 / 32
        case (_, "float32"): 4
        default: 2
        }
    }
}

/// Which part of a model takes how much, from its files' headers.
enum WeightTable {
    static func rows(of folder: URL) throws -> [[String]] {
        var parts: [String: (count: Int, bytes: Int)] = [:]
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        for name in names where name.hasSuffix(".safetensors") && !name.hasPrefix("conds") {
            let file = try SafetensorsFile(folder.appending(path: name))
            let stem = String(name.dropLast(".safetensors".count))
            for (tensor, entry) in file.entries {
                let scope = tensor.split(separator: ".").first.map(String.init) ?? tensor
                parts["\(stem): \(scope)", default: (0, 0)].count += entry.shape.reduce(1, *)
                parts["\(stem): \(scope)"]!.bytes += entry.range.count
            }
        }
        let total = parts.values.reduce(0) { $0 + $1.bytes }
        let sorted = parts.sorted { ($1.value.bytes, $0.key) < ($0.value.bytes, $1.key) }
        return [[folder.lastPathComponent, "parameters", "in the file", "share"]] + sorted.map { name, part in
            [name, String(format: "%.2f M", Double(part.count) / 1e6), BenchReport.bytes(Double(part.bytes)),
             "\(Int((Double(part.bytes) / Double(max(total, 1)) * 100).rounded())) %"]
        } + [["all", String(format: "%.2f M", Double(parts.values.reduce(0) { $0 + $1.count }) / 1e6), BenchReport.bytes(Double(total)), ""]]
    }
}
