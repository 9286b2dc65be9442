import Foundation

/// Damages files the way that fuzzers do: bits turned over, bytes replaced, stretches left out, doubled or taken from elsewhere, numbers
/// made extreme.
public struct Mutations {
    private var random: SeededRandom
    private let seeds: [[UInt8]]

    /// - Parameter seeds: files that are whole; at least one.
    public init(of seeds: [Data], seed: UInt64) {
        self.seeds = seeds.map { [UInt8]($0) }
        random = SeededRandom(seed: seed)
    }

    /// How many files a test damages: some for every run, more where `FUZZ_ROUNDS` says so.
    public static var rounds: Int { ProcessInfo.processInfo.environment["FUZZ_ROUNDS"].flatMap { Int($0) } ?? 150 }

    /// The next damaged file.
    public mutating func next() -> Data {
        var bytes = seeds.randomElement(using: &random)!
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            guard !bytes.isEmpty else { break }
            // Headers are at the beginning.
            let limit = Bool.random(using: &random) ? min(bytes.count, 256) : bytes.count
            let place = Int.random(in: 0..<limit, using: &random)
            let end = min(bytes.count, place + Int.random(in: 1...64, using: &random))
            switch Int.random(in: 0..<8, using: &random) {
            case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 2: bytes.removeSubrange(place..<end)
            case 3: bytes.insert(contentsOf: bytes[place..<end], at: place)
            case 4: bytes.removeSubrange(place...)
            case 5:
                for index in place..<min(bytes.count, place + [1, 2, 4, 8].randomElement(using: &random)!) {
                    bytes[index] = [0, 0xFF, 0x7F, 0x80].randomElement(using: &random)!
                }
            case 6:
                let other = seeds.randomElement(using: &random)!, from = Int.random(in: 0..<max(1, other.count), using: &random)
                bytes.replaceSubrange(place..<end, with: other[from..<min(other.count, from + 64)])
            default: bytes.insert(contentsOf: Array("9999999999999999999\"[{-".utf8).shuffled(using: &random).prefix(5), at: place)
            }
        }
        return Data(bytes)
    }
}
