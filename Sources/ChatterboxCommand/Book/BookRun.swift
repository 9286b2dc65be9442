import Chatterbox
import FileSupport
import Foundation
import SpeechAudio
import SpeechText
import Synchronization

/// Speaks those utterances of a long text that are not stored yet, stores them in a folder, and writes the output from the folder.
///
/// The text is divided at its headings (`TextChapter`), and one part at a time is prepared, so that memory contains the text, the pieces of one
/// chapter, and a line for each utterance.
struct BookRun: Sendable {
    let synthesizer: Synthesizer
    /// The request without its text.
    let request: SpeechRequest
    let text: String
    let folder: BookFolder
    let writer: BookWriter
    let chapters: ChapterOutput
    /// The output file; with ``ChapterOutput/files`` the chapters' files are named after it.
    let output: URL
    /// The title of the whole.
    let title: String
    let wantsWords: Bool
    /// Everything that determines the utterances besides their text and their voice.
    let facts: [String]
    let display: ProgressDisplay

    /// The number of utterances that are spoken at the same time.
    private var width: Int { synthesizer.model.device.isCUDA ? 16 : 4 }
    /// Seconds of silence between two chapters.
    static let chapterPause = 1.5

    /// The result of a run.
    struct Result {
        struct Chapter: Encodable {
            let title: String?
            let file: String
            /// The position in its file, in seconds.
            let start, end: Double
        }

        var report = SpeechReport()
        var words: [SpokenWord] = []
        var chapters: [Chapter] = []
        var files: [URL] = []
        /// The number of all utterances, and of those that were already stored.
        var (utterances, kept) = (0, 0)
    }

    /// - Throws: `TextError`, ``ForeignTextError``, `VoiceError`, `AudioError`, ``BatchFolderError``, `TorchError`, `CancellationError`.
    func callAsFunction() async throws -> Result {
        let start = ContinuousClock.now, tally = Tally(display)
        var voices: [String?: String] = [:]
        if request.voice != nil || request.voices.isEmpty { voices[nil] = try synthesizer.digest(of: request.voice) }
        for (name, voice) in request.voices { voices[name] = try synthesizer.digest(of: voice) }
        var result = Result(), parts: [TextChapter] = [], seen: Set<String> = []
        // All of the text is prepared once, so that errors are reported before hours of work.
        for part in TextChapter.chapters(of: text) {
            guard let plan = try await plan(part) else { continue }
            parts.append(part)
            display.warn(plan.warnings)
            result.report.warnings += plan.warnings
            for utterance in plan.utterances {
                let digest = digest(of: utterance, voices), isKept = folder.utterance(digest, words: wantsWords) != nil
                // Equal utterances in several chapters are spoken once.
                tally.expect(utterance, isKept: !seen.insert(digest).inserted || isKept)
                (result.utterances, result.kept) = (result.utterances + 1, result.kept + (isKept ? 1 : 0))
            }
        }
        guard result.utterances > 0 else { throw TextError.nothingToSpeak(text) }
        if result.kept > 0 {
            display.note("\(result.kept) of \(result.utterances) utterances are kept in \(folder.url.relativePath) and are not spoken again")
        }

        var spoken: [BookChapter] = [], first = 1
        for (index, part) in parts.enumerated() {
            guard let plan = try await plan(part) else { continue }
            tally.begin(part.title, index + 1, of: parts.count)
            var chapter = try await speak(plan, part.title, voices, first: first, tally, &result.report)
            first += plan.utterances.count
            if chapters == .files {
                try write([chapter], to: file(index + 1, of: parts.count, part.title), title: part.title ?? title, marks: false, &result)
            } else if index + 1 < parts.count {
                chapter.items.append(BookChapter.Item(utterance: nil, silence: samples(max(Self.chapterPause, request.options.pauses.paragraph))))
            }
            spoken.append(chapter)
        }
        if chapters != .files {
            display.begin("Writing \(output.lastPathComponent)")
            try write(chapters == .marks ? spoken : [.joined(spoken)], to: output, title: title, marks: chapters == .marks, &result)
        }
        result.report.warnings = result.report.warnings.uniqued()
        result.report.wallSeconds = (.now - start) / .seconds(1)
        return result
    }

    /// The pieces of a part of the text; nil if it contains nothing to speak.
    private func plan(_ part: TextChapter) async throws -> UtterancePlan? {
        var request = request
        request.text = String(part.text)
        do { return try await synthesizer.plan(request) } catch TextError.nothingToSpeak, TextError.empty { return nil }
    }

    private func digest(of utterance: UtterancePlan.Utterance, _ voices: [String?: String]) -> String {
        SpeechFacts.digest(facts + utterance.facts + [voices[utterance.speaker] ?? voices[nil] ?? ""])
    }

    private func samples(_ seconds: Double) -> Int { Int((seconds * Double(synthesizer.sampleRate)).rounded()) }

    private func file(_ number: Int, of count: Int, _ title: String?) -> URL {
        let name = BookChapter.fileName(
            output.deletingPathExtension().lastPathComponent, number, of: count, title: title, ending: output.pathExtension)
        let folder = (output.relativePath as NSString).deletingLastPathComponent
        return URL(filePath: folder.isEmpty ? name : folder + "/" + name)
    }

    // MARK: speaking

    private func speak(
        _ plan: UtterancePlan, _ title: String?, _ voices: [String?: String], first: Int, _ tally: Tally, _ report: inout SpeechReport
    ) async throws -> BookChapter {
        let digests = plan.utterances.map { digest(of: $0, voices) }
        let stages = try await withThrowingTaskGroup(of: SpeechReport.Stages.self) { group in
            var open = 0, begun: Set<String> = [], stages = SpeechReport().stages
            for (index, (utterance, digest)) in zip(plan.utterances, digests).enumerated() {
                guard folder.utterance(digest, words: wantsWords) == nil, begun.insert(digest).inserted else { continue }
                if open == width {
                    if let done = try await group.next() { stages.add(done) }
                    open -= 1
                }
                try Task.checkCancellation()
                open += 1
                group.addTask {
                    let speech = try await synthesizer.speak(utterance, of: plan)
                    try folder.keep(speech, utterance, digest: digest, number: first + index, words: wantsWords)
                    display.warn(speech.report.warnings)
                    tally.spoke(utterance, seconds: speech.audio.duration)
                    return speech.report.stages
                }
            }
            for try await done in group { stages.add(done) }
            return stages
        }
        report.stages.add(stages)
        var chapter = BookChapter(title: title), index = 0
        for part in plan.parts {
            switch part {
            case .silence(let seconds): chapter.items.append(BookChapter.Item(utterance: nil, silence: samples(seconds)))
            case .utterance(let utterance):
                guard let kept = folder.utterance(digests[index], words: wantsWords) else {
                    throw BatchFolderError(folder.url, "a stored utterance is missing; start again")
                }
                index += 1
                chapter.items.append(BookChapter.Item(utterance: kept, silence: samples(utterance.pause)))
            }
        }
        return chapter
    }

    // MARK: writing

    private func write(_ chapters: [BookChapter], to url: URL, title: String, marks: Bool, _ result: inout Result) throws {
        let digest = writer.digest(chapters, marks: marks, title: title)
        let isWritten = self.chapters == .files && folder.isWritten(url, digest: digest)
        guard chapters.contains(where: { $0.items.contains { $0.utterance?.file != nil } }) else {
            // A single empty file of several causes a message; if the whole output is empty, that is an error.
            if self.chapters == .files { return display.note("\(title): the model ended without a sound, so no file is written") }
            throw UsageError("the model ended without a sound; try another --seed, or words around the text")
        }
        let written = isWritten ? nil : try writer.write(chapters, marks: marks, title: title, to: url)
        if let written {
            if self.chapters == .files { try folder.add(output: url, digest: digest) }
            display.warn(written.warnings)
            result.report.warnings += written.warnings
        }
        report(chapters, in: url, written, &result)
    }

    /// Reports a file's chapters, pieces and words.
    private func report(_ chapters: [BookChapter], in url: URL, _ written: BookWriter.Written?, _ result: inout Result) {
        let rate = Double(synthesizer.sampleRate) * writer.speed
        var position = 0
        result.files.append(url)
        for (number, chapter) in chapters.enumerated() {
            let start = Double(position) / rate
            for item in chapter.items {
                if let utterance = item.utterance {
                    let begin = Double(position) / rate
                    result.report.pieces.append(
                        SpokenPiece(
                            number: result.report.pieces.count + 1, text: utterance.text, start: begin, end: begin + Double(utterance.samples) / rate,
                            speechTokens: utterance.speechTokens, draws: utterance.draws, keptDraw: utterance.keptDraw, ending: utterance.end))
                    result.report.textTokens += utterance.textTokens
                    result.report.speechTokens += utterance.speechTokens
                    result.report.end = [result.report.end, utterance.end].compactMap(\.self).max()
                    result.report.warnings += utterance.warnings
                    result.words += (utterance.words ?? []).map {
                        SpokenWord(text: $0.text, start: begin + $0.start / writer.speed, end: begin + $0.end / writer.speed)
                    }
                    position += utterance.samples
                }
                position += item.silence
            }
            let ends = written.map { Array($0.starts.dropFirst()) + [$0.seconds] }
            result.chapters.append(
                Result.Chapter(
                    title: chapter.title, file: url.relativePath, start: written?.starts[number] ?? start,
                    end: ends?[number] ?? Double(position) / rate))
        }
        result.report.audioSeconds += written?.seconds ?? Double(position) / rate
        result.report.isWatermarked = writer.watermarker != nil && written?.isMarked != false
    }
}

extension BookRun {
    /// Measures the progress, and estimates the remaining time.
    private final class Tally: Sendable {
        private struct State {
            /// The number of letters of all utterances, of the finished ones, and of those that this run has spoken.
            var (all, done, now) = (0, 0, 0)
            var seconds = 0.0
            var chapter = ""
            var start: ContinuousClock.Instant?
            var reported = 0
        }

        private let state = Mutex(State())
        private let display: ProgressDisplay

        init(_ display: ProgressDisplay) { self.display = display }

        func expect(_ utterance: UtterancePlan.Utterance, isKept: Bool) {
            state.withLock { state in
                state.all += utterance.text.count
                if isKept { state.done += utterance.text.count }
            }
        }

        func begin(_ title: String?, _ number: Int, of count: Int) {
            let line = state.withLock { state -> String? in
                state.start = state.start ?? .now
                state.chapter = count > 1 ? "chapter \(number) of \(count)" : ""
                return count > 1 ? "Speaking chapter \(number) of \(count)\(title.map { ": \($0.shown(limit: 60))" } ?? "")" : nil
            }
            if let line, display.style == .lines { display.finish(line) }
        }

        func spoke(_ utterance: UtterancePlan.Utterance, seconds: Double) {
            let (line, isDue) = state.withLock { state -> (String, Bool) in
                state.done += utterance.text.count
                state.now += utterance.text.count
                state.seconds += seconds
                let percent = 100 * state.done / max(1, state.all), isDue = percent >= state.reported + 5 || state.done >= state.all
                if isDue { state.reported = percent }
                let elapsed = (.now - (state.start ?? .now)) / .seconds(1),
                    left = elapsed / Double(max(1, state.now)) * Double(max(0, state.all - state.done))
                var words = [state.chapter].filter { !$0.isEmpty }
                words += ["\(percent) %", String(format: "%.1f min of speech", state.seconds / 60)]
                if state.done < state.all { words.append("\(Duration.seconds(left.rounded()).formatted(.units(width: .narrow))) left") }
                return (words.joined(separator: ", "), isDue)
            }
            switch display.style {
            case .bar: display.redraw(line)
            case .lines: if isDue { display.finish("  " + line) }
            case .silent: break
            }
        }
    }
}

extension SpeechReport.Stages {
    fileprivate mutating func add(_ other: SpeechReport.Stages) {
        prefill += other.prefill
        decode += other.decode
        flow += other.flow
        vocoder += other.vocoder
    }
}
