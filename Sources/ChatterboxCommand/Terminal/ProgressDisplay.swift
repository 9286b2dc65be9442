import ArgumentParser
import Chatterbox
import Foundation
import Synchronization

/// The program's progress on standard error: a bar on a terminal, otherwise a line for each step.
final class ProgressDisplay: Sendable {
    enum Style: Sendable { case bar, lines, silent }

    let style: Style
    private let state = Mutex(State())

    private struct State {
        var speech = SpeechShare()
        var drawn: ContinuousClock.Instant?
        var reported = 0
        var warned: Set<SpeechWarning> = []
        /// Whether the bar is in the terminal's last line.
        var isOnScreen = false
    }

    init(_ style: Style) { self.style = style }

    /// Shows the beginning of a step.
    func begin(_ step: String) {
        switch style {
        case .bar: state.withLock { draw("\(step) …", &$0) }
        case .lines: StandardError.print(step)
        case .silent: break
        }
    }

    /// Shows the progress of speaking.
    func show(_ progress: SpeechProgress) {
        guard style != .silent else { return }
        state.withLock { state in
            state.speech.advance(progress)
            switch style {
            case .bar:
                let now = ContinuousClock.now
                if let drawn = state.drawn, now - drawn < .milliseconds(100) { return }
                state.drawn = now
                draw(state.speech.bar(columns: StandardError.columns), &state)
            case .lines: line(progress, &state)
            case .silent: break
            }
        }
    }

    /// Prints information that requires no action.
    func note(_ line: String) {
        guard style != .silent else { return }
        clear()
        StandardError.print("Note: \(line)")
    }

    /// Kinds of warnings that report nothing wrong, such as a voice that was made again from its recording.
    private static let notes: Set<SpeechWarning.Kind> = [.remadeVoice, .recording, .language, .codeLeftOut, .redrawn]

    /// Prints the warnings about the speech, each only once.
    func warn(_ warnings: [SpeechWarning]) {
        guard style != .silent else { return }
        for warning in warnings where state.withLock({ $0.warned.insert(warning).inserted }) {
            clear()
            StandardError.print("\(Self.notes.contains(warning.kind) ? "Note" : "warning"): \(Remedy.sentence(warning))")
        }
    }

    /// Prints the last line in place of the bar.
    func finish(_ line: String) {
        guard style != .silent else { return }
        clear()
        StandardError.print(line)
    }

    /// Removes the bar, before another message.
    func clear() {
        state.withLock { state in
            if state.isOnScreen { StandardError.write("\r\u{1B}[K") }
            state.isOnScreen = false
        }
    }

    private func line(_ progress: SpeechProgress, _ state: inout State) {
        switch progress {
        case .piece(let number, let count, let text):
            state.reported = 0
            let place = count > 1 ? " \(number)/\(count)" : ""
            let line = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            StandardError.print("Speaking\(place): \(line.count > 60 ? line.prefix(59) + "…" : line[...])")
        case .tokens(let count):
            guard count >= state.reported + 250 else { return }
            state.reported = count
            StandardError.print("  \(count) tokens, \(count / 25) s of speech")
        case .flow(step: 1, of: _): StandardError.print("  turning tokens into sound")
        case .flow, .vocoder: break
        }
    }

    /// Replaces the bar.
    func redraw(_ line: String) { state.withLock { draw(line, &$0) } }

    private func draw(_ line: String, _ state: inout State) {
        state.isOnScreen = true
        StandardError.write("\r\u{1B}[K" + line.prefix(StandardError.columns - 1))
    }
}

/// The share of a text that has been spoken, estimated before the model has ended its sentences.
struct SpeechShare {
    private var piece = 1, pieces = 1
    private var expectedTokens = 100.0
    private var tokens = 0
    private var tokensBefore = 0
    private var share = 0.0

    /// From 0 to 1, never decreasing.
    private(set) var fraction = 0.0

    mutating func advance(_ progress: SpeechProgress) {
        switch progress {
        case .piece(let number, let count, let text):
            (piece, pieces, tokensBefore, share) = (number, count, tokens, 0)
            // English has about fourteen characters a second, and a pause at each end.
            expectedTokens = 20 + Double(text.count) * 25 / 14
        case .tokens(let count):
            tokens = count
            share = 0.7 * min(1, Double(count - tokensBefore) / expectedTokens)
        case .flow(let step, let steps): share = 0.7 + 0.25 * Double(step - 1) / Double(steps)
        case .vocoder: share = 0.95
        }
        fraction = max(fraction, (Double(piece - 1) + share) / Double(pieces))
    }

    func bar(columns: Int) -> String {
        let place = pieces > 1 ? " \(piece)/\(pieces)" : ""
        let label = "Speaking\(place) ", figures = String(format: " %3.0f %%  %.1f s of speech", 100 * fraction, Double(tokens) / 25)
        let width = min(40, columns - label.count - figures.count - 3)
        guard width > 4 else { return label + figures }
        let filled = Int((fraction * Double(width)).rounded())
        return "\(label)[\(String(repeating: "#", count: filled))\(String(repeating: "-", count: width - filled))]\(figures)"
    }
}

/// How much is printed on standard error.
struct ProgressArguments: ParsableArguments {
    @Flag(name: .shortAndLong, help: "Print errors only.")
    var quiet = false

    var display: ProgressDisplay { ProgressDisplay(quiet ? .silent : StandardError.isTerminal ? .bar : .lines) }
}
