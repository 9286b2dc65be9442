import SpeechAudio

/// What happens to a request while it is spoken, in order: first ``started(seed:)``, last ``finished(_:)``.
public enum SpeechEvent: Sendable, Hashable {
    /// Work has begun; the seed is what every random number follows from, to speak the text the same way again.
    case started(seed: UInt64)
    /// The next stretch of sound, with what is spoken in it.
    case audio(SpeechChunk)
    /// Something a person should know; the speech is made all the same. Each once.
    case warning(SpeechWarning)
    /// Where the work stands.
    case progress(SpeechProgress)
    /// All has been spoken; what the work came to.
    case finished(SpeechReport)

    /// Seconds of sound in it.
    var seconds: Double { if case .audio(let chunk) = self { chunk.audio.duration } else { 0 } }
}
