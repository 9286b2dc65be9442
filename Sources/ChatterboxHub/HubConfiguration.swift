import Foundation

/// Which hub is asked, where its files are kept, and how patiently.
///
/// The program makes one from its environment; nothing below reads an environment variable.
public struct HubConfiguration: Sendable {
    /// The hub, without a slash at its end.
    public var endpoint: String
    /// Holds a folder for each repository, laid out as Python's `huggingface_hub` lays it out.
    public var cacheFolder: URL
    /// Shown to the hub and to no other host.
    public var token: String?
    /// Only files that are there already are used.
    public var isOffline: Bool
    /// A proxy for requests to other hosts than this machine.
    public var proxy: HubProxy?
    /// What is wrong with the proxy that the environment names; thrown when the hub is to be reached.
    var proxyProblem: HubError?
    /// Files that are fetched at the same time.
    public var parallelFiles: Int
    /// How long the hub may keep us waiting, and how often it may fail.
    public var patience: HubPatience
    /// Links as the disk has them.
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

    /// What Python's client takes from the same variables: `HF_ENDPOINT`, `HF_HUB_CACHE`, `HF_HOME`, `XDG_CACHE_HOME`,
    /// `HF_TOKEN`, `HF_TOKEN_PATH` and the token file that `hf auth login` leaves, `HF_HUB_OFFLINE`, and a proxy's.
    ///
    /// - Parameters:
    ///   - environment: the process's variables.
    ///   - home: the user's folder, which `~` in a variable stands for.
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

    /// `$NAME` and `${NAME}` replaced where they are set.
    private static func expand(_ path: String, _ environment: [String: String]) -> String {
        path.replacing(#/\$(?:\{(\w+)\}|(\w+))/#) { match in
            environment[String(match.1 ?? match.2 ?? "")] ?? String(match.0)
        }
    }
}

/// How long a hub may keep us waiting, and how often it may fail, before a download is given up.
public struct HubPatience: Sendable {
    /// Tries in a row that bring nothing.
    public var attempts = 6
    /// The pause before the second try; it doubles with each.
    public var firstPause = Duration.seconds(1)
    /// No pause is longer, unless the hub asks for it (`Retry-After`).
    public var longestPause = Duration.seconds(16)
    /// Longer than this the hub may not ask us to wait.
    public var longestRequestedPause = Duration.seconds(600)
    /// Time for a connection and for an answer's headers.
    public var response = Duration.seconds(20)
    /// Silence that ends a transfer.
    public var silence = Duration.seconds(20)
    /// A transfer slower than `slowestBytes` in this time is taken up anew.
    public var slowWindow = Duration.seconds(60)
    public var slowestBytes = 64 * 1024

    public init() {}
}

extension String {
    var nonEmpty: String? { isEmpty ? nil : self }
}

/// Time as downloads know it, so that tests need not wait.
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
