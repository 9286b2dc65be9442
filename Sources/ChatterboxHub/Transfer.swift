import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix

/// Downloads one file from the hub into the cache.
///
/// An attempt continues where the last one stopped, even one of an earlier run of the program. A file gets its name in the cache only after its
/// checksum has been verified.
struct Transfer {
    let client: HubClient
    let file: HubFile
    let meter: ProgressMeter

    private var patience: HubPatience { client.configuration.patience }
    private var blob: URL { client.cache.blob(file.checksum, of: file.repository) }
    /// The number of bytes that are written at a time.
    private static let block = 1 << 20
    /// The number of complete files with a wrong checksum after which the download fails.
    private static let corruptions = 3

    /// - Returns: the path of the contents: under their checksum, unless another process has stored them elsewhere.
    /// - Throws: ``HubError``, `CancellationError`.
    func run() async throws -> URL {
        let cache = client.cache
        let lock = try await FileLock.acquire(cache.lock(file.checksum, of: file.repository), clock: client.clock) {
            meter.report(.waitingForOther(file: file.name))
        }
        defer { withExtendedLifetime(lock) {} }
        // Another process may have downloaded it meanwhile.
        if let contents = try await NIOThreadPool.singleton.runIfActive({ try cache.intactContents(of: file) }) {
            meter.credit(file.size)
            meter.finishFile()
            return contents
        }
        let incomplete = try await NIOThreadPool.singleton.runIfActive {
            try IncompleteFile(
                blob.appendingPathExtension("incomplete"), checksum: file.checksum, size: file.size)
        }
        meter.credit(incomplete.count)
        try await fill(incomplete)
        try await NIOThreadPool.singleton.runIfActive { try incomplete.commit(to: blob) }
        meter.finishFile()
        return blob
    }

    /// Downloads until the checksum is right.
    private func fill(_ incomplete: IncompleteFile) async throws {
        var pauses = Pauses(patience), corruptions = 0
        while true {
            let before = incomplete.count
            do {
                if before < file.size { try await receive(into: incomplete) }
                let found = incomplete.digits()
                if found == file.checksum.digits { return }
                corruptions += 1
                try restart(incomplete)
                guard corruptions < Self.corruptions else {
                    incomplete.remove()
                    throw HubError.corrupt(file: file.name, expected: file.checksum.digits, found: found, attempts: corruptions)
                }
                throw Failure.transient("it was damaged in transfer")
            } catch let failure as Failure {
                // A server that sends a little and then stops counts as one that sends nothing.
                if incomplete.count - before >= patience.slowestBytes { pauses.reset() }
                try await pauses.pause(after: failure, client.clock, meter.report) { failed in
                    switch failure {
                    case .status(let code, _, let url): .status(url: url, code: code, attempts: failed)
                    case .transient(let reason), .final(let reason):
                        .interrupted(file: file.name, received: incomplete.count, size: file.size, attempts: failed, reason: reason)
                    }
                }
            }
        }
    }

    private func restart(_ incomplete: IncompleteFile) throws {
        meter.credit(-incomplete.count)
        try incomplete.empty()
    }

    /// Requests the rest of the file and receives it to the end.
    ///
    /// - Throws: ``Failure`` if the end is not reached.
    private func receive(into incomplete: IncompleteFile) async throws {
        let response = try await open(from: incomplete.count, incomplete)
        let clock = client.clock
        var pending = ByteBuffer(), windowStart = clock.now(), windowBytes = 0
        func store() async throws {
            guard pending.readableBytes > 0 else { return }
            let buffer = pending
            try await NIOThreadPool.singleton.runIfActive { try buffer.withUnsafeReadableBytes { try incomplete.append($0) } }
            pending.clear()
        }
        do {
            for try await var chunk in response.body {
                windowBytes += chunk.readableBytes
                meter.receive(chunk.readableBytes)
                pending.writeBuffer(&chunk)
                guard incomplete.count + pending.readableBytes <= file.size else {
                    meter.credit(-pending.readableBytes)
                    pending.clear()
                    try restart(incomplete)
                    throw Failure.transient("more than \(file.size.asBytes) came")
                }
                if pending.readableBytes >= Self.block { try await store() }
                let now = clock.now()
                if now - windowStart >= patience.slowWindow {
                    guard windowBytes >= patience.slowestBytes else { throw Failure.transient("almost no data arrives") }
                    (windowStart, windowBytes) = (now, 0)
                }
            }
            try await store()
        } catch {
            // The next attempt can use the bytes that have arrived.
            try await store()
            throw try Failure(error)
        }
        guard incomplete.count == file.size else { throw Failure.transient("the transfer ended early") }
    }

    /// The answer whose body is the file from `offset` on.
    private func open(from offset: Int, _ incomplete: IncompleteFile) async throws -> HTTPClientResponse {
        var url = client.address(of: file.name, in: file.repository, revision: file.commit)
        for _ in 0..<10 {
            let response = try await client.send(.GET, url, range: offset > 0 ? offset : nil)
            if let next = client.redirect(response, from: url) {
                url = next
                continue
            }
            if response.status == .rangeNotSatisfiable { try restart(incomplete) }
            try client.check(response, url, file.name, file.repository, file.commit)
            var expected = file.size - offset
            switch response.status {
            case .partialContent where offset > 0:
                guard let range = ContentRange(response.headers), range.start == offset, range.size == nil || range.size == file.size else {
                    try restart(incomplete)
                    throw Failure.transient("the server sent another part of the file than requested")
                }
            case .ok:
                // The server ignored the range and sends the file from the beginning.
                if offset > 0 { try restart(incomplete) }
                expected = file.size
            default: throw Failure.status(Int(response.status.code), retryAfter: nil, url: url)
            }
            if let length = response.headers.first(name: "Content-Length").flatMap({ Int($0) }), length != expected {
                throw Failure.transient("\(length) bytes were announced, \(expected) expected")
            }
            return response
        }
        throw HubError.tooManyRedirects(url: url)
    }
}

/// For example `bytes 100-199/200`.
struct ContentRange {
    let start: Int
    /// The size of the whole file; nil if the server does not state it.
    let size: Int?

    init?(_ headers: HTTPHeaders) {
        guard let value = headers.first(name: "Content-Range"),
            let match = value.wholeMatch(of: #/bytes (\d+)-\d+\/(\d+|\*)/#), let start = Int(match.1)
        else { return nil }
        self.start = start
        size = Int(match.2)
    }
}
