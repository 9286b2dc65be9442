import Foundation
import Synchronization

/// What one client may have: requests a minute, and requests at once.
final class ClientLimits: Sendable {
    private struct Account {
        /// Requests that may come at once now.
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

    /// Counts a request, until what is returned goes away.
    ///
    /// - Throws: ``APIError`` where the client has had what it may have.
    func admit(_ client: String) throws -> Place? {
        guard perMinute != nil || atOnce != nil else { return nil }
        let time = now()
        try accounts.withLock { accounts in
            // Clients that have been quiet for a minute have all that they may have.
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

    /// Requests that a client may still make at once.
    func remaining(_ client: String) -> Int? {
        perMinute.map { limit in accounts.withLock { max(0, Int($0[client]?.tokens ?? Double(limit))) } }
    }
}
