import Foundation
import SpeechAudio
import SpeechText
import Synchronization
import TestSupport

@testable import Chatterbox
@testable import ChatterboxServer

/// A model that the test controls: it speaks tones of given durations, and does other steps between them. It does not support Hebrew.
final class StandInSpeaker: ServedModel {
    /// The next step.
    enum Step: Sendable {
        case sound(Double)
        /// Sound with which a text begins.
        case text(String, Double)
        /// Waits until the gate opens.
        case wait(Gate)
        case fail
        /// The text contains no word.
        case nothing
    }

    struct Failure: Error {}

    let sampleRate = 24_000
    /// Whether it can be moved from its device and back.
    let canRest: Bool
    let marksSpeech = false
    let timesWords = false
    let hasVoice = true
    let ownVoices: VoiceLibrary
    private let steps: [Step]
    private let folder: TemporaryFolder
    private let counts = Mutex((opened: 0, ended: 0, cancelled: 0))
    private let moves = Mutex<[String]>([])

    init(_ steps: [Step] = [.sound(0.5), .sound(0.5)], canRest: Bool = false) throws {
        (self.steps, self.canRest) = (steps, canRest)
        folder = try TemporaryFolder()
        ownVoices = VoiceLibrary(folder: folder.url)
    }

    /// The numbers of requests that were opened, that ended, and that were cancelled.
    var requests: (opened: Int, ended: Int, cancelled: Int) { counts.withLock(\.self) }

    /// The calls other than speech.
    var history: [String] { moves.withLock(\.self) }

    func rest() async throws -> Bool {
        moves.withLock { $0.append("rest") }
        return canRest
    }

    func wake() async throws { moves.withLock { $0.append("wake") } }
    func close() async { moves.withLock { $0.append("close") } }

    func speech(_ request: SpeechRequest) -> any SpeechSource {
        counts.withLock { $0.opened += 1 }
        return Source(steps, request.text, seed: request.options.seed ?? 7, judge: request.judge?.name) { [self] isCancelled in
            counts.withLock { if isCancelled { $0.cancelled += 1 } else { $0.ended += 1 } }
        }
    }

    func check(_ adapter: Adapter) throws {}
    func voice(from recording: Audio, named name: String) async throws -> Voice { throw Failure() }
    func voice(from file: URL, for use: Voice.Use) async throws -> Voice { throw Failure() }
    func converted(_ recording: Audio, to voice: Voice?, seed: UInt64?, watermark: Bool) async throws -> Speech { throw Failure() }

    private final class Source: SpeechSource {
        private let steps: [Step]
        private let text: String
        private let seed: UInt64
        private let judge: String?
        private let report: @Sendable (_ isCancelled: Bool) -> Void
        private let state = Mutex((next: -1, isCancelled: false))
        private let cancelled = Gate()

        init(_ steps: [Step], _ text: String, seed: UInt64, judge: String?, report: @escaping @Sendable (Bool) -> Void) {
            (self.steps, self.text, self.seed, self.judge, self.report) = (steps, text, seed, judge, report)
        }

        func next() async throws -> SpeechEvent? {
            while true {
                let (step, isCancelled) = state.withLock { state in
                    defer { state.next += 1 }
                    return (state.next, state.isCancelled)
                }
                if isCancelled || Task.isCancelled { throw CancellationError() }
                if step < 0 {
                    let isHebrew = text.unicodeScalars.contains { (0x5D0...0x5EA).contains($0.value) }
                    if isHebrew { throw ForeignTextError(text: text, languages: [.hebrew]) }
                    return .started(seed: seed)
                }
                guard step < steps.count else {
                    guard step == steps.count else { return nil }
                    report(false)
                    var whole = SpeechReport()
                    (whole.textTokens, whole.speechTokens, whole.end) = (10, 93, .stop)
                    if let judge {
                        whole.judge = judge
                        let takes = ["", text].map { JudgedTake(transcript: $0, errors: WordErrors(expected: text, transcript: $0)) }
                        whole.pieces = [
                            SpokenPiece(
                                number: 1, text: text, start: 0, end: 1, speechTokens: 93, draws: 2, keptDraw: 2, ending: .stop, judged: takes)
                        ]
                    }
                    return .finished(whole)
                }
                switch steps[step] {
                case .sound(let seconds): return sound(seconds, "")
                case .text(let text, let seconds): return sound(seconds, text)
                case .wait(let gate):
                    await gate.wait(orUntil: cancelled)
                case .fail: throw Failure()
                case .nothing: throw TextError.nothingToSpeak("…")
                }
            }
        }

        private func sound(_ seconds: Double, _ text: String) -> SpeechEvent {
            let samples = (0..<Int(seconds * 24_000)).map { 0.4 * sin(Float($0) / 20) }
            return .audio(SpeechChunk(audio: Audio(samples: samples, sampleRate: 24_000), text: text, report: SpeechReport(), seed: seed, words: []))
        }

        func cancel() {
            let isFirst = state.withLock { state in
                defer { state.isCancelled = true }
                return !state.isCancelled
            }
            guard isFirst else { return }
            report(true)
            cancelled.open()
        }

        deinit { if state.withLock({ !$0.isCancelled && $0.next <= steps.count }) { report(true) } }
    }
}

/// A stand-in whose loading waits for a gate, and is counted.
final class GatedModel: Sendable {
    let gate = Gate()
    private let count = Mutex(0)

    var loads: Int { count.withLock(\.self) }

    var offer: ModelOffering {
        ModelOffering(name: "stand-in") {
            self.count.withLock { $0 += 1 }
            await self.gate.wait()
            return try StandInSpeaker()
        }
    }
}

/// A gate that opens once; tasks that wait before it continue then.
final class Gate: Sendable {
    private let state = Mutex<(isOpen: Bool, waiting: [Int: @Sendable () -> Void], next: Int)>((false, [:], 0))

    func open() {
        let waiting = state.withLock { state in
            defer { state.waiting = [:] }
            state.isOpen = true
            return state.waiting.values
        }
        for go in waiting { go() }
    }

    /// Waits until this gate or the other opens, or the task is cancelled.
    func wait(orUntil other: Gate? = nil) async {
        let (stream, end) = AsyncStream<Void>.makeStream()
        notify { end.finish() }
        other?.notify { end.finish() }
        for await _ in stream {}
    }

    private func notify(_ go: @escaping @Sendable () -> Void) {
        let isOpen = state.withLock { state in
            state.next += 1
            if !state.isOpen { state.waiting[state.next] = go }
            return state.isOpen
        }
        if isOpen { go() }
    }
}

extension ModelOffering {
    /// A model that the test controls.
    static func standIn(_ name: String = "stand-in", _ steps: [StandInSpeaker.Step] = [.sound(0.5), .sound(0.5)], bytes: Int = 0) -> ModelOffering {
        ModelOffering(name: name, bytes: bytes) { try StandInSpeaker(steps) }
    }

    static func of(_ speaker: StandInSpeaker, _ name: String = "stand-in") -> ModelOffering { ModelOffering(name: name) { speaker } }
}
