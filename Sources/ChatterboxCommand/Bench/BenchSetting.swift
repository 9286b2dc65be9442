import ArgumentParser
import Foundation

/// Settings other than the arithmetic.
enum BenchWay: String, CaseIterable, Codable, Sendable, ExpressibleByArgument {
    /// The default.
    case fast
    /// Upstream's operations, one by one.
    case exact
    /// On a GPU: decoding steps without capturing; float32 products in TF32; T3 moved from the GPU while the sound is computed.
    case uncaptured, tf32, offload

    var arguments: [String] {
        switch self {
        case .fast: []
        case .exact: ["--exact"]
        case .uncaptured: ["--no-capture"]
        case .tf32: ["--tf32"]
        case .offload: ["--offload"]
        }
    }

    var isForGPU: Bool { self == .uncaptured || self == .tf32 || self == .offload }
}

/// One row of the table: what is measured, in which arithmetic.
struct BenchSetting: Codable, Hashable, Sendable {
    /// A folder, or a name as in `--model`; nil for the default.
    var model: String?
    var device = "cpu"
    var dtype = "float32"
    var quantize = "none"
    var way = BenchWay.fast
    var flow = "own"

    /// For example "chatterbox cpu int8".
    var label: String {
        let name = model.map { URL(filePath: $0).lastPathComponent } ?? "default model"
        return [name, device, quantize == "none" ? dtype : quantize, way == .fast ? "" : way.rawValue, flow == "own" ? "" : Self.fastFlow].filter {
            !$0.isEmpty
        }.joined(separator: " ")
    }

    /// The end of the labels of settings with a fast flow.
    static let fastFlow = "fast flow"

    /// The arguments for a subcommand with ``ModelArguments``.
    var arguments: [String] {
        (model.map { ["--model", $0] } ?? []) + ["--device", device, "--dtype", dtype, "--quantize", quantize] + way.arguments
            + (flow == "own" ? [] : ["--flow", flow])
    }

    /// Every combination of the requested settings, without repetitions.
    static func combinations(
        models: [String?], devices: [String], dtypes: [String], quantizations: [String], ways: [BenchWay], flows: [String] = ["own"]
    ) -> [BenchSetting] {
        var settings: [BenchSetting] = []
        for model in models {
            for device in devices {
                for dtype in dtypes {
                    for quantize in quantizations {
                        for way in ways {
                            // Quantised weights exist only for float32 on a CPU, and not on the exact path.
                            if quantize != "none", way == .exact || dtype != "float32" || device != "cpu" { continue }
                            if way.isForGPU, device == "cpu" { continue }
                            settings += flows.map {
                                BenchSetting(model: model, device: device, dtype: dtype, quantize: quantize, way: way, flow: $0)
                            }
                        }
                    }
                }
            }
        }
        return settings.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }
}
