import FileSupport
import Foundation
import SpeechText

/// The results of a training as a page: figures, curves, samples to listen to, and the recordings that were refused.
struct FineTuningReport {
    private let training: FineTuning
    private let result: FineTuning.Result
    private let checked: RecordingCheck.Result
    private let split: RecordingSplit
    private let list: RecordingList
    private let sampler: Sampler

    init(
        _ training: FineTuning, _ result: FineTuning.Result, _ checked: RecordingCheck.Result, _ split: RecordingSplit, _ list: RecordingList,
        _ sampler: Sampler
    ) {
        (self.training, self.result, self.checked, self.split, self.list, self.sampler) = (training, result, checked, split, list, sampler)
    }

    /// - Throws: `CocoaError`; what reading the losses throws.
    func write(to url: URL) throws { try Data(html().utf8).write(to: url, options: .atomic) }

    private func html() throws -> String {
        """
        <!DOCTYPE html>
        <html lang="en"><head><meta charset="utf-8"><title>Training of \(escaped(training.output.lastPathComponent))</title>
        <style>
        body { font: 16px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; color: #222; }
        table { border-collapse: collapse; } td, th { padding: .2em .8em; border-bottom: 1px solid #ddd; text-align: left; vertical-align: middle; }
        audio { height: 2em; } code { background: #f3f3f3; }
        </style></head><body>
        <h1>\(escaped(training.output.lastPathComponent))</h1>
        <p>\(training.writesModel ? "A model of" : "Adapters of") \(escaped(training.model.variant.title)), trained on \(split.training.count) recordings of \(escaped(list.source.lastPathComponent)),
        \(number(checked.seconds / 60, 1)) minutes with the \(split.validation.count) that training was judged by.</p>
        <p>Speak with it: <code>\(escaped(command))</code></p>
        \(figures())
        \(try curves())
        \(samples())
        \(refusals())
        </body></html>

        """
    }

    private var command: String {
        let voice = "--voice \(training.folder.lastPathComponent)/reference.wav"
        guard !training.writesModel else { return "chatterbox say \"…\" --model \(training.output.lastPathComponent) \(voice)" }
        let adapters = result.parts.map { "--adapter \($0.file.lastPathComponent)" }.joined(separator: " ")
        return "chatterbox say \"…\" --model \(training.model.variant.name) \(adapters) \(voice)"
    }

    private func figures() -> String {
        let rows = result.parts.map { part in
            "<tr><td>\(part.part == .t3 ? "T3 (text to speech tokens)" : "flow (speech tokens to mel)")</td><td>\(number(Double(part.parameters) / 1e6, 2)) M</td>"
                + "<td>\(part.steps)\(part.stoppedEarly ? ", then validation no longer improved" : "")</td><td>\(part.bestStep)</td>"
                + "<td>\(number(part.before, 4))</td><td>\(number(part.after, 4))</td></tr>"
        }
        let similarity =
            result.similarity.map {
                "<p>Similarity to validation recordings, by the model's own voice encoder (1 is the same voice): "
                    + "before \(number($0.before, 3)), after \(number($0.after, 3)), between recordings \(number($0.between, 3)). "
                    + "An encoder that was not used in training would be more reliable.</p>"
            } ?? "<p>There is no speech to compare.</p>"
        return
            "<h2>Figures</h2><table><tr><th>network</th><th>numbers</th><th>steps</th><th>best at</th><th>validation before</th><th>after</th></tr>"
            + rows.joined() + "</table>" + similarity + words()
    }

    private func words() -> String {
        guard let errors = result.wordErrors else { return "<p>Word errors were not counted: no recogniser was given.</p>" }
        func share(_ errors: WordErrors) -> String { "\(number(errors.percent, 1)) % (\(errors.wrong) of \(errors.words))" }
        return
            "<p>Word errors by <code>\(escaped(training.recogniser?.command ?? ""))</code> in \(sampler.compared.count) validation sentences: "
            + "before \(share(errors.before)), after \(share(errors.after)), in the recordings \(share(errors.recordings)).</p>"
    }

    private func curves() throws -> String {
        try "<h2>Losses</h2>"
            + result.parts.map { part in
                let file = training.folder.appending(path: part.part.rawValue).appending(path: "losses.csv")
                let name = part.part == .t3 ? "speech" : "flow"
                let points = try LossCurves(file)
                return "<h3>\(part.part == .t3 ? "T3: cross-entropy of speech tokens, in nats" : "Flow: mean squared error of the velocity")</h3>"
                    + points.svg([(name, "training", "#9ecae1"), ("held out \(name)", "validation", "#d94801")], best: part.bestStep)
            }.joined()
    }

    private func samples() -> String {
        func player(_ name: String) -> String {
            FileManager.default.fileExists(atPath: training.folder.appending(path: "samples/\(name)").path)
                ? "<audio controls preload=\"none\" src=\"samples/\(name)\"></audio>" : "no sound"
        }
        let rows = sampler.compared.enumerated().map { index, sentence in
            let names = Sampler.names(index + 1)
            return
                "<tr><td>\(escaped(sentence.entry.text))</td><td>\(player(names.recording))</td><td>\(player(names.before))</td><td>\(player(names.after))</td></tr>"
        }
        return "<h2>Validation sentences</h2><table><tr><th></th><th>recording</th><th>before</th><th>after</th></tr>" + rows.joined()
            + "</table>"
    }

    private func refusals() -> String {
        let notes = checked.accepted.filter { !$0.notes.isEmpty }
        let refused = checked.refusals.map { "<li>\(escaped($0.place.shown())): \(escaped($0.reason.shown(limit: 300)))</li>" }.joined()
        let noted = notes.map { "<li>\(escaped($0.entry.place.shown())): \(escaped($0.notes.joined(separator: "; ")))</li>" }.joined()
        return (refused.isEmpty ? "" : "<h2>Refused</h2><ul>\(refused)</ul>") + (noted.isEmpty ? "" : "<h2>Noted</h2><ul>\(noted)</ul>")
    }

    private func number(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }
}

/// Figures of a training's `losses.csv` by their names.
struct LossCurves {
    private let points: [String: [(step: Double, value: Double)]]

    /// - Throws: `CocoaError` if there is no such file.
    init(_ file: URL) throws {
        var points: [String: [(step: Double, value: Double)]] = [:]
        for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n").dropFirst() {
            let fields = line.split(separator: ",", omittingEmptySubsequences: false)
            guard fields.count == 4, let step = Double(fields[0]), let value = Double(fields[3]), value.isFinite else { continue }
            points[String(fields[2]), default: []].append((step, value))
        }
        self.points = points
    }

    /// A drawing of some of them.
    func svg(_ curves: [(metric: String, label: String, colour: String)], best: Int) -> String {
        let (width, height, left, bottom) = (720.0, 260.0, 60.0, 30.0)
        let all = curves.flatMap { points[$0.metric] ?? [] }
        guard let low = all.map(\.value).min(), let high = all.map(\.value).max(), let last = all.map(\.step).max() else {
            return "<p>No figures.</p>"
        }
        let span = max(high - low, 1e-9), steps = max(last, 1)
        func x(_ step: Double) -> Double { left + (width - left - 10) * step / steps }
        func y(_ value: Double) -> Double { 10 + (height - bottom - 10) * (high - value) / span }
        func text(_ x: Double, _ y: Double, _ text: String, _ anchor: String, _ colour: String = "#555") -> String {
            String(
                format: "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%@\" fill=\"%@\" font-size=\"12\">%@</text>", x, y, anchor, colour, escaped(text))
        }
        var shapes: [String] = []
        for part in 0...4 {
            let value = low + span * Double(part) / 4
            shapes.append(
                String(format: "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#eee\"/>", left, width - 10, y(value), y(value)))
            shapes.append(text(left - 6, y(value) + 4, String(format: "%.3g", value), "end"))
            shapes.append(text(x(steps * Double(part) / 4), height - 10, "\(Int(steps * Double(part) / 4))", "middle"))
        }
        shapes.append(
            String(
                format: "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"10\" y2=\"%.1f\" stroke=\"#bbb\" stroke-dasharray=\"4 3\"/>", x(Double(best)),
                x(Double(best)),
                height - bottom))
        for (index, curve) in curves.enumerated() {
            let line = (points[curve.metric] ?? []).map { String(format: "%.1f,%.1f", x($0.step), y($0.value)) }.joined(separator: " ")
            shapes.append("<polyline points=\"\(line)\" fill=\"none\" stroke=\"\(curve.colour)\" stroke-width=\"2\"/>")
            shapes.append(text(width - 10, 24 + 16 * Double(index), curve.label, "end", curve.colour))
        }
        return "<svg viewBox=\"0 0 \(Int(width)) \(Int(height))\" width=\"\(Int(width))\" role=\"img\">\(shapes.joined())</svg>"
    }
}

private func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;").replacing("\"", with: "&quot;")
}
