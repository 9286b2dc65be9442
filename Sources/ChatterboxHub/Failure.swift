import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix

/// A failed attempt, and whether another attempt may succeed.
enum Failure: Error {
    /// A failure of the connection; the reason is for a person.
    case transient(String)
    case status(Int, retryAfter: Duration?, url: String)
    /// A failure that repeating does not change; the reason is for a person.
    case final(String)

    /// - Throws: cancellations and errors of this package, after which nothing is repeated.
    init(_ error: any Error) throws {
        switch error {
        case let failure as Failure: self = failure
        case is CancellationError, is HubError: throw error
        case let error as HTTPClientError where error == .cancelled: throw CancellationError()
        case let error as HTTPClientError where error == .proxyAuthenticationRequired:
            self = .final("the proxy refuses the name and password in its address, or requires them and there are none")
        case let error as HTTPClientError: self = .transient(Self.reasons.first { $0.error == error }?.reason ?? error.shortDescription)
        case HTTPParserError.invalidEOFState: self = .transient("the connection was cut")
        case let error as NIOConnectionError where error.connectionErrors.isEmpty: self = .transient("no such host: \(error.host)")
        case is NIOConnectionError: self = .transient("the host does not answer")
        case let error as IOError: self = .transient(String(cString: strerror(error.errnoCode)))
        default: self = .transient("\(error)")
        }
    }

    private static let reasons: [(error: HTTPClientError, reason: String)] = [
        (.readTimeout, "no answer in time"), (.deadlineExceeded, "no answer in time"), (.connectTimeout, "no connection in time"),
        (.remoteConnectionClosed, "the connection was cut"),
        (.invalidProxyResponse, "the proxy refuses a tunnel (CONNECT) to it, which is also needed for hubs without TLS"),
    ]
}

/// The pauses between attempts, each twice as long as the one before, or as long as the hub requests.
struct Pauses {
    private let patience: HubPatience
    private let attempts: Int
    /// Consecutive attempts that received nothing.
    private(set) var failed = 0

    init(_ patience: HubPatience, attempts: Int? = nil) {
        self.patience = patience
        self.attempts = attempts ?? patience.attempts
    }

    /// Call this after an attempt that received something.
    mutating func reset() { failed = 0 }

    /// Waits after a failure.
    ///
    /// - Parameter giveUp: makes the error to throw from the number of failed attempts.
    mutating func pause(
        after failure: Failure, _ clock: HubClock, _ onEvent: (HubEvent) -> Void, giveUp: (Int) -> HubError
    ) async throws {
        failed += 1
        var pause = patience.firstPause * (1 << min(failed - 1, 20))
        if pause > patience.longestPause { pause = patience.longestPause }
        let reason: String
        switch failure {
        case .transient(let text): reason = text
        case .final: throw giveUp(failed)
        case .status(let code, let asked, _):
            // Waiting does not change other refusals.
            guard [403, 408, 416, 429].contains(code) || code >= 500 else { throw giveUp(failed) }
            reason = "the hub answered \(code)"
            if let asked {
                guard asked <= patience.longestRequestedPause else { throw giveUp(failed) }
                pause = max(pause, asked)
            }
        }
        guard failed < attempts else { throw giveUp(failed) }
        onEvent(.pausing(pause, reason: reason))
        try await clock.sleep(pause)
        try Task.checkCancellation()
    }
}

/// The header in which a server says when to repeat a request.
enum RetryAfter {
    /// Given in seconds or as a date.
    static func duration(in headers: HTTPHeaders, now: Date = Date()) -> Duration? {
        guard let value = headers.first(name: "Retry-After") else { return nil }
        if let seconds = Int(value) { return .seconds(max(0, min(seconds, 1 << 30))) }
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "GMT")
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss zzz"
        guard let date = formatter.date(from: value) else { return nil }
        return .seconds(max(0, date.timeIntervalSince(now)))
    }
}
