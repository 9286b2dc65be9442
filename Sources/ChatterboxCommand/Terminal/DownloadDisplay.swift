#if Hub
    import ChatterboxHub
    import Foundation
    import Synchronization

    /// The progress of a model's download on standard error: a bar on a terminal, otherwise a line for each tenth.
    final class DownloadDisplay: Sendable {
        private let display: ProgressDisplay
        private let state = Mutex(State())

        private struct State {
            var title = ""
            var drawn: ContinuousClock.Instant?
            var tenths = 0
        }

        init(_ display: ProgressDisplay) { self.display = display }

        /// Runs a function under a title, and removes the bar afterwards.
        func showing<Result>(_ title: String, _ work: () async throws -> Result) async rethrows -> Result {
            state.withLock { $0 = State(title: title) }
            defer { display.clear() }
            return try await work()
        }

        func show(_ event: HubEvent) {
            switch event {
            case .progress(let progress): show(progress)
            case .pausing(let pause, let reason): display.note("\(reason); trying again in \(pause.components.seconds) s")
            case .waitingForOther(let file): display.note("another process is fetching \(file); waiting for it")
            case .usingCache(let reason): display.note("\(reason). What is here is used.")
            }
        }

        private func show(_ progress: HubProgress) {
            state.withLock { state in
                switch display.style {
                case .silent: break
                case .bar:
                    let now = ContinuousClock.now
                    if let drawn = state.drawn, now - drawn < .milliseconds(100) { return }
                    state.drawn = now
                    display.redraw(Self.bar(state.title, progress, columns: StandardError.columns))
                case .lines:
                    let tenths = progress.totalBytes > 0 ? 10 * progress.bytes / progress.totalBytes : 10
                    guard tenths > state.tenths else { return }
                    state.tenths = tenths
                    StandardError.print("\(state.title): \(Self.figures(progress))")
                }
            }
        }

        static func bar(_ title: String, _ progress: HubProgress, columns: Int) -> String {
            let figures = figures(progress)
            let width = min(40, columns - title.count - figures.count - 5)
            guard width > 4 else { return "\(title) \(figures)" }
            let share = progress.totalBytes > 0 ? Double(progress.bytes) / Double(progress.totalBytes) : 1
            let filled = max(0, min(width, Int((share * Double(width)).rounded(.down))))
            return "\(title) [\(String(repeating: "#", count: filled))\(String(repeating: "-", count: width - filled))] \(figures)"
        }

        /// For example "1.2 GB of 3.2 GB, 45 MB/s, 44 s left".
        static func figures(_ progress: HubProgress) -> String {
            var text = "\(progress.bytes.asBytes) of \(progress.totalBytes.asBytes)"
            if let rate = progress.bytesPerSecond, rate > 0 { text += ", \(Int(rate).asBytes)/s" }
            if let seconds = progress.secondsLeft, seconds > 0 { text += ", \(time(seconds)) left" }
            return text
        }

        private static func time(_ seconds: Double) -> String {
            let seconds = Int(min(seconds, 360_000).rounded(.up))
            return switch seconds {
            case ..<60: "\(seconds) s"
            case ..<3600: "\(seconds / 60) min \(seconds % 60) s"
            default: "\(seconds / 3600) h \(seconds % 3600 / 60) min"
            }
        }
    }
#endif
