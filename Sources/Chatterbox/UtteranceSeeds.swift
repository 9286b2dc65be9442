import FileSupport

/// The seeds of a request's utterances.
///
/// The first draws from the request's seed itself, as upstream does. Each later one has a seed of its own, which follows from
/// the request's, its text, and how often that text came before: an utterance that is changed or inserted changes no other.
struct UtteranceSeeds {
    private let seed: UInt64
    private var counts: [String: UInt64] = [:]
    private var isFirst = true

    init(_ seed: UInt64) { self.seed = seed }

    mutating func next(for text: String) -> UInt64 {
        let count = counts[text, default: 0]
        counts[text] = count + 1
        if isFirst {
            isFirst = false
            return seed
        }
        return Self.mixed(Self.mixed(seed ^ text.fnv1a) &+ count)
    }

    /// The seed of an utterance's further draw.
    ///
    /// - Parameters:
    ///   - seed: of its first draw.
    ///   - draw: counted from 1.
    static func seed(_ seed: UInt64, draw: Int) -> UInt64 { draw == 1 ? seed : mixed(seed &+ UInt64(draw)) }

    private static func mixed(_ value: UInt64) -> UInt64 {
        var random = SplitMix64(seed: value)
        return random.next()
    }
}

/// A small generator of random numbers whose whole state is one number (Steele, Lea and Flood, "Fast splittable pseudorandom
/// number generators", 2014): for orders, times and choices that a seed must tell.
package struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
