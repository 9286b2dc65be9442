import Synchronization

/// The events of a download.
public enum HubEvent: Sendable {
    case progress(HubProgress)
    /// An attempt failed; the next follows after a pause.
    case pausing(Duration, reason: String)
    /// Another process is fetching the same file.
    case waitingForOther(file: String)
    /// The hub cannot be reached; the files in the cache are used.
    case usingCache(reason: String)
}

/// The progress of a download.
public struct HubProgress: Sendable, Hashable {
    public var files = 0
    public var totalFiles = 0
    public var bytes = 0
    public var totalBytes = 0
    /// Speed over the last seconds; nil if not known yet.
    public var bytesPerSecond: Double?

    public init(files: Int = 0, totalFiles: Int = 0, bytes: Int = 0, totalBytes: Int = 0, bytesPerSecond: Double? = nil) {
        self.files = files
        self.totalFiles = totalFiles
        self.bytes = bytes
        self.totalBytes = totalBytes
        self.bytesPerSecond = bytesPerSecond
    }

    /// Seconds to the end at this speed.
    public var secondsLeft: Double? {
        bytesPerSecond.flatMap { $0 > 0 ? Double(totalBytes - bytes) / $0 : nil }
    }
}

/// Adds up the bytes of several transfers, and measures their speed.
final class ProgressMeter: Sendable {
    private let clock: HubClock
    private let onEvent: @Sendable (HubEvent) -> Void
    private let state: Mutex<State>

    private struct State {
        var progress: HubProgress
        /// The number of bytes received at several times in the last seconds.
        var marks: [(time: Duration, received: Int)] = []
        var received = 0
    }

    private static let window = Duration.seconds(10)
    private static let interval = Duration.milliseconds(200)

    init(files: Int, bytes: Int, clock: HubClock, onEvent: @escaping @Sendable (HubEvent) -> Void) {
        self.clock = clock
        self.onEvent = onEvent
        state = Mutex(State(progress: HubProgress(totalFiles: files, totalBytes: bytes), marks: [(clock.now(), 0)]))
    }

    /// Counts bytes that were received from the network.
    func receive(_ count: Int) {
        update { state in
            state.received += count
            state.progress.bytes += count
        }
    }

    /// Counts bytes that need not be downloaded, or, if negative, bytes that turned out to be unusable.
    func credit(_ count: Int) { update { $0.progress.bytes += count } }

    func finishFile() { update { $0.progress.files += 1 } }

    func report(_ event: HubEvent) { onEvent(event) }

    private func update(_ change: (inout State) -> Void) {
        let now = clock.now()
        let progress = state.withLock { state in
            change(&state)
            if let last = state.marks.last, now - last.time >= Self.interval {
                state.marks.append((now, state.received))
                while state.marks.count > 2, now - state.marks[1].time > Self.window { state.marks.removeFirst() }
                let first = state.marks[0]
                state.progress.bytesPerSecond = Double(state.received - first.received) / (now - first.time).seconds
            }
            return state.progress
        }
        onEvent(.progress(progress))
    }
}
