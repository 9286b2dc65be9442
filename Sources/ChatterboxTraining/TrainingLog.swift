import Foundation

/// Progress as lines for people and a CSV file for curves.
///
/// The CSV has the columns `step,seconds,metric,value`; a training figure is the mean since the previous line. Continuing
/// from a checkpoint removes lines of steps that will be done again.
final class TrainingLog {
    private let url: URL
    private let steps: Int
    private let print: (String) -> Void
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private let secondsBefore: Double
    private var mark: (time: ContinuousClock.Instant, step: Int)
    private var sums: [(name: String, sum: Double, count: Int)] = []

    init(_ url: URL, from step: Int, steps: Int, print: @escaping (String) -> Void) throws {
        self.url = url
        self.steps = steps
        self.print = print
        start = clock.now
        mark = (start, step)
        var lines = ["step,seconds,metric,value"]
        if step > 0, let text = try? String(contentsOf: url, encoding: .utf8) {
            lines += text.split(separator: "\n").dropFirst().map(String.init).filter {
                $0.split(separator: ",").first.flatMap { Int($0) }.map { $0 <= step } ?? false
            }
        }
        secondsBefore = lines.last?.split(separator: ",").dropFirst().first.flatMap { Double($0) } ?? 0
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: url, options: .atomic)
    }

    /// Adds a step's figures to the means.
    func add(_ metrics: [TrainingMetric]) {
        for metric in metrics {
            if let index = sums.firstIndex(where: { $0.name == metric.name }) {
                sums[index].sum += metric.value
                sums[index].count += 1
            } else {
                sums.append((metric.name, metric.value, 1))
            }
        }
    }

    /// Seconds since the last line.
    var secondsSinceLine: Double { (clock.now - mark.time) / .seconds(1) }

    /// Writes the means since the last line; `step` steps are done.
    func line(step: Int) throws {
        let now = clock.now
        let speed = Double(step - mark.step) / max(1e-9, (now - mark.time) / .seconds(1))
        let means = sums.map { TrainingMetric($0.name, $0.sum / Double($0.count)) }
        let left = speed > 0 ? Double(steps - step) / speed : 0
        print("step \(step) of \(steps)  \(Self.text(means))  \(Self.number(speed)) steps/s, \(Self.duration(left)) left")
        try append(step, means)
        sums = []
        mark = (now, step)
    }

    /// Writes figures over held-out examples.
    func validation(step: Int, _ metrics: [TrainingMetric]) throws {
        guard !metrics.isEmpty else { return }
        print("step \(step) held out  \(Self.text(metrics))")
        try append(step, metrics.map { TrainingMetric("held out \($0.name)", $0.value) })
    }

    private func append(_ step: Int, _ metrics: [TrainingMetric]) throws {
        let seconds = secondsBefore + (clock.now - start) / .seconds(1)
        let text = metrics.map { "\(step),\(Self.number(seconds)),\($0.name),\($0.value)\n" }.joined()
        let file = try FileHandle(forWritingTo: url)
        defer { try? file.close() }
        try file.seekToEnd()
        try file.write(contentsOf: Data(text.utf8))
    }

    private static func text(_ metrics: [TrainingMetric]) -> String {
        metrics.map { "\($0.name) \(number($0.value))" }.joined(separator: "  ")
    }

    private static func number(_ value: Double) -> String {
        String(format: abs(value) >= 100 ? "%.0f" : abs(value) >= 1 ? "%.2f" : "%.4f", value)
    }

    private static func duration(_ seconds: Double) -> String {
        seconds < 90 ? "\(Int(seconds)) s" : seconds < 5400 ? "\(Int(seconds / 60)) min" : String(format: "%.1f h", seconds / 3600)
    }
}
