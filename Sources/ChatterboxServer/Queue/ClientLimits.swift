import FileSupport
import Foundation
import Synchronization

/// The limits of each client: requests per minute, and simultaneous requests.
final class ClientLimits: Sendable {
    private struct Account {
        /// The number of requests that may be made immediately.
        var tokens: Double
        var seen: ContinuousClock.Instant
        var open = 0
    }

    /// nil sets no limit.
    let perMinute, atOnce: Int?
    private let accounts = Mutex<[String: Account]>([:])
    private let now: @Sendable () -> ContinuousClock.Instant

    init(perMinute: Int?, atOnce: Int?, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        (self.perMinute, self.atOnce, self.now) = (perMinute, atOnce, now)
    }

    /// Counts a request, until the returned object is released.
    ///
    /// - Throws: ``APIError`` if the client exceeds a limit.
    func admit(_ client: String) throws -> Place? {
        guard perMinute != nil || atOnce != nil else { return nil }
        let time = now()
        try accounts.withLock { accounts in
            // A client without requests for a minute has its full allowance again.
            if accounts.count > 10_000 { accounts = accounts.filter { $0.value.open > 0 || time - $0.value.seen < .seconds(60) } }
            let most = Double(perMinute ?? 0)
            var account = accounts[client] ?? Account(tokens: most, seen: time)
            account.tokens = min(most, account.tokens + (time - account.seen) / .seconds(60) * most)
            account.seen = time
            if perMinute != nil, account.tokens < 1 {
                accounts[client] = account
                throw APIError.busy(
                    "\(perMinute!) requests a minute are allowed", code: "rate_limit_exceeded", retryAfter: (1 - account.tokens) * 60 / most)
            }
            if let atOnce, account.open >= atOnce {
                accounts[client] = account
                throw APIError.busy("\(atOnce) requests at once are allowed", code: "concurrency_limit_exceeded", retryAfter: 1)
            }
            account.tokens -= 1
            account.open += 1
            accounts[client] = account
        }
        return Place { [self] in accounts.withLock { $0[client]?.open -= 1 } }
    }

    /// The number of further simultaneous requests that a client may make.
    func remaining(_ client: String) -> Int? {
        perMinute.map { limit in accounts.withLock { max(0, Int($0[client]?.tokens ?? Double(limit))) } }
    }
}

/// The valid API keys, stored as digests, so that a key cannot be found by measuring how long a refusal takes.
public struct Keyring: Sendable {
    private struct Key: Sendable {
        let name: String
        let digest: [UInt8]
    }

    private let keys: [Key]

    /// No keys: requests need no key.
    public static let none = Keyring(keys: [])

    private init(keys: [Key]) { self.keys = keys }

    /// - Parameter text: a key on each line, optionally followed by a name; blank lines and lines that begin with # are ignored.
    public init(_ text: String) {
        keys = text.split(whereSeparator: \.isNewline).enumerated().compactMap { index, line in
            let words = line.split(whereSeparator: \.isWhitespace)
            guard let key = words.first, !key.hasPrefix("#") else { return nil }
            return Key(name: words.count > 1 ? String(words[1]) : "key \(index + 1)", digest: Self.digest(String(key)))
        }
    }

    public var isEmpty: Bool { keys.isEmpty }

    /// The name of a key; nil if it is unknown. All keys are compared, every byte of each.
    func name(of key: String) -> String? {
        let digest = Self.digest(key)
        var found: String?
        for known in keys {
            let difference = zip(known.digest, digest).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) }
            if difference == 0 { found = known.name }
        }
        return found
    }

    private static func digest(_ key: String) -> [UInt8] { MessageDigest.of(key.utf8, by: .sha256) }
}
