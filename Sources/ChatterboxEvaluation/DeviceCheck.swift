import Chatterbox
import Foundation
import Torch

/// Runs every stage of the pipeline with small random networks on a device, with every arithmetic that the device supports, and compares the
/// results with the exact path in float32 on the CPU.
///
/// ```swift
/// let report = try DeviceCheck(device: .cuda()).run()
/// print(report.failures)
/// ```
public struct DeviceCheck: Sendable {
    public let device: Device
    public let size: CheckSize
    let arithmetics: [CheckedArithmetic]
    let stages: [CheckStage]

    public init(device: Device, size: CheckSize = .small) {
        let stages = CheckStage.all.filter { device.isCUDA || !$0.isForGPU }
        self.init(device: device, size: size, arithmetics: CheckedArithmetic.offered(by: device), stages: stages)
    }

    init(device: Device, size: CheckSize, arithmetics: [CheckedArithmetic], stages: [CheckStage]) {
        (self.device, self.size, self.arithmetics, self.stages) = (device, size, arithmetics, stages)
    }

    /// Runs the check. A stage that fails is in the report and does not stop the others.
    ///
    /// - Parameter onProgress: called before each stage with its name.
    /// - Throws: errors of the exact path, since then nothing can be compared; `CancellationError` between two stages.
    public func run(onProgress: (String) -> Void = { _ in }) throws -> CheckReport {
        try withoutGradients {
            var report = CheckReport(device: "\(device)", size: size)
            for kind in CheckModel.Kind.allCases {
                if let lack = lackOfMemory {
                    report.results += arithmetics.map { skipped(kind.rawValue, $0, lack) }
                    continue
                }
                onProgress("\(kind.rawValue): the exact path")
                try add(CheckModel(kind, size: size), to: &report, onProgress)
            }
            return report
        }
    }

    private func add(_ model: CheckModel, to report: inout CheckReport, _ onProgress: (String) -> Void) throws {
        let exact = try model.exactNetworks()
        let inputs = try CheckInputs(model.configuration, exact: exact)
        var expected: [String: Tensor] = [:]
        var results: [CheckResult] = []
        // Stage by stage, in every arithmetic that the stage supports.
        defer {
            let order = Dictionary(uniqueKeysWithValues: stages.enumerated().map { ($1.name, $0) })
            report.results += results.enumerated().sorted { (order[$0.element.stage] ?? -1, $0.offset) < (order[$1.element.stage] ?? -1, $1.offset) }
                .map(\.element)
        }
        let before = Libtorch.allowsTF32
        defer { if device.isCUDA { try? Libtorch.setAllowsTF32(before) } }
        for arithmetic in arithmetics {
            if device.isCUDA { try Libtorch.setAllowsTF32(arithmetic == .tf32) }
            let networks: CheckNetworks
            do {
                networks = try model.networks(on: device, arithmetic)
            } catch let error as TorchError where error.kind == .outOfMemory {
                results.append(skipped(model.name, arithmetic, "\(device) has not enough memory for the weights"))
                continue
            } catch {
                results.append(
                    CheckResult(
                        model: model.name, stage: "weights", arithmetic: arithmetic, error: nil, bound: arithmetic.bound, outcome: .failed,
                        reason: "\(error)", seconds: 0))
                continue
            }
            for stage in stages where stage.arithmetics.contains(arithmetic) {
                try Task.checkCancellation()
                onProgress("\(model.name), \(arithmetic.rawValue): \(stage.name)")
                let known = try expected[stage.name] ?? stage.compute(exact, inputs).to(.float32)
                expected[stage.name] = known
                results.append(try result(of: stage, arithmetic, model.name, networks, inputs, expected: known))
            }
        }
        report.attention += try findings(model.configuration, model.name, inputs)
    }

    private func result(
        of stage: CheckStage, _ arithmetic: CheckedArithmetic, _ model: String, _ networks: CheckNetworks, _ inputs: CheckInputs, expected: Tensor
    ) throws -> CheckResult {
        let clock = ContinuousClock(), start = clock.now
        func result(_ error: Double?, _ outcome: CheckResult.Outcome, _ reason: String? = nil) -> CheckResult {
            CheckResult(
                model: model, stage: stage.name, arithmetic: arithmetic, error: error, bound: stage.bound(in: arithmetic), outcome: outcome,
                reason: reason, seconds: (clock.now - start) / .seconds(1))
        }
        do {
            let found = try stage.compute(networks, inputs).to(.float32).to(.cpu)
            guard found.shape == expected.shape else {
                return result(nil, .failed, "its result has the shape \(found.shape), expected \(expected.shape)")
            }
            guard let error = try found.error(against: expected) else { return result(nil, .failed, "its result is not finite") }
            let bound = stage.bound(in: arithmetic)
            return error <= bound ? result(error, .passed) : result(error, .failed, "its error is above the bound")
        } catch let error as CancellationError {
            throw error
        } catch {
            return result(nil, .failed, "\(error)")
        }
    }

    /// Which kernels compute the attention of each network.
    private func findings(_ configuration: ModelConfiguration, _ model: String, _ inputs: CheckInputs) throws -> [AttentionFinding] {
        let prompt = inputs.voice.conditioningTokens.size(1)
        let shapes = AttentionShape.all(
            configuration, prefix: configuration.t3.prefixLength(text: inputs.text.count, prompt: prompt), speech: inputs.tokens.count,
            promptTokens: prompt)
        var findings: [AttentionFinding] = []
        for dtype in [DType.float32, .bfloat16, .float16] where arithmetics.contains(where: { $0.dtype == dtype }) {
            for shape in shapes where shape.isT3 || dtype == .float32 {
                findings.append(try shape.finding(for: model, dtype: dtype, device: device))
            }
        }
        return findings
    }

    private func skipped(_ model: String, _ arithmetic: CheckedArithmetic, _ reason: String) -> CheckResult {
        CheckResult(
            model: model, stage: "all stages", arithmetic: arithmetic, error: nil, bound: arithmetic.bound, outcome: .skipped, reason: reason,
            seconds: 0)
    }

    /// Why the machine's memory is not sufficient for the models; nil if it is.
    private var lackOfMemory: String? {
        guard size.memory > 0, let available = Memory.available, available < size.memory else { return nil }
        return "it takes \(size.memory >> 30) GB of memory, of which \(available >> 30) GB are available"
    }
}
