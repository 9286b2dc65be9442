import Chatterbox
import FileSupport
import Foundation
import SpeechAudio
import SpeechText
import Synchronization
import Torch

/// Speaks the texts of a manifest, several at a time.
struct BatchRun: Sendable {
    let manifest: BatchManifest
    let results: BatchResults
    let shard: BatchShard
    let resources: BatchResources
    /// Options for texts that do not set them.
    let speaking: SpeakingArguments
    let judge: JudgeName?
    let voice: String?
    let model: String
    let adapters: [String]
    let format: AudioFormat
    /// The settings of the computation that change the samples.
    let arithmetic: [String]
    /// The number of texts that are spoken at the same time.
    let width: Int
    /// Whether texts that failed before with the same digest are tried again.
    let retries: Bool
    let display: ProgressDisplay

    /// The result of a run.
    struct Summary: Encodable, Sendable, Hashable {
        var items = 0, spoken = 0, alreadyDone = 0, failed = 0, failedBefore = 0
        var audioSeconds = 0.0, wallSeconds = 0.0
        var audioSecondsPerSecond: Double { wallSeconds > 0 ? audioSeconds / wallSeconds : 0 }

        enum CodingKeys: String, CodingKey {
            case items, spoken, failed, alreadyDone = "already_done", failedBefore = "failed_before"
            case audioSeconds = "audio_seconds", wallSeconds = "wall_seconds"
        }

        var ended: Int { spoken + alreadyDone + failed + failedBefore }
    }

    /// - Throws: ``BatchFolderError`` if results cannot be written; `CancellationError`.
    func callAsFunction() async throws -> Summary {
        let tally = Tally(items: (0..<manifest.count).count(where: shard.contains))
        // Includes the ids of other parts, so that all parts agree which text an id belongs to.
        var ids: Set<String> = []
        try await withThrowingTaskGroup(of: Void.self) { group in
            var open = 0
            for index in 0..<manifest.count {
                let item = manifest.item(index).flatMap { item -> Result<BatchItem, BatchItem.Refusal> in
                    guard !ids.insert(item.id).inserted else { return .success(item) }
                    return .failure(BatchItem.Refusal(place: item.place, reason: "its id, \(item.id), is already used by a text above"))
                }
                guard shard.contains(index) else { continue }
                if open == width {
                    try await group.next()
                    open -= 1
                }
                try Task.checkCancellation()
                open += 1
                group.addTask {
                    switch try await become(item) {
                    case .there: show(tally.count { $0.alreadyDone += 1 })
                    case .stillFailing: show(tally.count { $0.failedBefore += 1 })
                    case .made(let result):
                        try results.add(result)
                        if let reason = result.reason { display.finish("\(result.id): \(reason)") }
                        show(
                            tally.count {
                                if result.state == .done { $0.spoken += 1 } else { $0.failed += 1 }
                                $0.audioSeconds += result.audioSeconds ?? 0
                            })
                    }
                }
            }
            try await group.waitForAll()
        }
        return tally.count { _ in }
    }

    /// Counts the results so far.
    private final class Tally: Sendable {
        private let summary: Mutex<Summary>
        private let start = ContinuousClock.now

        init(items: Int) { summary = Mutex(Summary(items: items)) }

        func count(_ change: (inout Summary) -> Void) -> Summary {
            summary.withLock { summary in
                change(&summary)
                summary.wallSeconds = (.now - start) / .seconds(1)
                return summary
            }
        }
    }

    private enum Outcome {
        case there
        case stillFailing
        case made(BatchResult)
    }

    private func become(_ item: Result<BatchItem, BatchItem.Refusal>) async throws -> Outcome {
        switch item {
        case .failure(let refusal):
            // A line without an id is identified by its number.
            let id = refusal.id ?? "(\(refusal.place))"
            let result = BatchResult(
                id: id, state: .failed, digest: SHA256.digest(refusal.reason.utf8), reason: "\(refusal.place): \(refusal.reason)")
            return results[id] == result && !retries ? .stillFailing : .made(result)
        case .success(let item):
            var digest: String?
            do {
                let wish = try wish(item)
                // A failure before anything was computed has the digest of the request.
                digest = wish.digest
                if hasFailed(item.id, wish.digest) { return .stillFailing }
                let order = try await order(item, wish)
                digest = order.digest
                if results.isDone(item.id, digest: order.digest) { return .there }
                if hasFailed(item.id, order.digest) { return .stillFailing }
                return .made(try await speak(item, order))
            } catch let error as BatchFolderError {
                throw error
            } catch {
                try Task.checkCancellation()
                return .made(BatchResult(id: item.id, state: .failed, digest: digest, reason: "\(item.place): \(Remedy.sentence(error))"))
            }
        }
    }

    // MARK: requests

    /// A text and its options, before anything is loaded for it.
    private struct Wish {
        let text: String
        let speaking: SpeakingArguments
        let options: SpeechOptions
        let judge: JudgeName?
        let model: String
        let voice: String?
        let adapters: [String]
        let facts: [String]
        var digest: String { SpeechFacts.digest(facts + [voice ?? ""] + adapters) }
    }

    private struct Order {
        let synthesizer: Synthesizer
        let request: SpeechRequest
        let format: AudioFormat
        let seed: UInt64
        /// The digest of everything that determines the file.
        let digest: String
    }

    private func wish(_ item: BatchItem) throws -> Wish {
        var speaking = speaking
        speaking.take(item)
        // The default seed is computed from the id, so that the same text always sounds the same.
        speaking.seed = item.seed ?? self.speaking.seed ?? UInt64(SHA256.digest(item.id.utf8).prefix(8), radix: 16)!
        let text = try text(of: item), model = item.model.map(path) ?? model
        var facts = [text, model == self.model ? "" : model, (item.format ?? format).rawValue] + arithmetic + speaking.facts
        if let lexicon = speaking.lexicon { facts.append(SHA256.digest(try SmallFile.read(URL(filePath: lexicon)))) }
        let judge = item.judge ?? judge
        if let judge { facts.append(judge.fact) }
        return Wish(
            text: text, speaking: speaking, options: try speaking.options(), judge: judge, model: model, voice: item.voice.map(path) ?? voice,
            adapters: item.adapters.map { $0.map(path) } ?? adapters, facts: facts)
    }

    private func order(_ item: BatchItem, _ wish: Wish) async throws -> Order {
        let loaded = try await resources.model(wish.model), synthesizer = loaded.value
        try wish.speaking.check(synthesizer.model)
        var request = SpeechRequest(wish.text, options: wish.options, priority: .batch)
        if let judge = wish.judge { request.judge = try await resources.judge(judge) }
        var facts = wish.facts + [loaded.digest]
        if let name = wish.voice {
            let voice = try await resources.voice(name, wish.model, synthesizer)
            request.voice = voice.value
            facts.append(voice.digest)
        }
        for name in wish.adapters {
            let adapter = try await resources.adapter(name)
            guard adapter.value.adapter.part == .t3 else {
                throw UsageError("\(name) is an adapter of the flow, which all texts share; give it as --adapter")
            }
            request.adapters.append(adapter.value)
            facts.append(adapter.digest)
        }
        return Order(
            synthesizer: synthesizer, request: request, format: item.format ?? format, seed: wish.speaking.seed!, digest: SpeechFacts.digest(facts))
    }

    private func hasFailed(_ id: String, _ digest: String) -> Bool {
        guard !retries, let known = results[id] else { return false }
        return known.state == .failed && known.digest == digest
    }

    private func text(of item: BatchItem) throws -> String {
        try item.text ?? TextSource.text(ofFile: path(item.file!), named: item.file)
    }

    /// Makes a path of the manifest relative to the manifest's folder; a name is not changed.
    private func path(_ name: String) -> String {
        guard !name.hasPrefix("/") else { return name }
        let beside = manifest.url.deletingLastPathComponent().appending(path: name).path
        let file = AdapterArgument(argument: name)?.path ?? name
        let exists = FileManager.default.fileExists(atPath: manifest.url.deletingLastPathComponent().appending(path: file).path)
        return exists ? beside : name
    }

    // MARK: speaking

    private func speak(_ item: BatchItem, _ order: Order) async throws -> BatchResult {
        let name = "\(item.id).\(order.format.rawValue)", url = results.folder.appending(path: name)
        if name.contains("/") { try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true) }
        let file = try AudioFileWriter(url, format: order.format, sampleRate: order.synthesizer.sampleRate)
        var report = SpeechReport()
        for try await chunk in order.synthesizer.chunks(for: order.request) {
            try file.append(chunk.audio)
            report = chunk.report
        }
        guard report.audioSeconds > 0 else { throw UsageError("the model ended without a sound; try another seed, or words around the text") }
        try file.finish()
        let warnings = item.ignored.map { "the field \($0) is unknown and is ignored" } + report.warnings.map(Remedy.sentence)
        return BatchResult(
            id: item.id, state: .done, digest: order.digest, file: name, bytes: BatchResults.byteCount(url), audioSeconds: report.audioSeconds,
            wallSeconds: report.wallSeconds, seed: order.seed, end: report.end?.rawValue, judge: report.judge, wordErrors: report.wordErrors?.wrong,
            words: report.wordErrors?.words,
            pieces: report.judge == nil ? nil : report.pieces.map(BatchResult.Piece.init), warnings: warnings.isEmpty ? nil : warnings)
    }

    private func show(_ summary: Summary) {
        let work = summary.spoken + summary.failed, rest = summary.items - summary.ended
        var line = "\(summary.ended) of \(summary.items)"
        if summary.failed + summary.failedBefore > 0 { line += ", \(summary.failed + summary.failedBefore) failed" }
        line += String(format: ", %.1f s of speech a second", summary.audioSecondsPerSecond)
        if work > 0, rest > 0 {
            line += ", \(Duration.seconds(summary.wallSeconds / Double(work) * Double(rest)).formatted(.units(width: .narrow))) left"
        }
        switch display.style {
        case .bar: display.redraw(line)
        case .lines: if summary.ended.isMultiple(of: max(1, summary.items / 20)) || rest == 0 { display.finish(line) }
        case .silent: break
        }
    }
}

extension SpeakingArguments {
    /// Applies the options of a text.
    fileprivate mutating func take(_ item: BatchItem) {
        language = item.language ?? language
        exaggeration = item.exaggeration ?? exaggeration
        cfgWeight = item.cfgWeight ?? cfgWeight
        temperature = item.temperature ?? temperature
        topP = item.topP ?? topP
        topK = item.topK ?? topK
        minP = item.minP ?? minP
        repetitionPenalty = item.repetitionPenalty ?? repetitionPenalty
        steps = item.steps ?? steps
        maxTokens = item.maxTokens ?? maxTokens
        takes = item.takes ?? takes
        speed = item.speed ?? speed
        loudness = item.loudness ?? loudness
    }
}
