import Foundation
import SpeechAudio

/// The contents and origin of a prepared voice, read without its model.
public struct VoiceSummary: Sendable, Hashable {
    /// Speech tokens of S3Gen's prompt, 25 a second.
    public let promptTokens: Int
    /// Tokens of speech that T3 is conditioned on.
    public let conditioningTokens: Int
    /// Length of the speaker embedding.
    public let speakerEmbedding: Int
    /// The networks that made it and the rules for the recording; nil if the file does not contain them.
    public let origin: VoiceOrigin?
    /// Seconds of the recording that were used; nil if the file does not contain it.
    public let heardSeconds: Double?
    /// The part of a longer recording that was used; nil if that was all of it, or if the file does not contain it.
    public let excerpt: Voice.Excerpt?
    /// Notes about the recording from when the voice was made, each the end of a sentence.
    public let notes: [String]
    /// Seconds of the recording that the file contains; nil if it contains none.
    public let keptSeconds: Double?

    /// The quality of the recording in the file; nil if it contains none.
    public let recording: RecordingQuality?

    /// - Parameter file: as for ``Voice/load(from:sizes:)``.
    /// - Throws: the same errors, if the file cannot be read or is not a voice.
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

    /// Seconds of S3Gen's prompt.
    public var promptSeconds: Double { Double(promptTokens) / 25 }
}
