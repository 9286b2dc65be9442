import Chatterbox
import Foundation
import Metrics
import Torch

/// The server's metrics, with the names that speech servers share, prefixed by `chatterbox_`.
struct SpeechMetrics: Sendable {
    /// The engine whose steps are counted.
    let engine: SpeechEngine?
    let registry = PrometheusRegistry([
        "chatterbox_audio_ttfp_s": .init(help: "Seconds from a request's arrival to its first bytes of sound."),
        "chatterbox_audio_chunk_interval_s": .init(help: "Seconds between two pieces of sound of a request."),
        "chatterbox_audio_underrun_s": .init(help: "Seconds that a listener who plays at once would have waited in the middle of speech."),
        "chatterbox_audio_continuity_ok_total": .init(help: "Requests whose listener would never have waited longer than threshold_ms."),
        "chatterbox_audio_duration_s": .init(help: "Seconds of sound of a request.", buckets: [0.5, 1, 2, 5, 10, 20, 60, 300, 1800]),
        "chatterbox_audio_rtf": .init(help: "Seconds of work for a second of sound.", buckets: [0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 5]),
        "chatterbox_e2e_request_latency_s": .init(help: "Seconds from a request's arrival to its last byte."),
        "chatterbox_queue_time_s": .init(help: "Seconds that a request waited for its place."),
        "chatterbox_place_release_s": .init(help: "Seconds from a client's disconnection until its place was free."),
        "chatterbox_num_requests_running": .init(help: "Requests that are being spoken."),
        "chatterbox_num_requests_waiting": .init(help: "Requests that wait for a place."),
        "chatterbox_requests_success_total": .init(help: "Requests that were spoken completely, by finished_reason: stop, length, abort."),
        "chatterbox_requests_failed_total": .init(help: "Requests that failed, by their status."),
        "chatterbox_http_requests_total": .init(help: "Answers by route and status."),
        "chatterbox_batch_size": .init(
            help: "Requests for which a step of the language model sampled tokens.", buckets: [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 128]),
        "chatterbox_model_active": .init(help: "1 where the model is loaded."),
        "chatterbox_model_memory_bytes": .init(help: "Approximate memory of the model, on the host or on a GPU."),
        "chatterbox_process_resident_bytes": .init(help: "Memory of the process."),
    ])

    func record(_ name: String, _ seconds: Double, _ model: String) {
        Recorder(label: "chatterbox_" + name, dimensions: [("model", model)], aggregate: true, factory: registry).record(seconds)
    }

    func count(_ name: String, _ dimensions: [(String, String)]) {
        Counter(label: "chatterbox_" + name, dimensions: dimensions, factory: registry).increment()
    }

    private func gauge(_ name: String, _ value: Int, _ dimensions: [(String, String)] = []) {
        Meter(label: "chatterbox_" + name, dimensions: dimensions, factory: registry).set(value)
    }

    /// All metrics in Prometheus's format.
    func text(_ queue: SpeechQueue, _ models: ModelShelf) -> String {
        let load = queue.load
        gauge("num_requests_running", load.running)
        gauge("num_requests_waiting", load.waiting)
        for entry in models.entries {
            let name = ("model", entry.offer.name), isActive = entry.phase == .active
            gauge("model_active", isActive ? 1 : 0, [name])
            let onGPU = isActive && entry.offer.usesGPU
            gauge("model_memory_bytes", (isActive || entry.isResting) && !onGPU ? entry.offer.bytes : 0, [name, ("on", "host")])
            if entry.offer.usesGPU { gauge("model_memory_bytes", onGPU ? entry.offer.bytes : 0, [name, ("on", "gpu")]) }
        }
        if let engine { registry.set("chatterbox_batch_size", engine.stepCounts) }
        if let bytes = try? Memory.statistics().current { gauge("process_resident_bytes", bytes) }
        return registry.text
    }
}

/// Follows a request's sound from the point of view of a listener who plays it as soon as it arrives.
struct ListenerClock {
    private let begin: ContinuousClock.Instant
    private var first: ContinuousClock.Instant?
    private var last: ContinuousClock.Instant?
    /// Seconds of sound so far.
    private(set) var received = 0.0
    /// Seconds that the listener has waited since the first sound: in all, and the longest wait.
    private(set) var waited = 0.0
    private(set) var longest = 0.0

    /// - Parameter begin: when the request arrived.
    init(since begin: ContinuousClock.Instant) { self.begin = begin }

    /// Seconds to the first sound.
    var firstSound: Double? { first.map { ($0 - begin) / .seconds(1) } }

    /// Records a piece of sound that has just arrived.
    ///
    /// - Returns: seconds since the previous piece.
    mutating func take(_ seconds: Double, at now: ContinuousClock.Instant = .now) -> Double? {
        defer { (last, received) = (now, received + seconds) }
        guard let first, let last else {
            first = now
            return nil
        }
        let behind = (now - first) / .seconds(1) - received - waited
        if behind > 0 {
            waited += behind
            longest = max(longest, behind)
        }
        return (now - last) / .seconds(1)
    }
}
