import Foundation
import SpeechAudio

/// A piece of sound when a listener receives it.
public struct HeardSound: Sendable, Hashable {
    public let seconds: Double
    /// Seconds of inaudible sound at its beginning; its whole duration if all of it is inaudible.
    public let silence: Double

    public init(seconds: Double, silence: Double = 0) {
        (self.seconds, self.silence) = (seconds, silence)
    }

    /// - Parameter audio: samples above −60 dB of full scale are audible.
    public init(_ audio: Audio) {
        let first = audio.samples.firstIndex { abs($0) > Audio.audibleMagnitude } ?? audio.samples.count
        self.init(seconds: audio.duration, silence: Double(first) / Double(audio.sampleRate))
    }
}

/// A listener who plays speech as it arrives, from the first audible sound. When all received sound has been played before the next arrives, there
/// is an underrun; playing continues with the next sound.
public struct Listener: Sendable, Hashable {
    /// The time of the first audible sound; nil before that.
    public private(set) var firstAudio: Double?
    public private(set) var underruns = 0
    /// Seconds without sound in all underruns.
    public private(set) var drySeconds = 0.0
    /// Seconds of all received sound, silence included.
    public private(set) var audioSeconds = 0.0
    /// The time at which all sound received so far has been played.
    private var endOfSound = 0.0

    public init() {}

    /// - Parameters:
    ///   - sound: the received sound.
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
