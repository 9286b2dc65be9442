import Chatterbox
import ChatterboxEvaluation
import Foundation

/// The results of `bench load`, as printed by `--json`.
struct LoadReport: Encodable {
    let machine: BenchMachine
    let model: String
    /// nil for what is not known of a server.
    let server, device, dtype, quantize: String?
    let plan: ComputePlan?
    /// The number of different voices, and of requests in each measurement.
    let voices, requests: Int
    /// Speech tokens of a request; nil for a server, where the text determines their number.
    let tokens: Int?
    private(set) var levels: [Level]
    /// The time of a step for each number of requests; empty if it was not measured.
    private(set) var steps: [Step] = []

    /// One load pattern, with the medians of its runs.
    struct Level: Encodable {
        let name: String
        /// nil for the other kind of pattern.
        let listeners: Int?
        let rate: Double?
        fileprivate(set) var runs: [LoadFigures] = []
        fileprivate(set) var firstAudioMedian, firstAudio95, realTimeFactor, leastRealTimeFactor, audioPerSecond: Spread?
        fileprivate(set) var underruns, drySeconds, refusals: Spread?
        /// The speed relative to one request after the other in the same run, and the limit by Amdahl's law.
        fileprivate(set) var speedup, limit: Spread?
        fileprivate var speedups: [Double] = [], limits: [Double] = []
        fileprivate let pattern: LoadPattern

        fileprivate init(_ pattern: LoadPattern) {
            self.pattern = pattern
            name = LoadReport.name(of: pattern)
            switch pattern {
            case .closed(let count): (listeners, rate) = (count, nil)
            case .open(let rate, _): (listeners, self.rate) = (nil, rate)
            }
        }

        private enum CodingKeys: String, CodingKey {
            case name, listeners, rate, runs, firstAudioMedian, firstAudio95, realTimeFactor, leastRealTimeFactor, audioPerSecond
            case underruns, drySeconds, refusals, speedup, limit
        }

        fileprivate mutating func add(_ figures: LoadFigures, against serial: LoadFigures, _ shareable: ShareableWork?) {
            runs.append(figures)
            speedups.append(figures.audioPerSecond / serial.audioPerSecond)
            if let shareable { limits.append(shareable.limit(requests: listeners.map { Double(min($0, figures.requests)) } ?? figures.openRequests)) }
            firstAudioMedian = Spread(runs.compactMap(\.firstAudioMedian))
            firstAudio95 = Spread(runs.compactMap(\.firstAudio95))
            realTimeFactor = Spread(runs.map(\.realTimeFactorMedian))
            leastRealTimeFactor = Spread(runs.map(\.realTimeFactorLeast))
            audioPerSecond = Spread(runs.map(\.audioPerSecond))
            underruns = Spread(runs.map { Double($0.underruns) })
            drySeconds = Spread(runs.map(\.drySeconds))
            refusals = Spread(runs.map { Double($0.refusals) })
            (speedup, limit) = (Spread(speedups), Spread(limits))
        }
    }

    struct Step: Encodable {
        let requests, adapters: Int
        fileprivate var times: [Double] = []
        fileprivate(set) var seconds: Spread?

        private enum CodingKeys: String, CodingKey { case requests, adapters, seconds }
    }

    /// The language model whose weights requests can read together; nil for a server.
    private let weights: SharedWeights?

    private struct SharedWeights {
        let t3: T3Configuration
        let quantization: Quantization
        let isGuided: Bool
        /// The number of speech tokens in the voices' prompts for T3.
        let prompt: Int

        func work(_ spoken: [SpokenRequest]) -> ShareableWork? {
            ShareableWork(spoken, of: t3, prompt: prompt, isGuided: isGuided, quantization: quantization)
        }
    }

    /// The last measurement of one request after the other.
    private var serial: (figures: LoadFigures, shareable: ShareableWork?)?

    private enum CodingKeys: String, CodingKey {
        case machine, model, server, device, dtype, quantize, plan, voices, tokens, requests, levels, steps
    }

    init(machine: BenchMachine, _ model: Model, _ speaker: SynthesizerSpeaker, requests: Int, _ patterns: [LoadPattern]) {
        self.machine = machine
        self.model = model.folder.lastPathComponent
        server = nil
        (device, dtype, quantize) = (model.device.description, model.dtype.rawValue, model.quantization.rawValue)
        plan = model.plan
        (voices, tokens, self.requests) = (speaker.voices.count, speaker.tokens, requests)
        let t3 = model.configuration.t3
        weights = SharedWeights(
            t3: t3, quantization: model.quantization, isGuided: t3.isGuided(by: model.variant.sampling),
            prompt: speaker.voices[0].conditioningTokens.size(1))
        levels = patterns.map(Level.init)
    }

    /// For a server, of whose model only the name is known.
    init(machine: BenchMachine, server: String, model: String, voices: Int, requests: Int, _ patterns: [LoadPattern]) {
        self.machine = machine
        (self.server, self.model, self.voices, self.requests) = (server, model, voices, requests)
        (device, dtype, quantize, plan, tokens, weights) = (nil, nil, nil, nil, nil, nil)
        levels = patterns.map(Level.init)
    }

    /// Adds a measurement; that of one request after the other comes first in each run.
    mutating func add(_ spoken: [SpokenRequest], _ pattern: LoadPattern) {
        let figures = LoadFigures(spoken)
        if pattern == .closed(listeners: 1) {
            serial = (figures, weights?.work(spoken))
        }
        guard let serial, let index = levels.firstIndex(where: { $0.pattern == pattern }) else {
            preconditionFailure("one after the other is measured first")
        }
        levels[index].add(figures, against: serial.figures, serial.shareable)
    }

    mutating func add(_ time: StepTime) {
        let index = steps.firstIndex { ($0.requests, $0.adapters) == (time.requests, time.adapters) } ?? steps.endIndex
        if index == steps.endIndex { steps.append(Step(requests: time.requests, adapters: time.adapters)) }
        steps[index].times.append(time.seconds)
        steps[index].seconds = Spread(steps[index].times)
    }

    // MARK: text

    static func name(of pattern: LoadPattern) -> String {
        switch pattern {
        case .closed(1): "one after the other"
        case .closed(let count): "\(count) at once"
        case .open(let rate, _): "\(rate.formatted()) a second"
        }
    }

    /// For example "turbo on cpu, T3 packed int8; …: 8 requests of 10 s in 1 voice".
    var setting: String {
        let length = tokens.map { " of \((Double($0) / 25).formatted()) s" } ?? ""
        let place = server.map { "at \($0)" } ?? "on \(device ?? ""), \(plan.map { "\($0)" } ?? "")"
        return "\(model) \(place): \(requests) request\(requests == 1 ? "" : "s")\(length) in \(voices) voice\(voices == 1 ? "" : "s")"
    }

    var table: [[String]] {
        func factor(_ spread: Spread?) -> String { spread.map { String(format: "%.2f×", $0.median) } ?? "–" }
        func seconds(_ spread: Spread?) -> String { spread.map { BenchReport.seconds($0.median) } ?? "–" }
        func speedup(_ spread: Spread?) -> String {
            factor(spread) + (spread.map { $0.share > 0.005 ? " ±\(Int(($0.share * 100).rounded())) %" : "" } ?? "")
        }
        func count(_ spread: Spread?) -> String { spread.map { String(format: "%.0f", $0.median) } ?? "–" }
        // What a server's requests share is not known, and in this process no requests are refused.
        let last = server == nil ? "limit" : "refused"
        return [
            [
                "", "first audio, half", "95 %", "real time, a request", "slowest", "all together", "ran dry", "for", "against one after the other",
                last,
            ]
        ]
            + levels.map { level in
                [
                    level.name, seconds(level.firstAudioMedian), seconds(level.firstAudio95), factor(level.realTimeFactor),
                    factor(level.leastRealTimeFactor), factor(level.audioPerSecond), count(level.underruns), seconds(level.drySeconds),
                    speedup(level.speedup), server == nil ? factor(level.limit) : count(level.refusals),
                ]
            }
    }

    var stepTable: [[String]] {
        [["requests in a step", "different adapters", "a step", "against the first"]]
            + steps.map { step in
                let ratio = step.seconds.flatMap { own in steps.first?.seconds.map { own.median / $0.median } }
                return [
                    String(step.requests), String(step.adapters), step.seconds.map { BenchReport.seconds($0.median) } ?? "–",
                    ratio.map { String(format: "%.2f×", $0) } ?? "–",
                ]
            }
    }
}
