import Foundation

/// One row of the table: what is measured, and in which arithmetic.
struct BenchSetting: Codable, Hashable, Sendable {
    /// A folder, or a name as `--model` takes it; nil for the default.
    var model: String?
    var device = "cpu"
    var dtype = "float32"
    var quantize = "none"
    /// Upstream's operations one by one instead of the fast way.
    var isExact = false

    /// As "chatterbox cpu int8".
    var label: String {
        let name = model.map { URL(filePath: $0).lastPathComponent } ?? "default model"
        return [name, device, quantize == "none" ? dtype : quantize, isExact ? "exact" : ""].filter { !$0.isEmpty }.joined(separator: " ")
    }

    /// As arguments of a subcommand that takes ``ModelArguments``.
    var arguments: [String] {
        (model.map { ["--model", $0] } ?? []) + ["--device", device, "--dtype", dtype, "--quantize", quantize] + (isExact ? ["--exact"] : [])
    }

    /// Every combination of what was asked for, without repetitions.
    static func combinations(
        models: [String?], devices: [String], dtypes: [String], quantizations: [String], ways: [Bool]
    ) -> [BenchSetting] {
        var settings: [BenchSetting] = []
        for model in models {
            for device in devices {
                for dtype in dtypes {
                    for quantize in quantizations {
                        for isExact in ways {
                            // Whole-number weights are a fast way of float32 on the CPU; there is no exact one of them.
                            if quantize != "none", isExact || dtype != "float32" || device != "cpu" { continue }
                            settings.append(BenchSetting(
                                model: model, device: device, dtype: dtype, quantize: quantize, isExact: isExact))
                        }
                    }
                }
            }
        }
        return settings.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }
}
