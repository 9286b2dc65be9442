import Chatterbox
import Foundation
import Testing

/// How hard property tests search.
public enum Search {
    /// Where the random numbers start. Another number searches elsewhere.
    public static let seed: UInt64 = 1961
    /// Every search makes this many times its rounds: 1 for seconds, 300 for an hour.
    public static let effort = 1
}

/// Random numbers that come again from the same seed.
public struct SeededRandom: RandomNumberGenerator, Sendable {
    private var random: SplitMix64

    public init(seed: UInt64) { random = SplitMix64(seed: seed) }

    public mutating func next() -> UInt64 { random.next() }

    /// 0 ..< count.
    public mutating func below(_ count: Int) -> Int { Int.random(in: 0..<count, using: &self) }

    public mutating func bytes(_ count: Int) -> Data { Data((0..<count).map { _ in UInt8.random(in: 0...255, using: &self) }) }
}

/// Runs `body` so many times, each with random numbers of its own; what it throws fails the test, with the seed of the round.
public func search(
    rounds: Int, sourceLocation: SourceLocation = #_sourceLocation, _ body: (inout SeededRandom) throws -> Void
) {
    for round in 0..<rounds * Search.effort {
        let seed = Search.seed &* 1_000_003 &+ UInt64(round)
        var random = SeededRandom(seed: seed)
        do { try body(&random) } catch {
            Issue.record("round \(round), SeededRandom(seed: \(seed)): \(error)", sourceLocation: sourceLocation)
            return
        }
    }
}

/// A message that does not help.
public struct PoorMessage: Error, CustomStringConvertible {
    public let description: String
    public init(description: String) { self.description = description }
}

/// Writes the bytes and has them read: that must succeed, or fail with an error of one of the given kinds whose text
/// names the file, says what to do, and is one line that a terminal can show.
public func expectReadOrRefused(_ bytes: Data, at url: URL, _ kinds: [any Error.Type], _ read: (URL) throws -> Void) throws {
    try bytes.write(to: url)
    do { try read(url) } catch {
        let text = "\(error)"
        func poor(_ problem: String) -> PoorMessage {
            PoorMessage(
                description: "\(problem): \(type(of: error)) \"\(text.prefix(600))\", \(bytes.count) bytes \(bytes.prefix(400).base64EncodedString())"
            )
        }
        guard kinds.contains(where: { type(of: error) == $0 }) else { throw poor("an error of another kind") }
        guard text.contains(url.lastPathComponent) else { throw poor("the file is not named") }
        guard text.contains(";") || text.contains(":") else { throw poor("no remedy is named") }
        guard text.count < 1200, !text.contains("\n"), !text.unicodeScalars.contains(where: { $0.value < 32 }) else {
            throw poor("not one plain line")
        }
    }
}

extension Data {
    /// These bytes with one to four injuries: bits turned, numbers replaced by extreme ones, stretches cut out, doubled,
    /// exchanged or filled, the end cut off.
    public func damaged(using random: inout SeededRandom) -> Data {
        var bytes = [UInt8](self)
        for _ in 0..<1 + random.below(4) where !bytes.isEmpty {
            let at = random.below(bytes.count)
            let stretch = at..<Swift.min(bytes.count, at + 1 + random.below(16))
            switch random.below(9) {
            case 0: bytes[at] ^= 1 << random.below(8)
            case 1: bytes[at] = UInt8(random.below(256))
            case 2:
                let extreme: [UInt64] = [0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 1 << 62, .max >> 1, .max]
                let value = extreme[random.below(extreme.count)], width = [1, 2, 4, 8][random.below(4)]
                for (i, byte) in Swift.withUnsafeBytes(of: value.littleEndian, { Array($0) }).prefix(width).enumerated() where at + i < bytes.count {
                    bytes[at + i] = byte
                }
            case 3: bytes.removeSubrange(stretch)
            case 4: bytes.insert(contentsOf: bytes[stretch], at: at)
            case 5: for i in stretch { bytes[i] = 0 }
            case 6: for i in stretch { bytes[i] = UInt8(random.below(256)) }
            case 7:
                let other = random.below(bytes.count)
                for i in 0..<Swift.min(stretch.count, bytes.count - other) { bytes.swapAt(at + i, other + i) }
            default: if random.below(4) == 0 { bytes.removeLast(bytes.count - at) }
            }
        }
        return Data(bytes)
    }
}

extension String {
    /// This JSON text with one to three injuries that leave much of its order: numbers replaced by extreme ones, words
    /// by others of the text, names doubled, brackets lost.
    public func damagedJSON(using random: inout SeededRandom) -> String {
        var tokens = jsonTokens
        let strange = [
            "-1", "0", "1", "2", "3", "7", "1e400", "-0.0", "1.5", "9223372036854775807", "9223372036854775808", "4611686018427387904", "1000000",
            "true", "null",
            "\"\"", "\"\\ud800\"", "\"\\u0000\"", "\"\u{1B}[31m\"", "[]", "{}", "[[[[[[]]]]]]", "{\"a\":{\"a\":1}}", "NaN",
            "\"" + String(repeating: "x", count: 5000) + "\"",
        ]
        for _ in 0..<1 + random.below(3) where !tokens.isEmpty {
            let at = random.below(tokens.count)
            switch random.below(6) {
            case 0, 1, 2: tokens[at] = strange[random.below(strange.count)]
            case 3: tokens[at] = tokens[random.below(tokens.count)]
            case 4: tokens.remove(at: at)
            default:
                let end = Swift.min(tokens.count, at + 1 + random.below(12))
                tokens.insert(contentsOf: tokens[at..<end], at: end)
            }
        }
        return tokens.joined()
    }

    private var jsonTokens: [String] {
        var tokens: [String] = []
        var current = ""
        var inString = false, escaped = false
        for character in self {
            if inString {
                current.append(character)
                if escaped {
                    escaped = false
                } else if character == "\\" {
                    escaped = true
                } else if character == "\"" {
                    inString = false
                    tokens.append(current)
                    current = ""
                }
            } else if "{}[],: \n\"".contains(character) {
                if !current.isEmpty { tokens.append(current) }
                current = ""
                if character == "\"" { (current, inString) = ("\"", true) } else { tokens.append(String(character)) }
            } else {
                current.append(character)
            }
        }
        return current.isEmpty ? tokens : tokens + [current]
    }
}
