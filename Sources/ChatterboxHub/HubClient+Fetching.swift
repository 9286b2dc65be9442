import Foundation
import NIOPosix

/// A requested file.
public struct HubRequest: Sendable, Hashable {
    /// Paths within the repository; the first that exists is used.
    public let names: [String]
    /// Whether the repository may have none of them.
    public let isOptional: Bool

    /// - Precondition: paths that stay within the repository.
    public init(_ name: String, orElse others: String..., isOptional: Bool = false) {
        names = [name] + others
        self.isOptional = isOptional
        precondition(names.allSatisfy { $0.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { !["", ".", ".."].contains($0) } })
    }
}

extension HubClient {
    /// Downloads files of a repository into the cache, all from the same commit, and returns their paths.
    ///
    /// Files in the cache are used after their checksums have been verified, whichever program downloaded them and whether or not they are links. If
    /// nothing is missing, the cache need not be writable. If the hub cannot be reached, the files of the last known commit are used if they are
    /// complete.
    ///
    /// - Parameters:
    ///   - requests: the files; at least one of them must not be optional.
    ///   - repository: the repository with the files.
    ///   - revision: the name of a branch, a tag or a commit.
    ///   - onEvent: called often and from several threads.
    /// - Throws: ``HubError``, `CancellationError`.
    public func fetch(
        _ requests: [HubRequest], from repository: HubRepository, revision: String = HubRevision.main,
        onEvent: @escaping @Sendable (HubEvent) -> Void = { _ in }
    ) async throws -> [String: URL] {
        precondition(requests.contains { !$0.isOptional }, "at least one file that must be there")
        let cached = cachedFiles(requests, of: repository, revision: revision)
        guard !configuration.isOffline else {
            guard let cached else { throw notCached(requests, repository, revision, reason: "nothing is fetched offline") }
            return cached
        }
        let files: [HubFile]
        do {
            files = try await describe(requests, repository, revision, attempts: cached == nil ? nil : 1, onEvent)
        } catch let error as HubError {
            guard let cached, error.isOutage else { throw error }
            onEvent(.usingCache(reason: error.description))
            return cached
        }
        let meter = ProgressMeter(files: files.count, bytes: files.reduce(0) { $0 + $1.size }, clock: clock, onEvent: onEvent)
        let here = try await inParallel(files) { file in
            let contents = try await NIOThreadPool.singleton.runIfActive { try cache.intactContents(of: file) }
            guard contents != nil else { return contents }
            meter.credit(file.size)
            meter.finishFile()
            return contents
        }
        let missing = zip(files, here).filter { $1 == nil }.map(\.0)
        try checkRoom(for: missing)
        // The largest files begin first, so that the small ones run beside the last of them.
        let ordered = missing.sorted { $0.size > $1.size }
        let transferred = try await inParallel(ordered) { try await Transfer(client: self, file: $0, meter: meter).run() }
        let fetched = Dictionary(zip(ordered, transferred), uniquingKeysWith: { first, _ in first })
        var places: [String: URL] = [:], isSnapshotWhole = true
        for (file, contents) in zip(files, here) {
            if let contents {
                do { places[file.name] = try cache.place(file, contents: contents) } catch HubError.unwritable {
                    // A cache that cannot be written is used without changes.
                    places[file.name] = contents
                    isSnapshotWhole = false
                }
            } else {
                let isMovable = files.count { $0.checksum == file.checksum } == 1
                places[file.name] = try cache.place(file, contents: fetched[file]!, isMovable: isMovable)
            }
        }
        // Written last, so that until then the previous commit's files are used.
        if isSnapshotWhole {
            do { try cache.note(files[0].commit, as: revision, of: repository) } catch HubError.unwritable where missing.isEmpty {}
        }
        return places
    }

    /// The files in the cache, without a request to the hub; nil if a required one is missing.
    public func cachedFiles(_ requests: [HubRequest], of repository: HubRepository, revision: String = HubRevision.main) -> [String: URL]? {
        cache.files(requests, of: repository, revision: revision)
    }

    private func notCached(_ requests: [HubRequest], _ repository: HubRepository, _ revision: String, reason: String) -> HubError {
        let missing = requests.filter { !$0.isOptional && cache.file($0, of: repository, revision: revision) == nil }
        return .notCached(repository: repository.id, files: missing.map { $0.names[0] }, folder: cache.folder.path, reason: reason)
    }

    /// The description of the first file names the commit at which the others are described.
    func describe(
        _ requests: [HubRequest], _ repository: HubRepository, _ revision: String, attempts: Int? = nil,
        _ onEvent: @escaping @Sendable (HubEvent) -> Void
    ) async throws -> [HubFile] {
        let first = requests.first { !$0.isOptional }!
        let known = try await describe(first, in: repository, revision: revision, attempts: attempts, onEvent: onEvent)!
        let rest = try await inParallel(requests.filter { $0 != first }) { request -> HubFile? in
            try await describe(request, in: repository, revision: known.commit, attempts: attempts, onEvent: onEvent)
        }
        return [known] + rest.compactMap { $0 }
    }

    /// The first of a request's names that the repository has; nil if it has none and the request is optional.
    private func describe(
        _ request: HubRequest, in repository: HubRepository, revision: String, attempts: Int?, onEvent: (HubEvent) -> Void
    ) async throws -> HubFile? {
        for name in request.names {
            do {
                return try await describe(name, in: repository, revision: revision, attempts: attempts, onEvent: onEvent)
            } catch HubError.noFile {}
        }
        if request.isOptional { return nil }
        throw HubError.noFile(repository: repository.id, revision: revision, file: request.names.joined(separator: " or "))
    }

    /// - Throws: ``HubError/diskFull(folder:needed:available:)``.
    private func checkRoom(for files: [HubFile]) throws {
        let needed = Dictionary(grouping: files) { cache.blob($0.checksum, of: $0.repository) }.reduce(0) { sum, entry in
            sum + max(0, entry.value[0].size - Self.size(of: entry.key.appendingPathExtension("incomplete")))
        }
        guard needed > 0, let available = freeSpace(cache.folder), available < needed else { return }
        throw HubError.diskFull(folder: cache.folder.path, needed: needed, available: available)
    }

    private static func size(of file: URL) -> Int {
        var status = stat()
        return stat(file.path, &status) == 0 ? Int(status.st_size) : 0
    }

    /// Calls a function for each item, several at a time, and returns the results in order. The first failure cancels the others.
    private func inParallel<Item: Sendable, Result: Sendable>(
        _ items: [Item], _ work: @escaping @Sendable (Item) async throws -> Result
    ) async throws -> [Result] {
        try await withThrowingTaskGroup(of: (Int, Result).self) { group in
            var results = [Result?](repeating: nil, count: items.count)
            for (index, item) in items.enumerated() {
                if index >= configuration.parallelFiles, let (done, result) = try await group.next() { results[done] = result }
                group.addTask { (index, try await work(item)) }
            }
            for try await (done, result) in group { results[done] = result }
            return results.map { $0! }
        }
    }
}

extension HubCache {
    /// Complete files of a revision; nil if a required one is missing.
    public func files(_ requests: [HubRequest], of repository: HubRepository, revision: String = HubRevision.main) -> [String: URL]? {
        var files: [String: URL] = [:]
        for request in requests {
            guard let file = file(request, of: repository, revision: revision) else {
                guard request.isOptional else { return nil }
                continue
            }
            files[file.name] = file.url
        }
        return files
    }

    /// The first of a request's names that is in the cache.
    func file(_ request: HubRequest, of repository: HubRepository, revision: String) -> (name: String, url: URL)? {
        request.names.lazy.compactMap { name in file(name, of: repository, revision: revision).map { (name, $0) } }.first
    }
}

extension HubError {
    /// Whether the connection or the hub is the cause, and not the request.
    var isOutage: Bool {
        switch self {
        case .unreachable, .status, .notAHub, .tooManyRedirects: true
        default: false
        }
    }
}
