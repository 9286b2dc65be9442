import FileSupport
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

@testable import ChatterboxHub

/// A hub on this machine: it answers like Hugging Face's, except for the requested failures.
///
/// Large files are redirected to a second server, as on the real one; small ones are served directly.
final class FakeHub: Sendable {
    struct Request: Sendable {
        /// 0 for the hub, 1 for its content server.
        let server: Int
        let method: HTTPMethod
        let path: String
        let headers: HTTPHeaders

        var range: String? { headers.first(name: "Range") }
        var isContents: Bool { method == .GET }
    }

    /// A failure of a response.
    enum Trouble: Sendable {
        case status(Int, headers: [(String, String)] = [])
        /// The connection is closed after this many bytes of the body, when the client has received them.
        case cut(after: Int)
        /// Nothing is sent after this position in the file.
        case stall(at: Int)
        /// The body is sent byte by byte, each after the client has received the previous one.
        case drip
        /// The byte at this position is changed.
        case damage(at: Int)
        case ignoreRange
        case wrongRange
        /// The announced length differs from the body's.
        case announce(Int)
        /// The body ends early, without an announced length.
        case short(by: Int)
        /// The body continues beyond its end, without an announced length.
        case long(by: Int)
        case redirect(String)
        case without(header: String)
    }

    let commit: String
    private let files: Mutex<[String: Data]>
    private let log = Mutex<[Request]>([])
    private let arrivals = Mutex(0)
    private let trouble: @Sendable (Request, Int) -> Trouble?
    private let ports = Mutex<[Int]>([])
    private let channels = Mutex<[any Channel]>([])

    /// - Parameters:
    ///   - files: contents by `ORG/NAME/path`.
    ///   - trouble: called for every request, with the number of equal requests before it.
    init(
        _ files: [String: Data], commit: String = String(repeating: "a1", count: 20),
        trouble: @escaping @Sendable (Request, Int) -> Trouble? = { _, _ in nil }
    ) async throws {
        self.files = Mutex(files)
        self.commit = commit
        self.trouble = trouble
        for server in 0..<2 {
            let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                        try channel.pipeline.syncOperations.addHandler(Connection(hub: self, server: server))
                    }
                }
                .bind(host: "127.0.0.1", port: 0).get()
            ports.withLock { $0.append(channel.localAddress!.port!) }
            channels.withLock { $0.append(channel) }
        }
    }

    /// Stops the servers.
    func stop() async throws {
        for channel in channels.withLock({ $0 }) { try await channel.close().get() }
    }

    func address(_ server: Int = 0) -> String { "http://127.0.0.1:\(ports.withLock { $0[server] })" }

    /// Every request so far.
    var requests: [Request] { log.withLock { $0 } }
    /// Requests for contents so far.
    var transfers: [Request] { requests.filter(\.isContents) }

    /// The number of bytes of the file that the client has received, according to the client. Bytes that a client library has read and not passed on
    /// are lost when a connection ends, more of them on a busy machine; ends therefore wait for this.
    var arrived: Int {
        get { arrivals.withLock { $0 } }
        set { arrivals.withLock { $0 = newValue } }
    }

    func contents(_ path: String) -> Data { files.withLock { $0[path]! } }

    static func checksum(_ data: Data) -> String {
        isLarge(data)
            ? SHA256.digest(data)
            : MessageDigest.digits(MessageDigest.of(Data("blob \(data.count)\0".utf8) + data, by: .sha1))
    }

    static func isLarge(_ data: Data) -> Bool { data.count > 1000 }

    // MARK: answering

    struct Answer {
        var status = HTTPResponseStatus.ok
        var headers = HTTPHeaders()
        var body = Data()
        /// The position in the file at which the body begins.
        var start = 0
        /// The number of bytes after which the connection is closed or sends nothing more.
        var end: (after: Int, closes: Bool)?
        var isDripping = false
        var isChunked = false
    }

    fileprivate func answer(_ request: Request) -> Answer {
        let before = log.withLock { log in
            defer { log.append(request) }
            return log.count { $0.server == request.server && $0.method == request.method && $0.path == request.path }
        }
        let trouble = trouble(request, before)
        if case .status(let code, let headers) = trouble {
            return Answer(status: .init(statusCode: code), headers: HTTPHeaders(headers), body: Data("no".utf8))
        }
        if case .redirect(let location) = trouble { return Answer(status: .found, headers: ["Location": location]) }
        var start = request.range.flatMap { Int($0.dropFirst("bytes=".count).dropLast()) }
        switch trouble {
        case .ignoreRange: start = nil
        case .wrongRange: start = start.map { $0 + 1 }
        default: break
        }
        var answer = request.server == 0 ? describe(request, start) : serve(String(request.path.dropFirst()), from: start)
        spoil(&answer, trouble)
        return answer
    }

    /// The hub: `/ORG/NAME/resolve/REVISION/PATH`.
    private func describe(_ request: Request, _ start: Int?) -> Answer {
        func missing(_ code: String) -> Answer { Answer(status: .notFound, headers: ["X-Error-Code": code, "X-Repo-Commit": commit]) }
        guard let match = request.path.wholeMatch(of: #/\/([^\/]+\/[^\/]+)\/resolve\/([^\/]+)\/(.+)/#) else { return missing("RepoNotFound") }
        let repository = String(match.1), revision = String(match.2).removingPercentEncoding!, path = "\(repository)/\(match.3)"
        let known = files.withLock { $0 }
        guard known.keys.contains(where: { $0.hasPrefix(repository + "/") }) else { return missing("RepoNotFound") }
        guard [commit, "main", "next/try"].contains(revision) else { return missing("RevisionNotFound") }
        guard let data = known[path] else { return missing("EntryNotFound") }
        let tag = "\"\(Self.checksum(data))\""
        guard Self.isLarge(data) else {
            var answer = serve(path, from: start)
            answer.headers.add(name: "X-Repo-Commit", value: commit)
            answer.headers.add(name: "ETag", value: tag)
            return answer
        }
        return Answer(
            status: .found,
            headers: [
                "X-Repo-Commit": commit, "X-Linked-Etag": tag, "X-Linked-Size": "\(data.count)", "ETag": "\"another\"",
                "Location": "\(address(1))/\(path)",
            ])
    }

    /// Sends contents from the requested position on.
    private func serve(_ path: String, from start: Int?) -> Answer {
        guard let data = files.withLock({ $0[path] }) else { return Answer(status: .notFound) }
        guard let start else { return Answer(body: data) }
        guard start < data.count else { return Answer(status: .rangeNotSatisfiable) }
        return Answer(
            status: .partialContent, headers: ["Content-Range": "bytes \(start)-\(data.count - 1)/\(data.count)"], body: Data(data[start...]),
            start: start)
    }

    private func spoil(_ answer: inout Answer, _ trouble: Trouble?) {
        switch trouble {
        case .cut(let count): answer.end = (count, true)
        case .stall(let place): answer.end = (max(0, place - answer.start), false)
        case .drip: answer.isDripping = true
        case .damage(let place) where place < answer.body.count: answer.body[answer.body.startIndex + place] ^= 0xFF
        case .announce(let length): answer.headers.replaceOrAdd(name: "Content-Length", value: "\(length)")
        case .short(let count): (answer.body, answer.isChunked) = (answer.body.dropLast(count), true)
        case .long(let count): (answer.body, answer.isChunked) = (answer.body + Data(repeating: 7, count: count), true)
        case .without(let header): answer.headers.remove(name: header)
        case .ignoreRange, .wrongRange, .damage, .status, .redirect, nil: break
        }
    }
}

private final class Connection: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let hub: FakeHub
    private let server: Int
    private var head: HTTPRequestHead?

    init(hub: FakeHub, server: Int) {
        self.hub = hub
        self.server = server
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): self.head = head
        case .body: break
        case .end:
            guard let head else { return }
            send(hub.answer(FakeHub.Request(server: server, method: head.method, path: head.uri, headers: head.headers)), to: head, context)
        }
    }

    private func send(_ answer: FakeHub.Answer, to request: HTTPRequestHead, _ context: ChannelHandlerContext) {
        var headers = answer.headers
        if !answer.isChunked, !headers.contains(name: "Content-Length") { headers.add(name: "Content-Length", value: "\(answer.body.count)") }
        if answer.isChunked { headers.add(name: "Transfer-Encoding", value: "chunked") }
        context.write(wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: answer.status, headers: headers))), promise: nil)
        let body = request.method == .HEAD ? Data() : answer.body.prefix(answer.end?.after ?? answer.body.count)
        if answer.isDripping, request.method != .HEAD { return drip(body, from: answer.start, context) }
        let piece = 4096
        var start = body.startIndex
        while start < body.endIndex {
            let end = min(body.endIndex, start + piece)
            context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: body[start..<end])))), promise: nil)
            start = end
        }
        if let end = answer.end, request.method != .HEAD {
            context.flush()
            if end.closes { once(answer.start + body.count, context) { context.close(promise: nil) } }
            return
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    private func drip(_ body: Data, from place: Int, _ context: ChannelHandlerContext) {
        guard let first = body.first else { return }
        context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: [first])))), promise: nil)
        once(place + 1, context) { self.drip(body.dropFirst(), from: place + 1, context) }
    }

    /// Continues when the client has received the file up to a position, as long as it is connected.
    private func once(_ place: Int, _ context: ChannelHandlerContext, _ goOn: @escaping () -> Void) {
        guard context.channel.isActive else { return }
        if hub.arrived >= place { return goOn() }
        context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(1)) { self.once(place, context, goOn) }
    }
}
