/// An operation to be timed, and a lower limit of its time.
public struct Benchmark {
    public let name: String
    /// Nil if there is no known limit.
    public let limit: Limit?
    private let body: () throws -> Void

    public init(_ name: String, limit: Limit? = nil, _ body: @escaping () throws -> Void) {
        (self.name, self.limit, self.body) = (name, limit, body)
    }

    /// Seconds of one call, the mean of so many in a row.
    public func seconds(calls: Int) throws -> Double {
        let clock = ContinuousClock()
        let start = clock.now
        for _ in 0..<calls { try body() }
        return (clock.now - start) / .seconds(1) / Double(calls)
    }

    /// The number of calls that together take about `seconds`, found by trying.
    public func calls(in seconds: Double) throws -> Int {
        var calls = 1
        while true {
            let spent = try self.seconds(calls: calls) * Double(calls)
            if spent > seconds / 4 { return max(1, Int(Double(calls) * seconds / spent)) }
            calls *= 4
        }
    }

    /// The median over rounds of about `seconds` each, in seconds a call.
    public func median(rounds: Int = 15, seconds: Double = 0.02) throws -> Double {
        let calls = try calls(in: seconds)
        return Benchmark.median(try (0..<rounds).map { _ in try self.seconds(calls: calls) })
    }

    public static func median(_ values: [Double]) -> Double {
        let ordered = values.sorted()
        let middle = ordered.count / 2
        return ordered.count % 2 == 1 ? ordered[middle] : (ordered[middle - 1] + ordered[middle]) / 2
    }
}

/// The least time in which a machine can do something, such as reading so many bytes.
public struct Limit: Sendable {
    /// Seconds of one call.
    public let seconds: Double
    /// In words: "4.2 MB at 32 GB/s".
    public let reason: String

    public init(seconds: Double, reason: String) { (self.seconds, self.reason) = (seconds, reason) }

    /// Transfer of bytes at a bandwidth, in bytes a second.
    public static func bytes(_ count: Int, bandwidth: Double) -> Limit {
        Limit(seconds: Double(count) / bandwidth, reason: "\(tidy(Double(count) / 1e6)) MB at \(tidy(bandwidth / 1e9)) GB/s")
    }

    /// Arithmetic at a rate, in operations a second.
    public static func operations(_ count: Int, rate: Double) -> Limit {
        Limit(seconds: Double(count) / rate, reason: "\(tidy(Double(count) / 1e6)) MFLOP at \(tidy(rate / 1e9)) GFLOP/s")
    }

    private static func tidy(_ value: Double) -> String { value >= 100 ? "\(Int(value.rounded()))" : "\((value * 100).rounded() / 100)" }
}
