import Foundation
import TestSupport
import Testing

@testable import ChatterboxServer

@Suite("The page at /") struct PageRouteTests {
    private static let folder = DocumentedExample.repository.appending(path: "Sources/ChatterboxServer/Resources/page")
    /// Every file of the page, by name.
    private static let sources: [String: String] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return Dictionary(uniqueKeysWithValues: names.map { ($0, (try? String(contentsOf: folder.appending(path: $0), encoding: .utf8)) ?? "") })
    }()
    private static let asBrowser = ["accept": "text/html,application/xhtml+xml,*/*;q=0.8"]

    @Test("browsers get the page, other programs the API's addresses") func root() async throws {
        try await LoopbackServer.run { server in
            let page = try await server.ask(.GET, "/", headers: Self.asBrowser)
            #expect(page.status == 200 && page.headers["content-type"] == ["text/html; charset=utf-8"] && page.text.hasPrefix("<!doctype html>"))
            let program = try await server.ask(.GET, "/", headers: ["accept": "*/*"])
            #expect(program.json?["speech"] == "/v1/audio/speech")
            #expect(page.headers["vary"] == ["Accept"] && program.headers["vary"] == ["Accept"])
            let head = try await server.ask(.HEAD, "/", headers: Self.asBrowser)
            #expect(head.status == 200 && head.body.isEmpty && head.headers["content-length"] == ["\(page.body.count)"])
        }
    }

    @Test("every file is served unchanged, with its type, and with a policy that allows only this server") func files() async throws {
        #expect(Self.sources.count > 10)
        try await LoopbackServer.run { server in
            let types = [
                "html": "text/html; charset=utf-8", "js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "svg": "image/svg+xml",
            ]
            for (name, source) in Self.sources {
                let answer = try await name == "index.html" ? server.ask(.GET, "/", headers: Self.asBrowser) : server.ask(.GET, "/page/\(name)")
                #expect(answer.status == 200 && answer.text == source, "\(name)")
                #expect(answer.headers["content-type"].first == types[URL(filePath: name).pathExtension], "\(name)")
                #expect(answer.headers["x-content-type-options"] == ["nosniff"] && answer.headers["cache-control"] == ["no-cache"])
                let policy = try #require(answer.headers.first(name: "content-security-policy"))
                #expect(
                    policy.hasPrefix("default-src 'none'; script-src 'self'; style-src 'self'") && !policy.contains("unsafe")
                        && !policy.contains("http"))
            }
            let unknown = try await server.ask(.GET, "/page/other.js")
            #expect(unknown.status == 404 && unknown.json?["error"]?["code"] == "unknown_url")
            #expect(try await server.ask(.GET, "/page/..%2fopenapi.json").status == 404)
        }
    }

    @Test("a file that the browser has is not sent again") func cached() async throws {
        try await LoopbackServer.run { server in
            let first = try await server.ask(.GET, "/page/app.js"), tag = try #require(first.headers.first(name: "etag"))
            for known in [tag, "W/\(tag)", "\"other\", \(tag)"] {
                let again = try await server.ask(.GET, "/page/app.js", headers: ["if-none-match": known])
                #expect(again.status == 304 && again.body.isEmpty && again.headers["etag"] == [tag], "\(known)")
            }
            #expect(try await server.ask(.GET, "/page/app.js", headers: ["if-none-match": "\"other\""]).status == 200)
            #expect(try await server.ask(.GET, "/page/dom.js").headers["etag"] != [tag])
        }
    }

    @Test("the page needs no key, but its requests do") func keys() async throws {
        try await LoopbackServer.run {
            $0.keys = Keyring("secret")
        } _: { server in
            let page = try await server.ask(.GET, "/", headers: Self.asBrowser), script = try await server.ask(.GET, "/page/app.js")
            #expect(page.status == 200 && script.status == 200)
            for path in ["/v1/models", "/metrics", "/page/../v1/models", "/v1/page/app.js"] {
                #expect(try await server.ask(.GET, path).status == 401, "\(path)")
            }
        }
    }

    @Test("the page is served while the first model is loaded") func early() async throws {
        let model = GatedModel()
        try await LoopbackServer.run([model.offer]) { server in
            async let warm: Void = SpeechServer(server.state).warmUp()
            #expect(try await server.ask(.GET, "/", headers: Self.asBrowser).status == 200)
            model.gate.open()
            try await warm
        }
    }

    // MARK: the files themselves

    @Test("every file that a file refers to exists") func names() throws {
        for (name, source) in Self.sources {
            let named =
                source.matches(of: /(?:src|href)="(page\/[^"]+)"/).map { String($0.1.dropFirst(5)) }
                + source.matches(of: /from "\.\/([^"]+)"/).map { String($0.1) }
                + source.matches(of: /new URL\("([^"]+\.js)", import/).map { String($0.1) }
            for other in named { #expect(Self.sources[other] != nil, "\(name) names \(other)") }
            if name == "index.html" { #expect(named.count >= 4) }
            if name == "app.js" { #expect(named.count >= 10) }
            // An element that a script looks up by its identifier is on the page.
            for identifier in source.matches(of: /\belement\("([^"]+)"\)/).map(\.1) {
                #expect(Self.sources["index.html"]?.contains("id=\"\(identifier)\"") == true, "\(name) wants #\(identifier)")
            }
        }
    }

    @Test("nothing is inline or loaded from other sites") func elsewhere() {
        for (name, source) in Self.sources {
            let addresses = source.matches(of: /https?:\/\/[^"'\s)]+/).map { String($0.0) }
            #expect(addresses.allSatisfy { $0 == "http://www.w3.org/2000/svg" }, "\(name): \(addresses)")
            #expect(!source.contains("innerHTML") && !source.contains("eval(") && !source.contains("insertAdjacentHTML"), "\(name)")
            guard name.hasSuffix(".html") else { continue }
            #expect(source.matches(of: /<style|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]*src=)/).isEmpty, "\(name)")
        }
    }

    @Test("all files together have less than 150,000 bytes, and none has more than 400 lines") func sizes() {
        #expect(Self.sources.values.reduce(0) { $0 + $1.utf8.count } < 150_000)
        for (name, source) in Self.sources { #expect(source.split(separator: "\n", omittingEmptySubsequences: false).count <= 401, "\(name)") }
    }
}
