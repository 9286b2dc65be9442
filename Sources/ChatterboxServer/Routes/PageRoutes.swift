import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// The web page at `/`: files of its own, which are in the program, and a policy that lets it load nothing from elsewhere.
struct PageRoutes: Sendable {
    func add(to router: Router<ServerContext>) {
        for method in [HTTPRequest.Method.get, .head] {
            router.on("/", method: method) { request, _ in root(request) }
            router.on("/page/:file", method: method) { request, context in try file(request, context) }
        }
    }

    /// The page for browsers, who say that they want one; other programs are told where to go on.
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

/// A file of the page.
struct PageFile: Sendable {
    let bytes: [UInt8]
    private let type: String
    /// Of the bytes: browsers keep the file, and ask whether it is still the same.
    private let tag: String

    private init(_ bytes: [UInt8], _ type: String) {
        (self.bytes, self.type) = (bytes, type)
        tag = "\"" + SHA256.hash(data: bytes).prefix(16).map { String(format: "%02x", $0) }.joined() + "\""
    }

    static let index = PageFile(PackageResources.index_html, "text/html; charset=utf-8")

    /// Those that the page asks for, by name.
    static let all: [String: PageFile] = {
        let scripts: [String: [UInt8]] = [
            "app.js": PackageResources.app_js, "calls.js": PackageResources.calls_js, "dom.js": PackageResources.dom_js,
            "events.js": PackageResources.events_js, "history.js": PackageResources.history_js, "player.js": PackageResources.player_js,
            "reader.js": PackageResources.reader_js, "recorder.js": PackageResources.recorder_js,
            "recorder-worklet.js": PackageResources.recorder_worklet_js, "server.js": PackageResources.server_js,
            "settings.js": PackageResources.settings_js, "sound.js": PackageResources.sound_js, "spectrum.js": PackageResources.spectrum_js,
            "status.js": PackageResources.status_js, "take.js": PackageResources.take_js, "timeline.js": PackageResources.timeline_js,
            "voices.js": PackageResources.voices_js, "words.js": PackageResources.words_js,
        ]
        let styles = ["layout.css": PackageResources.layout_css, "theme.css": PackageResources.theme_css]
        return scripts.mapValues { PageFile($0, "text/javascript; charset=utf-8") }
            .merging(styles.mapValues { PageFile($0, "text/css; charset=utf-8") }) { $1 }
            .merging(["icon.svg": PageFile(PackageResources.icon_svg, "image/svg+xml")]) { $1 }
    }()

    /// What the page may do: run its own scripts, show its own pictures, ask this server, and play what it has recorded itself.
    private static let policy = [
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'", "media-src blob:", "base-uri 'none'",
        "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'",
    ].joined(separator: "; ")

    /// The file, or that it is the one which the browser has.
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
