import SpeechAudio

/// What happens to a request while it is spoken, in order: first ``started(seed:)``, last ``finished(_:)``.
package enum SpeechEvent: Sendable, Hashable {
    /// Work has begun; the seed is what every random number follows from, to speak the text the same way again.
    case started(seed: UInt64)
    /// The next stretch of sound, mono at the model's rate, which follows the one before without a gap. Never empty.
    case audio(Audio)
    /// Words of the sound that comes next, in seconds from the beginning of the whole speech; where
    /// ``SpeechOptions/wordTimes`` are asked for.
    case words([SpokenWord])
    /// Something a person should know; the speech is made all the same. Each once.
    case warning(SpeechWarning)
    /// Where the work stands.
    case progress(SpeechProgress)
    /// All has been spoken; what the work came to.
    case finished(SpeechReport)

    /// Seconds of sound in it.
    var seconds: Double { if case .audio(let audio) = self { audio.duration } else { 0 } }
}
