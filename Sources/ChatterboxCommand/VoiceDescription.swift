import Chatterbox
import Foundation
import SpeechAudio

/// A prepared voice as printed by `--json`. Its keys do not change; what the file does not contain is left out.
struct VoiceDescription: Encodable {
    let name: String?
    let file: String
    let bytes: Int
    private var summary: VoiceSummary?

    enum CodingKeys: String, CodingKey {
        case name, file, bytes, model, networks, rules
        case promptSeconds = "prompt_seconds", promptTokens = "prompt_tokens", conditioningTokens = "conditioning_tokens"
        case heardSeconds = "heard_seconds", recordingSeconds = "recording_seconds", recording, notes
        case usedFrom = "used_from_seconds", usedTo = "used_to_seconds", sourceSeconds = "source_seconds"
    }

    private enum Network: String, CodingKey {
        case voiceEncoder = "voice_encoder", tokenizer = "s3_tokenizer", speakerEncoder = "speaker_encoder"
    }

    init(_ entry: VoiceLibrary.Entry) { (name, file, bytes) = (entry.name, entry.file.path, entry.bytes) }

    /// - Throws: errors of reading a voice.
    init(summarising file: URL) throws {
        summary = try VoiceSummary(of: file)
        name = nil
        self.file = file.path
        bytes = (try FileManager.default.attributesOfItem(atPath: file.path))[.size] as? Int ?? 0
    }

    func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encodeIfPresent(name, forKey: .name)
        try values.encode(file, forKey: .file)
        try values.encode(bytes, forKey: .bytes)
        guard let summary else { return }
        try values.encode(summary.promptSeconds, forKey: .promptSeconds)
        try values.encode(summary.promptTokens, forKey: .promptTokens)
        try values.encode(summary.conditioningTokens, forKey: .conditioningTokens)
        try values.encodeIfPresent(summary.heardSeconds, forKey: .heardSeconds)
        try values.encodeIfPresent(summary.excerpt?.seconds.lowerBound, forKey: .usedFrom)
        try values.encodeIfPresent(summary.excerpt?.seconds.upperBound, forKey: .usedTo)
        try values.encodeIfPresent(summary.excerpt?.total, forKey: .sourceSeconds)
        try values.encode(summary.notes, forKey: .notes)
        try values.encodeIfPresent(summary.keptSeconds, forKey: .recordingSeconds)
        if let quality = summary.recording {
            try values.encode(QualityDescription(quality: quality), forKey: .recording)
        }
        guard let origin = summary.origin else { return }
        try values.encodeIfPresent(origin.model, forKey: .model)
        var networks = values.nestedContainer(keyedBy: Network.self, forKey: .networks)
        try networks.encode(origin.voiceEncoder, forKey: .voiceEncoder)
        try networks.encode(origin.tokenizer, forKey: .tokenizer)
        try networks.encode(origin.speakerEncoder, forKey: .speakerEncoder)
        try values.encode(origin.rules, forKey: .rules)
    }

    /// The text for a person.
    var lines: String {
        guard let summary else { return file }
        let content =
            "It continues \(summary.promptSeconds) s of speech (\(summary.promptTokens) tokens) and speaks in the manner of "
            + "\(summary.conditioningTokens) tokens."
        return (["\(file), \(bytes / 1024) KiB", content] + Self.history(of: summary)).joined(separator: "\n")
    }

    private static func history(of summary: VoiceSummary) -> [String] {
        func seconds(_ value: Double) -> String { String(format: "%.1f s", value) }
        let kept =
            switch summary.keptSeconds {
            case nil: "It contains no recording: models with other networks refuse it."
            case let kept?: "It contains \(seconds(kept)) of the recording: models with other networks make it again from that."
            }
        let figures = summary.recording.map { [QualityDescription(quality: $0).figures] } ?? []
        // The notes made when the voice was prepared already cover what was corrected then.
        let quality = figures + (summary.notes.isEmpty ? summary.recording?.problems ?? [] : summary.notes).map { "Note: \($0)." }
        guard let origin = summary.origin else { return ["It does not contain digests of the networks that made it.", kept] + quality }
        let rules = origin.rules
        let place =
            summary.excerpt.map {
                String(format: " (%.1f to %.1f s of its %.1f s)", $0.seconds.lowerBound, $0.seconds.upperBound, $0.total)
            } ?? ""
        let length = summary.heardSeconds.map { " from \(seconds($0)) of recording\(place)" } ?? ""
        return [
            "Made with \(origin.model ?? "an unnamed model")\(length): voice encoder \(origin.voiceEncoder.prefix(8)), "
                + "S3 tokenizer \(origin.tokenizer.prefix(8)), speaker encoder \(origin.speakerEncoder.prefix(8)).",
            "Used as prompt tokens: the first \(seconds(rules.conditioningSeconds)); continued: the first \(seconds(rules.promptSeconds)); "
                + "loudness: \(rules.loudness.map { "\($0) LUFS" } ?? "as recorded"); at least \(seconds(rules.minimumSeconds)).",
            kept,
        ] + quality
    }
}
