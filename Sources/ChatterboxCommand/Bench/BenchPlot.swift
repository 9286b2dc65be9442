import Foundation

/// A bar chart of the time of each stage: for each row the seconds for a second of speech, stage by stage, with the machine's limit as a dark part of
/// each bar.
enum BenchPlot {
    private static let stages: [(name: String, colour: String)] = [
        ("prefill", "#9ecae1"), ("decode", "#3182bd"), ("flow", "#fd8d3c"), ("vocoder", "#74c476"), ("watermark", "#bcbddc"),
    ]

    static func svg(_ report: BenchReport) -> String {
        let (left, width, height, gap) = (260.0, 620.0, 26.0, 14.0)
        let rows = report.rows.map { row in (row: row, parts: parts(of: row)) }
        let longest = max(rows.map { $0.parts.map(\.seconds).reduce(0, +) }.max() ?? 1, 1e-9)
        let scale = width / longest
        var shapes: [String] = []
        for (index, entry) in rows.enumerated() {
            let top = 60 + Double(index) * (height + gap)
            shapes.append(#"<text x="\#(left - 10)" y="\#(top + 18)" text-anchor="end">\#(escaped(entry.row.label))</text>"#)
            var x = left
            for part in entry.parts {
                shapes.append(
                    rectangle(
                        x, top, part.seconds * scale, height, part.colour, "\(part.name): \(BenchReport.seconds(part.seconds)) a second of speech"))
                if let limit = part.limit {
                    shapes.append(
                        rectangle(
                            x, top + height - 5, min(limit, part.seconds) * scale, 5, "#222222",
                            "limit of this machine: \(BenchReport.seconds(limit))"))
                }
                x += part.seconds * scale
            }
            let total = entry.parts.map(\.seconds).reduce(0, +)
            shapes.append(#"<text x="\#(x + 6)" y="\#(top + 18)">\#(BenchReport.seconds(total))</text>"#)
        }
        let real = left + scale
        let bottom = 60 + Double(rows.count) * (height + gap)
        if real < left + width {
            shapes.append(#"<line x1="\#(real)" y1="52" x2="\#(real)" y2="\#(bottom)" stroke="red" stroke-dasharray="4 3"/>"#)
            shapes.append(#"<text x="\#(real)" y="\#(bottom + 14)" text-anchor="middle" fill="red">real time</text>"#)
        }
        for (index, stage) in stages.enumerated() {
            let x = left + Double(index) * 105
            shapes.append(rectangle(x, 30, 12, 12, stage.colour, stage.name) + #"<text x="\#(x + 17)" y="41">\#(stage.name)</text>"#)
        }
        return """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(left + width + 90)" height="\(bottom + 30)" font-family="sans-serif" font-size="13">
            <rect width="100%" height="100%" fill="white"/>
            <text x="10" y="20" font-weight="bold">Seconds for a second of speech — \(escaped(report.machine.sentence))</text>
            \(shapes.joined(separator: "\n"))
            </svg>

            """
    }

    private static func parts(of row: BenchRow) -> [(name: String, colour: String, seconds: Double, limit: Double?)] {
        guard row.audioSeconds > 0 else { return [] }
        return stages.compactMap { stage in
            guard let spread = row.stages.first(where: { $0.name == stage.name })?.spread, spread.median > 0 else { return nil }
            let times = stage.name == "decode" ? Double(row.speechTokens) : 1
            return (stage.name, stage.colour, spread.median * times / row.audioSeconds, row.limits[stage.name].map { $0 * times / row.audioSeconds })
        }
    }

    private static func rectangle(_ x: Double, _ y: Double, _ width: Double, _ height: Double, _ colour: String, _ title: String) -> String {
        #"<rect x="\#(x)" y="\#(y)" width="\#(max(0, width))" height="\#(height)" fill="\#(colour)"><title>\#(escaped(title))</title></rect>"#
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }
}
