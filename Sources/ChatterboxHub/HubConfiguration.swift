import Foundation

/// The hub, its cache, and limits of time and retries.
///
/// The program creates it from its environment; this module does not read environment variables.
public struct HubConfiguration: Sendable {
    /// The hub, without a slash at its end.
    public var endpoint: String
    /// The folder with a subfolder for each repository, in the layout of Python's `huggingface_hub`.
    public var cacheFolder: URL
    /// The access token, which is sent only to the hub.
    public var token: String?
    /// Whether only files in the cache are used.
    public var isOffline: Bool
    /// A proxy for requests to other hosts than this machine.
    public var proxy: HubProxy?
    /// What is wrong with the proxy that the environment names; thrown when the hub is first used.
    var proxyProblem: HubError?
    /// Number of files that are downloaded at the same time.
    public var parallelFiles: Int
    /// Limits of waiting times and of failures.
    public var patience: HubPatience
    /// The links that the file system supports.
    var links = DiskLinks.system

    /// The public hub's address.
    public static let publicEndpoint = "https://huggingface.co"

    public init(
        endpoint: String = publicEndpoint, cacheFolder: URL, token: String? = nil, isOffline: Bool = false, proxy: HubProxy? = nil,
        parallelFiles: Int = 4, patience: HubPatience = HubPatience()
    ) {
        var endpoint = endpoint
        while endpoint.hasSuffix("/") { endpoint.removeLast() }
        self.endpoint = endpoint
        self.cacheFolder = cacheFolder
        self.token = token
        self.isOffline = isOffline
        self.proxy = proxy
        self.parallelFiles = max(1, parallelFiles)
        self.patience = patience
    }

    /// The settings that Python's client takes from these variables: `HF_ENDPOINT`, `HF_HUB_CACHE`, `HF_HOME`, `XDG_CACHE_HOME`, `HF_TOKEN`,
    /// `HF_TOKEN_PATH` and the token file that `hf auth login` writes, `HF_HUB_OFFLINE`, and the variables for a proxy.
    ///
    /// - Parameters:
    ///   - environment: the process's variables.
    ///   - home: the user's home folder, for `~` in a variable.
    public init(environment: [String: String], home: URL) {
        func value(_ names: String...) -> String? { names.lazy.compactMap { environment[$0] }.first { !$0.isEmpty } }
        func folder(_ path: String) -> URL {
            let path = Self.expand(path, environment)
            return path == "~" ? home : path.hasPrefix("~/") ? home.appending(path: path.dropFirst(2)) : URL(filePath: path)
        }
        let caches = value("XDG_CACHE_HOME").map(folder) ?? home.appending(path: ".cache")
        let hubHome = value("HF_HOME").map(folder) ?? caches.appending(path: "huggingface")
        let tokenFile = value("HF_TOKEN_PATH").map(folder) ?? hubHome.appending(path: "token")
        let token = value("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN") ?? (try? String(contentsOf: tokenFile, encoding: .utf8))
        let endpoint = value("HF_ENDPOINT") ?? Self.publicEndpoint
        self.init(
            endpoint: endpoint,
            cacheFolder: value("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE").map(folder) ?? hubHome.appending(path: "hub"),
            token: token?.trimmingCharacters(in: .whitespacesAndNewlines).nonEmpty,
            isOffline: value("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE").map { ["1", "ON", "YES", "TRUE"].contains($0.uppercased()) } ?? false,
            proxy: nil)
        do { proxy = try HubProxy(environment: environment, endpoint: endpoint) } catch { proxyProblem = error }
    }

    /// Replaces `$NAME` and `${NAME}` if the variables are set.
    private static func expand(_ path: String, _ environment: [String: String]) -> String {
        path.replacing(#/\$(?:\{(\w+)\}|(\w+))/#) { match in
            environment[String(match.1 ?? match.2 ?? "")] ?? String(match.0)
        }
    }
}

/// Limits of waiting times and of failures, after which a download fails.
public struct HubPatience: Sendable {
    /// Consecutive attempts without new data.
    public var attempts = 6
    /// The pause before the second attempt; it doubles with each attempt.
    public var firstPause = Duration.seconds(1)
    /// The longest pause, unless the hub requests a longer one (`Retry-After`).
    public var longestPause = Duration.seconds(16)
    /// The longest pause that the hub may request.
    public var longestRequestedPause = Duration.seconds(600)
    /// Time limit for a connection and for the header of a response.
    public var response = Duration.seconds(20)
    /// Time without data after which a transfer is ended.
    public var silence = Duration.seconds(20)
    /// A transfer with fewer than `slowestBytes` in this time is restarted.
    public var slowWindow = Duration.seconds(60)
    public var slowestBytes = 64 * 1024

    public init() {}
}

extension String {
    var nonEmpty: String? { isEmpty ? nil : self }
}

/// The clock of downloads, which tests can replace.
public struct HubClock: Sendable {
    /// Time since some moment.
    public let now: @Sendable () -> Duration
    public let sleep: @Sendable (Duration) async throws -> Void

    public init(now: @escaping @Sendable () -> Duration, sleep: @escaping @Sendable (Duration) async throws -> Void) {
        self.now = now
        self.sleep = sleep
    }

    /// The machine's.
    public static var continuous: HubClock {
        let clock = ContinuousClock()
        let start = clock.now
        return HubClock(now: { clock.now - start }, sleep: { try await clock.sleep(for: $0) })
    }
}
