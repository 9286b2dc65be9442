import ArgumentParser
import Chatterbox
import Foundation
import Synchronization
import Torch

/// Measures one setting in a separate process, so that memory peaks and cold starts belong to it alone; prints a ``BenchRun``.
struct BenchWorker: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "bench-worker", shouldDisplay: false)

    @OptionGroup var model: ModelArguments
    @OptionGroup var voice: VoiceArguments
    @OptionGroup var speaking: SpeakingArguments
    @Option var text: String
    @Option(help: "How often the text is spoken; the last time is used.") var repeats = 2

    func run() async throws {
        var measured = BenchRun()
        let memory = MemoryWatch(of: .cpu)
        let source = try voice.source(for: model)
        let quiet = ProgressDisplay(.silent)
        let synthesizer = try await model.load(quiet)
        let device = synthesizer.model.device
        let deviceMemory = device.isCUDA ? MemoryWatch(of: device) : nil
        @Sendable func enter(_ stage: String) {
            memory.enter(stage)
            deviceMemory?.enter(stage)
        }
        measured.loadSeconds = synthesizer.model.loadingSeconds
        measured.memory.afterLoad = try Memory.statistics().current
        enter("voice")
        var prepared: Voice?
        if let source {
            for _ in 0..<2 {
                let start = ContinuousClock.now
                prepared = try await source.load(synthesizer, quiet)
                measured.voiceSeconds = (ContinuousClock.now - start) / .seconds(1)
            }
        }
        if let voice = prepared ?? synthesizer.model.builtInVoice {
            measured.conditioningTokens = voice.conditioningTokens.size(1)
            measured.promptTokens = voice.prompt.tokens.size(1)
        }
        var options = try speaking.options()
        options.drawsOnlySound = true
        for _ in 0..<max(1, repeats) {
            enter("T3")
            let speech = try await synthesizer.speak(text, voice: prepared, options: options) { progress in
                switch progress {
                case .tokens, .piece: break
                case .flow(let step, _): if step == 1 { enter("flow") }
                case .vocoder: enter("vocoder")
                }
            }
            if measured.spoken.isEmpty { FileHandle.standardError.write(Data("first sound\n".utf8)) }
            measured.spoken.append(BenchRun.Spoken(speech.report))
        }
        measured.memory.peaks = memory.finish()
        if let deviceMemory {
            let peaks = deviceMemory.finish()
            measured.memory.devicePeaks = peaks
            measured.memory.devicePeak = peaks.values.max()
            try Memory.releaseCache(of: device)
            measured.memory.deviceRest = try Memory.statistics(of: device).reserved
        }
        try StandardOutput.write(JSONEncoder().encode(measured) + Data("\n".utf8))
    }
}

/// Peak memory by stage, from the high-water mark of the kernel or of a GPU's allocator, which is reset before each stage.
final class MemoryWatch: Sendable {
    private struct State {
        var stage = "load"
        var peaks: [String: Int] = [:]
    }
    private let state = Mutex(State())
    private let device: Device

    init(of device: Device) { self.device = device }

    func enter(_ stage: String) {
        state.withLock { state in
            note(&state)
            state.stage = stage
            try? Memory.resetPeak(of: device)
        }
    }

    func finish() -> [String: Int] {
        state.withLock { state in
            note(&state)
            return state.peaks
        }
    }

    private func note(_ state: inout State) {
        let peak = (try? Memory.statistics(of: device).peak) ?? 0
        state.peaks[state.stage] = max(state.peaks[state.stage] ?? 0, peak)
    }
}
