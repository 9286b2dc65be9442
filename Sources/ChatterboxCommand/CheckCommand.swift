import ArgumentParser
import Chatterbox
import ChatterboxEvaluation
import ChatterboxModels
import Foundation
import Torch

struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check that this machine computes speech correctly, and report what it can use.",
        discussion: """
            Every part of the pipeline runs with small random networks on the device, with every arithmetic that the device supports, and \
            is compared with the exact path in float32 on the CPU. The table shows the largest error, divided by the largest value. The \
            exit status is 1 if an error exceeds its bound.

            Examples:
              chatterbox check
              chatterbox check --device cuda --full --json
            """)

    @Option(
        help: ArgumentHelp("What to check: cpu, cuda, cuda:1, …, or auto: an NVIDIA GPU where one can be used, else the CPU.", valueName: "device"))
    var device = "auto"
    @Flag(help: "Check networks of full size as well, as far as memory allows: up to 9 GB, and minutes on a CPU.")
    var full = false
    @Flag(help: "Print a JSON object.")
    var json = false
    @OptionGroup var progress: ProgressArguments

    func run() async throws {
        let machine = MachineDescription()
        if !json { try StandardOutput.print(machine.lines.joined(separator: "\n")) }
        let device = try Device(device)
        let models = UserFolders().modelLocator.models.map { ModelPlan($0, device) }
        if !json, !models.isEmpty {
            try StandardOutput.print(models.map(\.line).joined(separator: "\n"))
        }
        let display = progress.display
        defer { display.clear() }
        let sizes: [CheckSize] = full ? [.small, .full] : [.small]
        let reports = try sizes.map { size in
            try DeviceCheck(device: device, size: size).run { display.begin("Checking \($0)") }
        }
        display.clear()
        if json {
            try StandardOutput.print(json: Findings(machine: machine, models: models, checks: reports))
        } else {
            for report in reports { try StandardOutput.print("\n" + CheckTable(report).text) }
        }
        let failures = reports.flatMap(\.failures)
        if !failures.isEmpty { throw CheckFailed(device: device, names: failures) }
    }

    /// The object printed by `--json`.
    private struct Findings: Encodable {
        let machine: MachineDescription
        let models: [ModelPlan]
        let checks: [CheckReport]
    }

    /// An installed model, and which code computes it with default options.
    private struct ModelPlan: Encodable {
        let name, folder: String
        let plan: ComputePlan?
        /// Why the model cannot be loaded.
        let problem: String?

        init(_ folder: URL, _ device: Device) {
            name = folder.lastPathComponent
            self.folder = folder.path
            do {
                _ = try Model.configuration(of: folder)
                (plan, problem) = (ComputePlan(device: device), nil)
            } catch {
                (plan, problem) = (nil, "\(error)")
            }
        }

        var line: String { "model \(name): \(plan?.description ?? problem ?? "")" }
    }
}

/// A report in tables for a person.
struct CheckTable {
    let report: CheckReport

    init(_ report: CheckReport) { self.report = report }

    var text: String {
        let passed = report.results.count { $0.outcome == .passed }, all = report.results.count
        var parts = [TextTable.plain(errors)]
        let reasons = report.results.filter { $0.outcome != .passed }.map { "\($0.name): \($0.outcome.rawValue), \($0.reason ?? "")" }
        if !reasons.isEmpty { parts.append(reasons.joined(separator: "\n")) }
        if !report.attention.isEmpty { parts.append(TextTable.plain(attention)) }
        let problems = report.attention.compactMap { finding in finding.problem.map { "\(finding.name) of \(finding.model): \($0)" } }
        if !problems.isEmpty { parts.append(problems.joined(separator: "\n")) }
        parts.append("\(report.device), \(report.size.rawValue) networks: \(passed) of \(all) results are within their bounds")
        return parts.joined(separator: "\n\n")
    }

    /// A row for each stage of each model, a column for each arithmetic.
    private var errors: [[String]] {
        let arithmetics = CheckedArithmetic.allCases.filter { arithmetic in report.results.contains { $0.arithmetic == arithmetic } }
        var rows: [(key: String, cells: [String])] = []
        for result in report.results where !rows.contains(where: { $0.key == result.model + result.stage }) {
            let cells = arithmetics.map { arithmetic in
                report.results.first { $0.arithmetic == arithmetic && $0.model == result.model && $0.stage == result.stage }.map(cell) ?? "–"
            }
            rows.append((result.model + result.stage, ["\(result.model): \(result.stage)"] + cells))
        }
        let bounds = ["bound"] + arithmetics.map { String(format: "%.0e", $0.bound) }
        return [["largest error"] + arithmetics.map(\.rawValue), bounds] + rows.map(\.cells)
    }

    private func cell(_ result: CheckResult) -> String {
        let error = result.error.map { String(format: "%.1e", $0) } ?? ""
        return switch result.outcome {
        case .passed: error
        case .failed: (error + " FAILED").trimmingCharacters(in: .whitespaces)
        case .skipped: "skipped"
        }
    }

    private var attention: [[String]] {
        [["attention", "type", "queries", "keys", "mask", "kernel"]]
            + report.attention.map {
                [
                    "\($0.model): \($0.name)", $0.dtype.rawValue, "\($0.query)", "\($0.keys)", $0.isMasked ? "yes" : "no",
                    $0.backend.rawValue + ($0.problem == nil ? "" : " !"),
                ]
            }
    }
}

/// A stage whose result is wrong.
struct CheckFailed: Error, CustomStringConvertible {
    let device: Device
    let names: [String]

    var description: String {
        "\(device) computes wrong results: \(names.joined(separator: ", ")). The table shows the errors"
    }
}
