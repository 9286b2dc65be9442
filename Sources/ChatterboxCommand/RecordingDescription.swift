import Foundation
import SpeechAudio

/// A recording as `voice show` tells of it before a voice is made: what would be used, and how good it is.
struct RecordingDescription: Encodable {
    private let file: String
    private let seconds: Double
    private let rate: Int
    private let channels: Int
    private let quality: RecordingQuality
    private let notes: [String]

    private enum CodingKeys: String, CodingKey { case file, seconds, rate = "sample_rate", channels, quality = "recording", notes }

    /// - Throws: `AudioError` where the file is no sound, or nobody speaks in it.
    init(_ file: URL) throws {
        let name = file.lastPathComponent
        let recording = try Recording.read(file).checkedAsReference(named: name), reference = try recording.asReference(named: name)
        self.file = file.path
        (seconds, rate, channels) = (recording.duration, recording.sampleRate, recording.channels)
        (quality, notes) = (RecordingQuality(of: reference.audio), reference.notes)
    }

    /// What a person reads.
    var lines: String {
        let first = String(format: "%@, a recording of %.1f s at %d Hz", file, seconds, rate) + (channels > 1 ? ", \(channels) channels" : "")
        // Problems are among the notes.
        return ([first] + VoiceDescription.quality(quality).prefix(1) + notes.map { "Note: \($0)." }).joined(separator: "\n")
    }
}
