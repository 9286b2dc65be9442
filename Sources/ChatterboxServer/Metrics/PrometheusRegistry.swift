import Foundation
import Metrics
import Synchronization

/// Collects the metrics of swift-metrics and writes them in Prometheus's text format 0.0.4.
///
/// Counters and gauges have the same kind in Prometheus; aggregating recorders and timers (in seconds) become histograms. Destroyed series are kept:
/// a counter that disappears would look like a restart of the program.
final class PrometheusRegistry: MetricsFactory {
    static let mediaType = "text/plain; version=0.0.4; charset=utf-8"

    /// A metric's help text and buckets.
    struct Description: Sendable {
        let help: String
        var buckets: [Double] = PrometheusRegistry.seconds
    }

    /// Upper bounds from a hundredth of a second to a minute.
    static let seconds = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

    private enum Kind: String { case counter, gauge, histogram }

    private struct Family {
        let kind: Kind
        /// The series, by the text of their labels.
        var series: [String: Series] = [:]
    }

    private let descriptions: [String: Description]
    private let families = Mutex<[String: Family]>([:])

    init(_ descriptions: [String: Description] = [:]) { self.descriptions = descriptions }

    /// All series, sorted by name.
    var text: String {
        let families = families.withLock(\.self)
        var lines: [String] = []
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            if let help = descriptions[name]?.help {
                lines.append("# HELP \(name) " + help.replacing("\\", with: "\\\\").replacing("\n", with: "\\n"))
            }
            lines.append("# TYPE \(name) \(family.kind.rawValue)")
            for (labels, series) in family.series.sorted(by: { $0.key < $1.key }) { lines += series.lines(name, labels) }
        }
        return lines.map { $0 + "\n" }.joined()
    }

    private func series(_ label: String, _ dimensions: [(String, String)], _ kind: Kind) -> Series {
        let name = Self.name(label)
        let labels = dimensions.map { "\(Self.name($0))=\"\(Self.escaped($1))\"" }.joined(separator: ",")
        return families.withLock { families in
            // Using a name for two kinds is a programming error; the values are kept under a second name that shows it.
            let key = families[name].map { $0.kind == kind } ?? true ? name : name + "_" + kind.rawValue
            var family = families[key] ?? Family(kind: kind)
            let series = family.series[labels] ?? Series(buckets: kind == .histogram ? descriptions[name]?.buckets ?? Self.seconds : nil)
            family.series[labels] = series
            families[key] = family
            return series
        }
    }

    /// Sets a histogram from values that were counted elsewhere: how often each value has occurred.
    func set(_ label: String, _ counts: [Int: Int]) { series(label, [], .histogram).set(counts) }

    /// Letters, digits and underscores, not beginning with a digit.
    private static func name(_ label: String) -> String {
        let name = String(label.map { $0.isASCII && ($0.isLetter || $0.isNumber) || $0 == "_" ? $0 : "_" })
        return name.first?.isNumber == true ? "_" + name : name
    }

    private static func escaped(_ value: String) -> String {
        value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }

    // MARK: swift-metrics

    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler { series(label, dimensions, .counter) }
    func makeFloatingPointCounter(label: String, dimensions: [(String, String)]) -> any FloatingPointCounterHandler {
        series(label, dimensions, .counter)
    }
    func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler { series(label, dimensions, .gauge) }
    func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        series(label, dimensions, aggregate ? .histogram : .gauge)
    }
    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler { series(label, dimensions, .histogram) }

    func destroyCounter(_ handler: any CounterHandler) {}
    func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    func destroyMeter(_ handler: any MeterHandler) {}
    func destroyRecorder(_ handler: any RecorderHandler) {}
    func destroyTimer(_ handler: any TimerHandler) {}
}

/// One series: an increasing sum, a value, or counts for each bucket.
private final class Series: CounterHandler, FloatingPointCounterHandler, MeterHandler, RecorderHandler, TimerHandler {
    private struct State {
        var value = 0.0
        /// For a histogram: the number of values up to each bound, and of all values.
        var counts: [Int]
        var count = 0
    }

    private let buckets: [Double]?
    private let state: Mutex<State>

    init(buckets: [Double]?) {
        self.buckets = buckets
        state = Mutex(State(counts: Array(repeating: 0, count: buckets?.count ?? 0)))
    }

    func increment(by amount: Int64) { add(Double(amount)) }
    func increment(by amount: Double) { add(amount) }
    func decrement(by amount: Double) { add(-amount) }
    func reset() { state.withLock { $0.value = 0 } }
    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { state.withLock { $0.value = value } }
    func record(_ value: Int64) { record(Double(value)) }
    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

    func record(_ value: Double) {
        guard let buckets else { return set(value) }
        state.withLock { state in
            state.value += value
            state.count += 1
            for (index, bound) in buckets.enumerated() where value <= bound { state.counts[index] += 1 }
        }
    }

    func set(_ counts: [Int: Int]) {
        guard let buckets else { return }
        state.withLock { state in
            state.value = counts.reduce(0) { $0 + Double($1.key * $1.value) }
            state.count = counts.values.reduce(0, +)
            state.counts = buckets.map { bound in counts.reduce(0) { $0 + (Double($1.key) <= bound ? $1.value : 0) } }
        }
    }

    private func add(_ amount: Double) { state.withLock { $0.value += amount } }

    func lines(_ name: String, _ labels: String) -> [String] {
        let state = state.withLock(\.self)
        func line(_ suffix: String, _ value: Double, _ bound: String? = nil) -> String {
            let all = [labels, bound.map { "le=\"\($0)\"" } ?? ""].filter { !$0.isEmpty }.joined(separator: ",")
            return "\(name)\(suffix)\(all.isEmpty ? "" : "{\(all)}") \(JSON.number(value).text)"
        }
        guard let buckets else { return [line("", state.value)] }
        return zip(buckets, state.counts).map { line("_bucket", Double($1), JSON.number($0).text) }
            + [line("_bucket", Double(state.count), "+Inf"), line("_sum", state.value), line("_count", Double(state.count))]
    }
}
