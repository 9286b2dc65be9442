import Chatterbox
import FileSupport
import Foundation
import SpeechAudio
import SpeechText
import Torch

/// A recording that can be trained on.
public struct CheckedRecording: Sendable, Hashable {
    public let entry: RecordingList.Entry
    public let seconds: Double
    /// The text's tokens for T3, with start and stop.
    public let textTokens: [Int]
    /// Identifies the recording and its text: SHA-256 of the file, the text and the speaker, 64 hexadecimal digits.
    public let digest: String
    /// SHA-256 of the text.
    public let textDigest: String
    /// Problems of the recording, each the end of a sentence about it.
    public let notes: [String]
}

/// Checks the recordings and texts of a list as a model will use them, and finds those that cannot be used for training.
public struct RecordingCheck: Sendable {
    /// Seconds of a recording, at least and at most.
    public var seconds = 0.4...24.0
    /// Largest number of characters for a second of speech: nobody speaks faster, so the text must belong to another recording.
    public var fastest = 40.0
    /// Smallest number of characters for a second of speech: with fewer, the recording contains more than its text.
    public var slowest = 1.5
    /// Decodes formats that libsndfile does not read.
    public var ffmpeg: FFmpeg?

    private let pipeline: TextPipeline
    private let sizes: T3Configuration
    private let language: Language?

    /// - Parameters:
    ///   - model: the model whose text pipeline and sizes the recordings are checked against.
    ///   - language: language of all texts; nil detects it for each.
    public init(_ model: Model, language: Language? = nil) {
        var pipeline = model.textPipeline
        // A recording is one utterance, however its text would be divided.
        pipeline.splits = false
        (self.pipeline, sizes, self.language) = (pipeline, model.configuration.t3, language)
    }

    /// The result of checking a list.
    public struct Result: Sendable {
        public let accepted: [CheckedRecording]
        /// In the order of the list, invalid entries first.
        public let refusals: [RecordingList.Refusal]

        public var seconds: Double { accepted.reduce(0) { $0 + $1.seconds } }
    }

    /// - Parameters:
    ///   - list: recordings and their texts.
    ///   - progress: called with the completed share, 0 to 1.
    /// - Throws: `CancellationError`.
    public func callAsFunction(_ list: RecordingList, progress: (Double) -> Void = { _ in }) throws -> Result {
        var accepted: [CheckedRecording] = [], refusals = list.refusals
        var placeOfSound: [String: String] = [:]
        for (index, entry) in list.entries.enumerated() {
            try Task.checkCancellation()
            do {
                let (recording, sound) = try check(entry)
                if let other = placeOfSound.updateValue(entry.place, forKey: sound) {
                    placeOfSound[sound] = other
                    throw RecordingList.Refusal(place: entry.place, reason: "it is the same recording as \(other)")
                }
                accepted.append(recording)
            } catch let refusal as RecordingList.Refusal {
                refusals.append(refusal)
            }
            progress(Double(index + 1) / Double(list.entries.count))
        }
        return Result(accepted: accepted, refusals: refusals)
    }

    /// - Throws: ``RecordingList/Refusal``.
    private func check(_ entry: RecordingList.Entry) throws -> (CheckedRecording, sound: String) {
        func refused(_ reason: String) -> RecordingList.Refusal { RecordingList.Refusal(place: entry.place, reason: reason) }
        let tokens = try tokens(of: entry)
        let data: Data, audio: Audio
        do {
            guard FileManager.default.fileExists(atPath: entry.audio.path) else { throw AudioError.missing(name: entry.audio.path) }
            data = try Data(contentsOf: entry.audio, options: .mappedIfSafe)
            audio = try AudioFile.read(data, named: entry.audio.path, ffmpeg: ffmpeg)
        } catch {
            throw refused(error is AudioError ? "\(error)" : "\(entry.audio.path): cannot be read: \(error.localizedDescription)")
        }
        guard seconds.contains(audio.duration) else {
            throw refused(
                String(
                    format: "it is %.2f s long; recordings of %.1f to %.0f s are used%@", audio.duration, seconds.lowerBound,
                    seconds.upperBound,
                    audio.duration > seconds.upperBound ? ", so cut it between sentences" : ""))
        }
        let quality = RecordingQuality(of: audio)
        guard quality.speechSeconds > 0.1, quality.peak > -60 else {
            throw refused(String(format: "it contains no speech (peak %.0f dB)", quality.peak))
        }
        let rate = Double(entry.text.count) / quality.speechSeconds
        guard rate <= fastest else {
            throw refused(String(format: "its text has %.0f characters for each second of speech: it is the text of a longer recording", rate))
        }
        guard rate >= slowest else {
            throw refused(String(format: "its text has %.1f characters for each second of speech: it contains more speech than its text", rate))
        }
        let sound = SHA256.digest(data)
        let checked = CheckedRecording(
            entry: entry, seconds: audio.duration, textTokens: tokens, digest: SHA256.digest("\(sound)\0\(entry.text)\0\(entry.speaker)".utf8),
            textDigest: SHA256.digest(entry.text.utf8), notes: quality.problems)
        return (checked, sound)
    }

    private func tokens(of entry: RecordingList.Entry) throws -> [Int] {
        func refused(_ reason: String) -> RecordingList.Refusal { RecordingList.Refusal(place: entry.place, reason: reason) }
        guard !entry.text.isEmpty else { throw refused("its text is empty") }
        let plan: TextPlan
        do { plan = try pipeline(entry.text, language: language) } catch { throw refused("its text: \(error)") }
        guard plan.unknownCharacters.isEmpty else {
            throw refused("its text has characters that the model does not know: \(plan.unknownCharacters.map { "\($0)" }.joined(separator: " "))")
        }
        let pieces = plan.parts.compactMap { if case .piece(let piece) = $0 { piece } else { nil } }
        guard pieces.count == 1 else { throw refused("its text has \(pieces.count) parts, expected one without pauses or speakers") }
        let tokens = plan.tokens(of: pieces[0])
        guard tokens.count <= sizes.maximumText else {
            throw refused("its text has \(tokens.count) tokens, the model reads \(sizes.maximumText) at once; cut the recording between sentences")
        }
        return sizes.framed(tokens)
    }
}

/// Divides recordings into training and validation. The division depends only on the texts, so that it is the same each time, and changes little
/// when recordings are added.
public struct RecordingSplit: Sendable, Hashable {
    public let training: [CheckedRecording]
    public let validation: [CheckedRecording]

    /// - Parameters:
    ///   - checked: the result whose accepted recordings are divided.
    ///   - share: share of the recordings for validation, at least two and at most 64 recordings.
    ///   - list: named in errors.
    /// - Throws: ``RecordingListError/tooFew(_:accepted:refused:needed:)``.
    public init(_ checked: RecordingCheck.Result, share: Double = 0.05, of list: URL) throws {
        let sorted = checked.accepted.sorted { ($0.textDigest, $0.digest) < ($1.textDigest, $1.digest) }
        var count = min(64, max(2, Int((share * Double(sorted.count)).rounded())))
        // A sentence is not used both for training and for validation.
        while count < sorted.count, sorted[count].textDigest == sorted[count - 1].textDigest { count += 1 }
        guard sorted.count >= 8, sorted.count - count >= 4 else {
            throw RecordingListError.tooFew(list, accepted: sorted.count, refused: checked.refusals.count, needed: 8)
        }
        let kept = Set(sorted.prefix(count).map(\.digest))
        validation = checked.accepted.filter { kept.contains($0.digest) }
        training = checked.accepted.filter { !kept.contains($0.digest) }
    }
}
