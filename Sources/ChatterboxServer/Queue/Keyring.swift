import Crypto
import Foundation

/// The keys that clients may show, as digests: nobody finds a key by how long it takes to be refused.
public struct Keyring: Sendable {
    private struct Key: Sendable {
        let name: String
        let digest: [UInt8]
    }

    private let keys: [Key]

    /// No keys: everybody may ask.
    public static let none = Keyring(keys: [])

    private init(keys: [Key]) { self.keys = keys }

    /// - Parameter text: a key on each line, perhaps with a name behind it; blank lines and those that begin with # count for
    ///   nothing.
    public init(_ text: String) {
        keys = text.split(whereSeparator: \.isNewline).enumerated().compactMap { index, line in
            let words = line.split(whereSeparator: \.isWhitespace)
            guard let key = words.first, !key.hasPrefix("#") else { return nil }
            return Key(name: words.count > 1 ? String(words[1]) : "key \(index + 1)", digest: Self.digest(String(key)))
        }
    }

    public var isEmpty: Bool { keys.isEmpty }

    /// The name of a key; nil where it is none of these. All keys are compared, every byte of each.
    func name(of key: String) -> String? {
        let digest = Self.digest(key)
        var found: String?
        for known in keys {
            let difference = zip(known.digest, digest).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) }
            if difference == 0 { found = known.name }
        }
        return found
    }

    private static func digest(_ key: String) -> [UInt8] { Array(SHA256.hash(data: Data(key.utf8))) }
}
