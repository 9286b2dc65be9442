import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// A client of a Hugging Face hub: queries its files and downloads them into the cache that is shared with Python's client.
public struct HubClient: Sendable {
    public let configuration: HubConfiguration
    public var cache: HubCache { HubCache(configuration.cacheFolder, links: configuration.links) }
    let clock: HubClock
    let http: HTTPClient
    /// The free bytes on a folder's disk; nil if they are not known.
    let freeSpace: @Sendable (URL) -> Int?

    /// Runs `body` with a client, and closes its connections afterwards.
    ///
    /// - Parameters:
    ///   - configuration: the hub, its cache, and limits of time and retries.
    ///   - clock: the clock for pauses between attempts and for measuring speed.
    ///   - freeSpace: returns the free bytes on a folder's disk.
    ///   - body: may use the client until it returns.
    public static func with<Result: Sendable>(
        _ configuration: HubConfiguration, clock: HubClock = .continuous,
        freeSpace: @escaping @Sendable (URL) -> Int? = DiskSpace.free, _ body: (HubClient) async throws -> Result
    ) async throws -> Result {
        if let problem = configuration.proxyProblem, !configuration.isOffline { throw problem }
        var settings = HTTPClient.Configuration()
        // Redirects are followed in this code, so that the token is not sent to another host.
        settings.redirectConfiguration = .disallow
        settings.timeout.connect = .nanoseconds(configuration.patience.response.nanoseconds)
        settings.timeout.read = .nanoseconds(configuration.patience.silence.nanoseconds)
        // Attempts are counted here, and an unreachable hub should be reported at once.
        settings.connectionPool.retryConnectionEstablishment = false
        // A connection for each file is faster than one for all.
        settings.httpVersion = .http1Only
        settings.proxy = configuration.proxy.map { proxy in
            switch proxy.kind {
            case .http:
                .server(host: proxy.host, port: proxy.port, authorization: proxy.user.map { .basic(username: $0, password: proxy.password ?? "") })
            case .socks: .socksServer(host: proxy.host, port: proxy.port)
            }
        }
        let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: settings)
        let client = HubClient(configuration: configuration, clock: clock, http: http, freeSpace: freeSpace)
        do {
            let result = try await body(client)
            try await http.shutdown()
            return result
        } catch {
            try? await http.shutdown()
            throw error
        }
    }

    // MARK: requests

    /// The address of a file's contents.
    func address(of name: String, in repository: HubRepository, revision: String) -> String {
        // A slash in a branch's name would separate folders.
        let allowed = CharacterSet.urlPathAllowed.subtracting(CharacterSet(charactersIn: "/"))
        let revision = revision.addingPercentEncoding(withAllowedCharacters: allowed) ?? revision
        let name = name.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed) ?? name
        return "\(configuration.endpoint)/\(repository.id)/resolve/\(revision)/\(name)"
    }

    /// One request, without following a redirect.
    ///
    /// - Throws: ``Failure/transient(_:)`` if there is no response.
    func send(_ method: HTTPMethod, _ url: String, range: Int? = nil) async throws -> HTTPClientResponse {
        var request = HTTPClientRequest(url: url)
        request.method = method
        request.headers.add(name: "User-Agent", value: "chatterbox-swift")
        // Sizes and ranges then refer to the file itself.
        request.headers.add(name: "Accept-Encoding", value: "identity")
        if let range { request.headers.add(name: "Range", value: "bytes=\(range)-") }
        if let token = configuration.token, Origin(url) == Origin(configuration.endpoint) {
            request.headers.add(name: "Authorization", value: "Bearer \(token)")
        }
        do {
            if method == .HEAD {
                return try await http.execute(request, timeout: .nanoseconds(configuration.patience.response.nanoseconds))
            }
            return try await http.execute(request, deadline: .distantFuture)
        } catch {
            throw try Failure(error)
        }
    }

    /// The complete address of a redirect; nil if the response is not a redirect.
    func redirect(_ response: HTTPClientResponse, from url: String) -> String? {
        guard (300..<400).contains(response.status.code), let location = response.headers.first(name: "Location") else { return nil }
        return URL(string: location, relativeTo: URL(string: url))?.absoluteString
    }

    // MARK: descriptions

    /// Queries a file's properties without downloading it.
    ///
    /// - Parameters:
    ///   - name: path within the repository.
    ///   - repository: the repository with the file.
    ///   - revision: the name of a branch, a tag or a commit.
    ///   - attempts: number of attempts in all; nil uses the configuration's.
    ///   - onEvent: called before each pause between attempts.
    /// - Throws: ``HubError``.
    public func describe(
        _ name: String, in repository: HubRepository, revision: String = HubRevision.main, attempts: Int? = nil,
        onEvent: (HubEvent) -> Void = { _ in }
    ) async throws -> HubFile {
        let start = address(of: name, in: repository, revision: revision)
        var pauses = Pauses(configuration.patience, attempts: attempts)
        while true {
            do {
                return try await describeOnce(name, repository, revision, start)
            } catch let failure as Failure {
                try await pauses.pause(after: failure, clock, onEvent) { failed in
                    switch failure {
                    case .status(let code, _, let url): HubError.status(url: url, code: code, attempts: failed)
                    case .transient(let reason), .final(let reason): HubError.unreachable(url: configuration.endpoint, reason: reason)
                    }
                }
            }
        }
    }

    private func describeOnce(_ name: String, _ repository: HubRepository, _ revision: String, _ start: String) async throws -> HubFile {
        // The headers of a redirect also describe its target. A mirror may omit the commit if the request named it.
        var url = start, tag: String?, size: String?
        var commit = HubRevision.isCommit(revision) ? revision : nil
        for _ in 0..<10 {
            let response = try await send(.HEAD, url)
            try check(response, url, name, repository, revision)
            let next = redirect(response, from: url)
            commit = response.headers.first(name: "X-Repo-Commit") ?? commit
            tag = response.headers.first(name: "X-Linked-Etag") ?? tag
            size = response.headers.first(name: "X-Linked-Size") ?? size
            if let next, tag == nil || commit == nil || size == nil && HubRevision.isCommit(revision) {
                url = next
                continue
            }
            func require<Value>(_ value: Value?, _ what: String) throws -> Value {
                guard let value else { throw HubError.notAHub(url: url, missing: what) }
                return value
            }
            let found = try require(commit, "X-Repo-Commit")
            guard HubRevision.isCommit(found) else { throw HubError.notAHub(url: url, missing: "commit in X-Repo-Commit") }
            let bytes = size ?? (next == nil ? response.headers.first(name: "Content-Length") : nil)
            let checksum = (tag ?? response.headers.first(name: "ETag")).flatMap(HubChecksum.init)
            return HubFile(
                repository: repository, name: name, commit: found,
                size: try require(bytes.flatMap { Int($0) }.flatMap { $0 >= 0 ? $0 : nil }, "X-Linked-Size"),
                checksum: try require(checksum, "checksum as its ETag"))
        }
        throw HubError.tooManyRedirects(url: start)
    }

    /// - Throws: ``HubError`` for a permanent refusal, ``Failure/status(_:retryAfter:url:)`` for a temporary one.
    func check(_ response: HTTPClientResponse, _ url: String, _ name: String, _ repository: HubRepository, _ revision: String) throws {
        let code = Int(response.status.code)
        guard code >= 400 else { return }
        let reason = response.headers.first(name: "X-Error-Code")
        let isHub = Origin(url) == Origin(configuration.endpoint)
        switch (code, reason) {
        case (_, "RepoNotFound"): throw HubError.noRepository(repository.id, endpoint: configuration.endpoint)
        case (404, "RevisionNotFound"): throw HubError.noRevision(repository: repository.id, revision: revision)
        case (404, _) where isHub: throw HubError.noFile(repository: repository.id, revision: revision, file: name)
        case (401, _) where isHub, (403, _) where isHub:
            throw HubError.refused(
                repository: repository.id, hasToken: configuration.token != nil, reason: response.headers.first(name: "X-Error-Message"))
        // The address of a content server expires; the hub returns a new one.
        default: throw Failure.status(code, retryAfter: RetryAfter.duration(in: response.headers), url: url)
        }
    }
}

/// The scheme, host and port for which a token is valid.
struct Origin: Equatable {
    let scheme, host: String
    let port: Int

    init?(_ address: String) {
        guard let url = URL(string: address), let scheme = url.scheme?.lowercased(), let host = url.host()?.lowercased() else { return nil }
        self.scheme = scheme
        self.host = host
        port = url.port ?? (scheme == "https" ? 443 : 80)
    }
}

extension Duration {
    var nanoseconds: Int64 { components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000 }
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
