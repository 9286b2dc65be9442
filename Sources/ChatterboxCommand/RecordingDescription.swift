import Foundation
import SpeechAudio

/// A recording in `voice show`, before a voice is made of it: the part that would be used, and its quality.
struct RecordingDescription: Encodable {
    private let file: String
    private let seconds: Double
    private let rate: Int
    private let channels: Int
    private let used: ClosedRange<Double>
    private let quality: QualityDescription
    private let notes: [String]

    private enum CodingKeys: String, CodingKey {
        case file, seconds, rate = "sample_rate", channels, quality = "recording", notes
        case usedFrom = "used_from_seconds", usedTo = "used_to_seconds"
    }

    /// - Throws: `AudioError` if the file is not sound, or contains no speech.
    init(_ file: URL) throws {
        let name = file.lastPathComponent
        let recording = try Recording.read(file).checkedAsReference(named: name), reference = try recording.asReference(named: name)
        self.file = file.path
        (seconds, rate, channels) = (recording.duration, recording.sampleRate, recording.channels)
        used = reference.used ?? 0...recording.duration
        (quality, notes) = (QualityDescription(quality: reference.quality), reference.notes)
    }

    func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(file, forKey: .file)
        try values.encode(seconds, forKey: .seconds)
        try values.encode(rate, forKey: .rate)
        try values.encode(channels, forKey: .channels)
        try values.encode(used.lowerBound, forKey: .usedFrom)
        try values.encode(used.upperBound, forKey: .usedTo)
        try values.encode(quality, forKey: .quality)
        try values.encode(notes, forKey: .notes)
    }

    /// The text for a person.
    var lines: String {
        let first = String(format: "%@, a recording of %.1f s at %d Hz", file, seconds, rate) + (channels > 1 ? ", \(channels) channels" : "")
        let part = String(
            format: "A voice uses %.1f s of it, from %.1f to %.1f s.", used.upperBound - used.lowerBound, used.lowerBound, used.upperBound)
        // The notes include the problems.
        return ([first, part, quality.figures] + notes.map { "Note: \($0)." }).joined(separator: "\n")
    }
}

/// The quality of a voice's recording, as text and as printed by `--json`.
struct QualityDescription: Encodable {
    let quality: RecordingQuality

    private enum CodingKeys: String, CodingKey {
        case speechSeconds = "speech_seconds", level = "level_db", peak = "peak_db", clipping, offset, noise = "noise_db", problems
    }

    func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(quality.speechSeconds, forKey: .speechSeconds)
        if quality.level.isFinite { try values.encode(quality.level, forKey: .level) }
        if quality.peak.isFinite { try values.encode(quality.peak, forKey: .peak) }
        try values.encode(quality.clipping, forKey: .clipping)
        try values.encode(quality.offset, forKey: .offset)
        try values.encodeIfPresent(quality.noise, forKey: .noise)
        try values.encode(quality.problems, forKey: .problems)
    }

    /// The figures as text for a person.
    var figures: String {
        let noise = quality.signalToNoise.map { String(format: "%.0f dB above the noise", $0) } ?? "no pause to measure noise in"
        let figures = String(
            format: "%.1f s of that are speech, at %.0f dB of full scale, peaks at %.1f dB, ", quality.speechSeconds, quality.level, quality.peak)
        let clipped = quality.clipping > 0 ? String(format: ", %.2f %% clipped", 100 * quality.clipping) : ", nothing clipped"
        return figures + noise + clipped + "."
    }
}
