import Chatterbox
import Foundation
import Torch

/// The minimal work of each stage for one utterance.
struct BenchWorkload {
    /// By the names of ``BenchRow/stages``; `decode` is for one token.
    let stages: [String: StageCost]

    init(_ configuration: ModelConfiguration, _ run: BenchRun, _ setting: BenchSetting) {
        let spoken = run.steady, t3 = configuration.t3, vocoder = configuration.s3Gen.vocoder
        let own = configuration.s3Gen.flow, flow = setting.flow == "fast" && !own.meanFlow ? own.asMeanFlow : own
        let rows = t3.style == .chatterbox ? 2 : 1
        let prefix = t3.prefixLength(text: spoken.textTokens, prompt: run.conditioningTokens)
        let frames = Int(spoken.audioSeconds * Double(vocoder.sampleRate)) / vocoder.samplesPerFrame
        let quantization = Quantization(rawValue: setting.quantize) ?? .none
        var prefill = t3.prefillCost(length: prefix, rows: rows, quantization: quantization)
        var decode = t3.stepCost(length: prefix + spoken.speechTokens / 2, rows: rows, quantization: quantization)
        if setting.dtype != "float32" {
            prefill.bytes /= 2
            decode.bytes /= 2
        }
        stages = [
            "prefill": prefill, "decode": decode,
            "flow": flow.cost(tokens: frames / flow.framesPerToken, prompt: run.promptTokens, quantization: quantization),
            "vocoder": vocoder.cost(frames: frames, quantization: quantization),
        ]
    }
}

/// The sizes of a model's parts, from its files' headers.
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
        return [[folder.lastPathComponent, "parameters", "in the file", "share"]]
            + sorted.map { name, part in
                [
                    name, String(format: "%.2f M", Double(part.count) / 1e6), BenchReport.bytes(Double(part.bytes)),
                    "\(Int((Double(part.bytes) / Double(max(total, 1)) * 100).rounded())) %",
                ]
            } + [["all", String(format: "%.2f M", Double(parts.values.reduce(0) { $0 + $1.count }) / 1e6), BenchReport.bytes(Double(total)), ""]]
    }
}
