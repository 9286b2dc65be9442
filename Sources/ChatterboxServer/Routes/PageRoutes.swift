import CServerFiles
import FileSupport
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// The web page at `/`: its files are part of the program, and its content security policy allows nothing to be loaded from other sites.
struct PageRoutes: Sendable {
    func add(to router: Router<ServerContext>) {
        for method in [HTTPRequest.Method.get, .head] {
            router.on("/", method: method) { request, _ in root(request) }
            router.on("/page/:file", method: method) { request, context in try file(request, context) }
        }
    }

    /// The page for browsers, which ask for HTML; other programs get JSON with the addresses of the API.
    private func root(_ request: Request) -> Response {
        guard request.headers[.accept]?.contains("text/html") == true else {
            var response = Response(["service": "chatterbox", "speech": "/v1/audio/speech", "documentation": "/openapi.json"])
            response.headers[.vary] = "Accept"
            return response
        }
        return PageFile.index.response(to: request)
    }

    private func file(_ request: Request, _ context: ServerContext) throws -> Response {
        let name = try context.parameters.require("file")
        guard let file = PageFile.all[name] else { throw APIError(.notFound, "the page has no file \(name)", code: "unknown_url") }
        return file.response(to: request)
    }
}

/// A file that is part of the program.
enum ServerFile {
    /// All files, by their names in `Resources`.
    static let all: [String: [UInt8]] = {
        let files = sequence(state: 0) { index -> ct_server_file? in
            defer { index += 1 }
            return ct_server_file(index)?.pointee
        }
        return Dictionary(uniqueKeysWithValues: files.map { (String(cString: $0.name), Array(UnsafeBufferPointer(start: $0.bytes, count: $0.size))) })
    }()

    /// The contents of a file that must exist.
    static func bytes(_ name: String) -> [UInt8] {
        guard let bytes = all[name] else { preconditionFailure("the program has no file \(name)") }
        return bytes
    }
}

/// A file of the page.
struct PageFile: Sendable {
    let bytes: [UInt8]
    private let type: String
    /// A digest of the bytes: browsers cache the file, and ask whether it has changed.
    private let tag: String

    private init(_ bytes: [UInt8], _ type: String) {
        (self.bytes, self.type) = (bytes, type)
        tag = "\"" + SHA256.digest(bytes).prefix(32) + "\""
    }

    private static let types = [
        "css": "text/css; charset=utf-8", "html": "text/html; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml",
    ]

    /// The files of the page, by name.
    static let all: [String: PageFile] = {
        let files = ServerFile.all.compactMap { path, bytes -> (String, PageFile)? in
            guard path.hasPrefix("page/"), let type = types[URL(filePath: path).pathExtension] else { return nil }
            return (String(path.dropFirst("page/".count)), PageFile(bytes, type))
        }
        return Dictionary(uniqueKeysWithValues: files)
    }()

    static let index = PageFile(ServerFile.bytes("page/index.html"), types["html"]!)

    /// Whether a path is that of one of the page's files.
    static func isPage(_ path: String) -> Bool { path.hasPrefix("/page/") && all[String(path.dropFirst("/page/".count))] != nil }

    /// What the page may do: run its own scripts, show its own images, send requests to this server, and play sound that it has recorded itself.
    private static let policy = [
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'", "media-src blob:", "base-uri 'none'",
        "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'",
    ].joined(separator: "; ")

    /// The file, or the status that says that the browser's copy is current.
    func response(to request: Request) -> Response {
        var headers: HTTPFields = [
            .contentType: type, .eTag: tag, .cacheControl: "no-cache", .vary: "Accept", .contentSecurityPolicy: Self.policy,
            .xContentTypeOptions: "nosniff", .referrerPolicy: "no-referrer", .permissionsPolicy: "microphone=(self), camera=(), geolocation=()",
        ]
        let known = request.headers[values: .ifNoneMatch].flatMap { $0.split(separator: ",") }.map { $0.trimmingCharacters(in: .whitespaces) }
        guard !known.contains(where: { $0 == tag || $0 == "W/" + tag || $0 == "*" }) else { return Response(status: .notModified, headers: headers) }
        headers[.contentLength] = "\(bytes.count)"
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}

extension HTTPField.Name {
    fileprivate static let referrerPolicy = Self("referrer-policy")!
    fileprivate static let permissionsPolicy = Self("permissions-policy")!
}
