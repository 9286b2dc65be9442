import FileSupport

/// The seeds of a request's utterances.
///
/// The first utterance uses the request's seed itself, as in upstream. The seed of each later one is computed from the request's seed, its text, and
/// how often that text occurred before: changing or inserting an utterance does not affect others.
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

    /// The seed of a further take of an utterance.
    ///
    /// - Parameters:
    ///   - seed: the seed of its first take.
    ///   - draw: the take's number, from 1.
    static func seed(_ seed: UInt64, draw: Int) -> UInt64 { draw == 1 ? seed : mixed(seed &+ UInt64(draw)) }

    private static func mixed(_ value: UInt64) -> UInt64 {
        var random = SplitMix64(seed: value)
        return random.next()
    }
}

/// A small random number generator whose state is a single number (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014):
/// for orders, times and choices that a seed determines.
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
