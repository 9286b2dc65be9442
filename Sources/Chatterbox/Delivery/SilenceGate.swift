import Foundation

/// Removes the silence around an utterance while its sound is still being computed, as ``SpeechJoiner`` does for a complete one.
///
/// The loudness of the utterance is not known at its beginning. Silence is therefore detected with an absolute level first, and relative to the
/// loudest moment so far as soon as that gives a higher level. Silence within the utterance is held back until speech continues; at the end it is
/// removed. The resulting samples do not depend on how the input is divided.
struct SilenceGate {
    /// A beginning below this share of full scale is silence: -50 dB.
    static let level: Float = 0.00316

    private let window, margin, tail, fade: Int
    /// Samples that have not been returned yet, and the number of the first of them.
    private var held: [Float] = []
    private var given = 0
    /// The number of samples whose level has been measured.
    private var measured = 0
    private var loudest: Float = 0
    /// The first sample that is kept, and the one after the last loud moment; nil before any.
    private var (start, loudEnd): (Int?, Int) = (nil, 0)

    init(sampleRate: Int) {
        func samples(_ seconds: Double) -> Int { Int(seconds * Double(sampleRate)) }
        window = sampleRate / 100
        (margin, tail, fade) = (samples(SpeechJoiner.margin), samples(SpeechJoiner.tail), samples(SpeechJoiner.fade))
    }

    /// The part of the utterance that is kept so far; empty if everything is silent.
    private(set) var kept = 0..<0

    /// The samples that are final; may be empty.
    ///
    /// - Parameter isLast: whether the utterance ends with them.
    mutating func callAsFunction(_ samples: [Float], isLast: Bool) -> [Float] {
        held += samples
        let count = given + held.count
        while measured + window <= count || isLast && measured < count { measure(upTo: min(measured + window, count)) }
        guard let start else {
            // The beginning may belong to the margin before the first sound.
            drop(isLast ? held.count : max(0, held.count - margin - window))
            return []
        }
        if given < start { drop(start - given) }
        // If the utterance ends in silence, its last samples will be faded.
        let speechEnd = min(count, loudEnd + tail), end = isLast ? speechEnd : max(given, min(measured, speechEnd) - fade)
        var result = Array(held.prefix(end - given))
        for index in result.indices {
            let place = given + index
            if start > 0, place - start < fade { result[index] *= Float(place - start) / Float(fade) }
            if isLast, speechEnd < count, speechEnd - 1 - place < fade { result[index] *= Float(speechEnd - 1 - place) / Float(fade) }
        }
        drop(result.count)
        kept = start..<end
        if isLast { drop(held.count) }
        return result
    }

    private mutating func measure(upTo end: Int) {
        let loudness = held[measured - given..<end - given].reduce(0) { max($0, abs($1)) }
        if loudness > max(Self.level, loudest * SpeechJoiner.silenceShare) {
            if start == nil { start = max(0, measured - margin) }
            loudEnd = end
        }
        loudest = max(loudest, loudness)
        measured = end
    }

    private mutating func drop(_ count: Int) {
        held.removeFirst(count)
        given += count
    }
}
