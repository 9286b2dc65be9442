import Foundation
import SpeechAudio

/// A piece of sound as it comes to a listener.
public struct HeardSound: Sendable, Hashable {
    public let seconds: Double
    /// Seconds at its beginning that are too quiet to be heard; all of it where nothing is.
    public let silence: Double

    public init(seconds: Double, silence: Double = 0) {
        (self.seconds, self.silence) = (seconds, silence)
    }

    /// - Parameter audio: heard where a sample is louder than −60 dB of full scale.
    public init(_ audio: Audio) {
        let first = audio.samples.firstIndex { abs($0) > Audio.audibleMagnitude } ?? audio.samples.count
        self.init(seconds: audio.duration, silence: Double(first) / Double(audio.sampleRate))
    }
}

/// Somebody who plays speech as it comes, from the first sound that can be heard. Whoever has played all that came before the
/// next sound comes runs dry, and goes on with that.
public struct Listener: Sendable, Hashable {
    /// When the first sound came that can be heard; nil before that.
    public private(set) var firstAudio: Double?
    public private(set) var underruns = 0
    /// Seconds without sound in all underruns.
    public private(set) var drySeconds = 0.0
    /// Seconds of all that came, silence included.
    public private(set) var audioSeconds = 0.0
    /// When all that came has been played.
    private var endOfSound = 0.0

    public init() {}

    /// - Parameters:
    ///   - sound: what came.
    ///   - time: in seconds, of the same clock each time.
    public mutating func hear(_ sound: HeardSound, at time: Double) {
        audioSeconds += sound.seconds
        if firstAudio == nil {
            guard sound.silence < sound.seconds else { return }
            firstAudio = time
            endOfSound = time + sound.seconds - sound.silence
            return
        }
        if time > endOfSound {
            underruns += 1
            drySeconds += time - endOfSound
            endOfSound = time
        }
        endOfSound += sound.seconds
    }
}
