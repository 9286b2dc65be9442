import Chatterbox
import Foundation

/// A row of the table: medians of one setting's runs, and their relation to the machine's limits.
struct BenchRow: Encodable, Sendable {
    let label: String
    let runs: Int
    /// Seconds from the start of the process to the first sound, with and without the files in the page cache.
    let warmStart, coldStart: Spread?
    let load, voice, prefill, flow, vocoder, watermark: Spread?
    /// Seconds for one token.
    let decode: Spread?
    let firstAudio, wall: Spread?
    let audioSeconds: Double
    let speechTokens: Int
    let realTimeFactor: Spread?
    /// In bytes.
    let memoryAfterLoad, memoryPeak: Double
    let memoryPeaks: [String: Int]
    let devicePeak: Int?
    /// Peak memory of the device by stage; empty on a CPU.
    let deviceMemoryPeaks: [String: Int]
    /// The memory that a GPU's allocator keeps after its cache is released at the end.
    let deviceMemoryRest: Int?
    /// The minimal work of each stage, and the minimal seconds for it on this machine's processor.
    let costs: [String: StageCost]
    let limits: [String: Double]

    init(_ label: String, _ runs: [BenchRun], cold: [BenchRun], costs: [String: StageCost], on machine: BenchMachine?) {
        self.label = label
        self.runs = runs.count
        self.costs = costs
        limits = machine.map { machine in costs.mapValues { $0.seconds(at: machine.rates) } } ?? [:]
        warmStart = Spread(runs) { $0.startSeconds }
        coldStart = Spread(cold) { $0.startSeconds }
        load = Spread(runs) { $0.loadSeconds }
        voice = Spread(runs) { $0.voiceSeconds }
        prefill = Spread(runs) { $0.steady.prefill }
        decode = Spread(runs) { $0.steady.speechTokens > 0 ? $0.steady.decode / Double($0.steady.speechTokens) : nil }
        flow = Spread(runs) { $0.steady.flow }
        vocoder = Spread(runs) { $0.steady.vocoder }
        watermark = Spread(runs) { $0.steady.watermark }
        firstAudio = Spread(runs) { $0.steady.firstAudioSeconds }
        wall = Spread(runs) { $0.steady.wallSeconds }
        audioSeconds = runs.last?.steady.audioSeconds ?? 0
        speechTokens = runs.last?.steady.speechTokens ?? 0
        realTimeFactor = Spread(runs) { $0.steady.wallSeconds > 0 ? $0.steady.audioSeconds / $0.steady.wallSeconds : nil }
        memoryAfterLoad = Spread(runs) { Double($0.memory.afterLoad) }?.median ?? 0
        memoryPeak = Spread(runs) { Double($0.memory.peak) }?.median ?? 0
        memoryPeaks = runs.last?.memory.peaks ?? [:]
        devicePeak = runs.compactMap(\.memory.devicePeak).max()
        deviceMemoryPeaks = runs.last?.memory.devicePeaks ?? [:]
        deviceMemoryRest = runs.last?.memory.deviceRest
    }

    /// Stages with their seconds, in the order of the pipeline.
    var stages: [(name: String, spread: Spread?)] {
        [("load", load), ("voice", voice), ("prefill", prefill), ("decode", decode), ("flow", flow), ("vocoder", vocoder), ("watermark", watermark)]
    }

    /// The share of the machine's limit that a stage reaches.
    func reached(_ stage: String) -> Double? {
        guard let limit = limits[stage], let median = stages.first(where: { $0.name == stage })?.spread?.median, median > 0 else { return nil }
        return limit / median
    }
}

/// The whole measurement, as printed by `--json`.
struct BenchReport: Encodable, Sendable {
    let machine: BenchMachine
    let text: String
    let rows: [BenchRow]

    /// Upstream's rows for the same model and device: unchanged, and with the fast flow if the row has one.
    private func baselines(of row: BenchRow) -> [(heading: String, row: BenchRow)] {
        let fast = " " + BenchSetting.fastFlow
        return rows.compactMap { baseline in
            guard baseline.label.hasPrefix("upstream ") else { return nil }
            let name = baseline.label.dropFirst("upstream ".count), isFast = name.hasSuffix(fast)
            guard row.label.hasPrefix(isFast ? name.dropLast(fast.count) : name), !isFast || row.label.hasSuffix(fast) else { return nil }
            return ("  against upstream" + (isFast ? "," + fast : ""), baseline)
        }.sorted { $0.heading.count < $1.heading.count }
    }

    /// Headings and cells of the table of speed, with ratios to upstream if it was measured with the same model.
    var table: [[String]] {
        let headings = [
            "", "cold start", "warm start", "load", "voice", "prefill", "decode/token", "tokens/s", "flow", "vocoder", "watermark",
            "first audio", "audio", "real time", "memory", "device memory",
        ]
        var table = [headings]
        for row in rows {
            func cell(_ spread: Spread?, _ stage: String? = nil) -> String {
                guard let spread, spread.median > 0 else { return "–" }
                let reached = stage.flatMap(row.reached).map { " \(Int(($0 * 100).rounded())) %" } ?? ""
                return Self.seconds(spread.median) + (spread.share > 0.005 ? " ±\(Int((spread.share * 100).rounded())) %" : "")
                    + (reached.isEmpty ? "" : " [\(reached.dropFirst())]")
            }
            table.append([
                row.label, cell(row.coldStart), cell(row.warmStart), cell(row.load), cell(row.voice), cell(row.prefill, "prefill"),
                cell(row.decode, "decode"), row.decode.map { String(format: "%.1f", 1 / $0.median) } ?? "–", cell(row.flow, "flow"),
                cell(row.vocoder, "vocoder"), cell(row.watermark), cell(row.firstAudio), String(format: "%.2f s", row.audioSeconds),
                row.realTimeFactor.map { String(format: "%.2f×", $0.median) } ?? "–", Self.bytes(row.memoryPeak),
                row.devicePeak.map { Self.bytes(Double($0)) } ?? "–",
            ])
            for (heading, baseline) in baselines(of: row) { table.append(ratios(of: row, to: baseline, heading)) }
        }
        // Columns without any measurement are left out.
        let kept = headings.indices.filter { column in column == 0 || table.dropFirst().contains { !["–", ""].contains($0[column]) } }
        return table.map { row in kept.map { row[$0] } }
    }

    private func ratios(of row: BenchRow, to baseline: BenchRow, _ heading: String) -> [String] {
        func ratio(_ stage: KeyPath<BenchRow, Spread?>) -> String {
            guard let ours = row[keyPath: stage]?.median, let theirs = baseline[keyPath: stage]?.median, ours > 0, theirs > 0
            else { return "–" }
            return String(format: "%.1f times", theirs / ours)
        }
        let perSecond = row.realTimeFactor.flatMap { ours in baseline.realTimeFactor.map { ours.median / $0.median } }
        return [
            heading, ratio(\.coldStart), ratio(\.warmStart), ratio(\.load), ratio(\.voice), ratio(\.prefill),
            ratio(\.decode), "", ratio(\.flow), ratio(\.vocoder), "", ratio(\.firstAudio), "",
            perSecond.map { String(format: "%.1f times", $0) } ?? "–",
            baseline.memoryPeak > 0 ? "\(Int((row.memoryPeak / baseline.memoryPeak * 100).rounded())) %" : "–", "",
        ]
    }

    /// Memory by stage.
    var memoryTable: [[String]] {
        let stages = ["load", "voice", "T3", "flow", "vocoder"]
        let known = stages + Set(rows.flatMap(\.memoryPeaks.keys)).subtracting(stages).sorted()
        let shown = known.filter { stage in rows.contains { $0.memoryPeaks[stage] != nil || $0.deviceMemoryPeaks[stage] != nil } }
        func cells(_ peaks: [String: Int], _ stages: [String]) -> [String] {
            stages.map { peaks[$0].map { Self.bytes(Double($0)) } ?? "–" }
        }
        return [["peak memory", "after load"] + shown]
            + rows.flatMap { row in
                [[row.label, Self.bytes(row.memoryAfterLoad)] + cells(row.memoryPeaks, shown)]
                    + (row.deviceMemoryPeaks.isEmpty ? [] : [["  of the GPU", "–"] + cells(row.deviceMemoryPeaks, shown)])
            }
    }

    static func seconds(_ value: Double) -> String {
        switch value {
        case ..<0.1: String(format: "%.2f ms", value * 1e3)
        case ..<1: String(format: "%.0f ms", value * 1e3)
        default: String(format: "%.2f s", value)
        }
    }

    static func bytes(_ value: Double) -> String {
        switch value {
        case ..<1e7: String(format: "%.2f MB", value / 1e6)
        case ..<1e9: String(format: "%.0f MB", value / 1e6)
        default: String(format: "%.2f GB", value / 1e9)
        }
    }
}

/// Formats a table in columns for a terminal, or as Markdown.
enum TextTable {
    static func plain(_ rows: [[String]]) -> String { render(rows) { $0.joined(separator: "  ") } }

    static func markdown(_ rows: [[String]]) -> String {
        let lines = render(rows) { "| \($0.joined(separator: " | ")) |" }.split(separator: "\n", omittingEmptySubsequences: false)
        let rule = "|" + (rows.first ?? []).map { _ in "---|" }.joined()
        return ([String(lines[0]), rule] + lines.dropFirst().map(String.init)).joined(separator: "\n")
    }

    private static func render(_ rows: [[String]], _ line: ([String]) -> String) -> String {
        guard let columns = rows.first?.indices else { return "" }
        let widths = columns.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            line(
                columns.map { column in
                    let padding = String(repeating: " ", count: widths[column] - row[column].count)
                    return column == 0 ? row[column] + padding : padding + row[column]
                })
        }.joined(separator: "\n")
    }
}
