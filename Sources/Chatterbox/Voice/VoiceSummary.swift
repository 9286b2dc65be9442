import Foundation
import SpeechAudio

/// How much a prepared voice holds and what made it, told without the model that it is for.
public struct VoiceSummary: Sendable, Hashable {
    /// Tokens of speech that S3Gen continues, 25 a second.
    public let promptTokens: Int
    /// Tokens of speech that T3 is conditioned on.
    public let conditioningTokens: Int
    /// Numbers that say who speaks.
    public let speakerEmbedding: Int
    /// Which networks made it, by which rules; nil where the file does not tell.
    public let origin: VoiceOrigin?
    /// Seconds of the recording that they heard; nil where the file does not tell.
    public let heardSeconds: Double?
    /// Which part of a longer recording those are; nil where they are all of it or the file does not tell.
    public let excerpt: Voice.Excerpt?
    /// What was said of the recording when the voice was made, each the end of a sentence.
    public let notes: [String]
    /// Seconds of it that the file keeps; nil where it keeps no recording.
    public let keptSeconds: Double?

    /// What the recording that it keeps is like; nil where it keeps none.
    public let recording: RecordingQuality?

    /// - Parameter file: as for ``Voice/load(from:sizes:)``.
    /// - Throws: as there, where the file cannot be read or is no voice.
    public init(of file: URL) throws {
        let voice = try Voice.unchecked(from: file)
        func length(_ tensor: [Int], _ name: String) throws -> Int {
            guard tensor.count == 2, tensor[0] == 1 else {
                throw VoiceError.shape(source: file.lastPathComponent, tensor: name, expected: "[1, any]", found: tensor)
            }
            return tensor[1]
        }
        promptTokens = try length(voice.prompt.tokens.shape, Voice.Name.promptTokens)
        conditioningTokens = try length(voice.conditioningTokens.shape, Voice.Name.conditioningTokens)
        speakerEmbedding = try length(voice.speakerEmbedding.shape, Voice.Name.speakerEmbedding)
        (origin, heardSeconds, keptSeconds) = (voice.origin, voice.heardSeconds, voice.recording?.seconds)
        (excerpt, notes) = (voice.excerpt, voice.recordingNotes)
        recording = try voice.recording.map { RecordingQuality(of: try $0.audio(named: "the recording in \(file.lastPathComponent)")) }
    }

    /// Seconds of speech that S3Gen continues.
    public var promptSeconds: Double { Double(promptTokens) / 25 }
}
