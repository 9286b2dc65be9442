/// A table of figures in Markdown that is also readable in a terminal.
public struct Table {
    private let headings: [String]
    private var rows: [[String]] = []

    public init(_ headings: String...) { self.headings = headings }

    public mutating func add(_ cells: String...) {
        precondition(cells.count == headings.count, "a cell for each heading")
        rows.append(cells)
    }

    /// The first column is aligned to the left, numbers to the right.
    public var text: String {
        let widths = headings.indices.map { column in ([headings] + rows).map { $0[column].count }.max()! }
        func line(_ cells: [String]) -> String {
            let padded = cells.indices.map { column in
                let gap = String(repeating: " ", count: widths[column] - cells[column].count)
                return column == 0 ? cells[column] + gap : gap + cells[column]
            }
            return "| " + padded.joined(separator: " | ") + " |"
        }
        let rule = widths.indices.map { column in
            column == 0 ? String(repeating: "-", count: widths[column]) : String(repeating: "-", count: widths[column] - 1) + ":"
        }
        return ([line(headings), line(rule)] + rows.map(line)).joined(separator: "\n")
    }

    /// A number with three significant digits.
    public static func number(_ value: Double) -> String {
        let digits = value >= 100 ? 0 : value >= 10 ? 1 : 2
        let scale = [1.0, 10, 100][digits]
        let rounded = (value * scale).rounded() / scale
        guard digits > 0 else { return String(Int(rounded)) }
        let text = String(rounded), fraction = text.split(separator: ".").last?.count ?? 0
        return text + String(repeating: "0", count: max(0, digits - fraction))
    }
}

/// Measures each benchmark and prints a row in microseconds, with the limit if there is one.
public func report(_ benchmarks: [Benchmark]) throws {
    var table = Table("operation", "µs", "limit, µs", "of the limit", "limited by")
    for benchmark in benchmarks {
        let seconds = try benchmark.median()
        table.add(
            benchmark.name, Table.number(seconds * 1e6), benchmark.limit.map { Table.number($0.seconds * 1e6) } ?? "–",
            benchmark.limit.map { "\(Int(($0.seconds / seconds * 100).rounded())) %" } ?? "–", benchmark.limit?.reason ?? "the call")
    }
    print(table.text)
}

/// Answers a measuring program line by line: for a benchmark's name on standard input, the microseconds of one call,
/// measured over `seconds`, so that two programs can take turns on one machine.
public func answer(_ benchmarks: [Benchmark], seconds: Double = 0.02) throws {
    var calls: [String: Int] = [:]
    while let name = readLine() {
        guard let benchmark = benchmarks.first(where: { $0.name == name }) else {
            print("unknown")
            continue
        }
        if calls[name] == nil { calls[name] = try benchmark.calls(in: seconds) }
        print(try benchmark.seconds(calls: calls[name]!) * 1e6)
        flush()
    }
}
