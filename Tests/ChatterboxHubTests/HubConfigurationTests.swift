import Foundation
import NIOHTTP1
import TestSupport
import Testing

@testable import ChatterboxHub

@Suite("Hub configuration") struct HubConfigurationTests {
    let home: TemporaryFolder

    init() throws { home = try TemporaryFolder() }

    private func configuration(_ environment: [String: String]) -> HubConfiguration {
        HubConfiguration(environment: environment, home: home.url)
    }

    @Test(
        "the cache is in the folder of Python's client",
        arguments: [
            ([:], "~/.cache/huggingface/hub"),
            (["XDG_CACHE_HOME": "/x"], "/x/huggingface/hub"),
            (["HF_HOME": "/h", "XDG_CACHE_HOME": "/x"], "/h/hub"),
            (["HF_HOME": "~/h"], "~/h/hub"),
            (["HF_HUB_CACHE": "/c", "HF_HOME": "/h"], "/c"),
            (["HUGGINGFACE_HUB_CACHE": "/old"], "/old"),
            (["HF_HUB_CACHE": "/c", "HUGGINGFACE_HUB_CACHE": "/old"], "/c"),
            (["HF_HUB_CACHE": "$WHERE/c", "WHERE": "/w"], "/w/c"),
            (["HF_HUB_CACHE": "${WHERE}/c"], "${WHERE}/c"),
            (["HF_HOME": ""], "~/.cache/huggingface/hub"),
        ] as [([String: String], String)])
    func cache(environment: [String: String], expected: String) {
        let path = configuration(environment).cacheFolder.relativePath
        #expect(path == expected.replacing("~", with: home.url.path))
    }

    @Test("the token is read from the variable, otherwise from the file that logging in writes") func token() throws {
        #expect(configuration([:]).token == nil)
        let folder = home.url.appending(path: ".cache/huggingface")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data("hf_file\n".utf8).write(to: folder.appending(path: "token"))
        #expect(configuration([:]).token == "hf_file")
        #expect(configuration(["HF_TOKEN": " hf_variable "]).token == "hf_variable")
        #expect(configuration(["HF_TOKEN": ""]).token == "hf_file")
        try Data("hf_other".utf8).write(to: folder.appending(path: "other"))
        #expect(configuration(["HF_TOKEN_PATH": folder.appending(path: "other").path]).token == "hf_other")
    }

    @Test(
        "the variable for offline use accepts all words for yes",
        arguments: [("1", true), ("yes", true), ("TRUE", true), ("on", true), ("0", false), ("", false), ("no", false)])
    func offline(value: String, expected: Bool) {
        #expect(configuration(["HF_HUB_OFFLINE": value]).isOffline == expected)
    }

    @Test("an endpoint needs no slash at its end") func endpoint() {
        #expect(configuration([:]).endpoint == "https://huggingface.co")
        #expect(configuration(["HF_ENDPOINT": "http://mirror:8080/hf//"]).endpoint == "http://mirror:8080/hf")
    }

    @Test(
        "a proxy is used unless the hub is excluded",
        arguments: [
            (["HTTPS_PROXY": "http://p:8080"], HubProxy(host: "p", port: 8080)),
            (["https_proxy": "http://p:8080", "HTTPS_PROXY": "http://q:1"], HubProxy(host: "p", port: 8080)),
            (["HTTP_PROXY": "http://p:8080"], nil),
            (["HTTP_PROXY": "http://p:8080", "HF_ENDPOINT": "http://hub.example"], HubProxy(host: "p", port: 8080)),
            (["HTTPS_PROXY": "http://p:8080", "NO_PROXY": "localhost, .huggingface.co"], nil),
            (["HTTPS_PROXY": "http://p:8080", "NO_PROXY": "*"], nil),
            (["HTTPS_PROXY": "http://p:8080", "NO_PROXY": "face.co"], HubProxy(host: "p", port: 8080)),
            (["HTTPS_PROXY": "p:8080"], HubProxy(host: "p", port: 8080)), (["HTTPS_PROXY": "http://p"], HubProxy(host: "p", port: 80)),
            (["HTTPS_PROXY": "http://p:8080/"], HubProxy(host: "p", port: 8080)),
            (["HTTPS_PROXY": "http://me:a%40b:c@p:8080"], HubProxy(host: "p", port: 8080, user: "me", password: "a@b:c")),
            (["HTTPS_PROXY": "me@p:1"], HubProxy(host: "p", port: 1, user: "me", password: "")),
            (["ALL_PROXY": "socks5h://p"], HubProxy(host: "p", port: 1080, kind: .socks)),
            (["all_proxy": "socks5://p:9", "https_proxy": ""], HubProxy(host: "p", port: 9, kind: .socks)),
            (["HTTPS_PROXY": "http://[::1]:8080"], HubProxy(host: "::1", port: 8080)), (["HTTPS_PROXY": ""], nil),
            (["HTTPS_PROXY": "http://p:1", "NO_PROXY": "huggingface.co:443"], nil),
            (["HTTPS_PROXY": "http://p:1", "NO_PROXY": "huggingface.co:80"], HubProxy(host: "p", port: 1)),
            (["HTTPS_PROXY": "http://p:1", "NO_PROXY": "*.co"], nil),
            (["HTTPS_PROXY": "http://p:1", "HF_ENDPOINT": "https://10.1.2.3", "NO_PROXY": "10.0.0.0/8"], nil),
            (["HTTPS_PROXY": "http://p:1", "HF_ENDPOINT": "https://11.1.2.3", "NO_PROXY": "10.0.0.0/8"], HubProxy(host: "p", port: 1)),
        ] as [([String: String], HubProxy?)])
    func proxy(environment: [String: String], expected: HubProxy?) {
        #expect(configuration(environment).proxy == expected)
    }

    @Test(
        "an error names an invalid proxy without its password, and only when it is needed",
        arguments: [
            ("https://me:secret@p:1", "https://p:1"), ("socks4://p", "SOCKS 4"), ("socks5://me:secret@p", "SOCKS with a name"),
            ("ftp://p", "ftp is not a supported kind"), ("http://", "no host"), ("http://p:99999", "port"),
        ]) func proxyProblems(address: String, problem: String) async throws
    {
        var configuration = configuration(["HTTPS_PROXY": address])
        let error = try #require(configuration.proxyProblem)
        #expect("\(error)".contains(problem) && !"\(error)".contains("secret"))
        await #expect(throws: error) { try await HubClient.with(configuration) { _ in } }
        configuration.isOffline = true
        try await HubClient.with(configuration) { _ in }
        #expect(self.configuration(["HTTPS_PROXY": address, "NO_PROXY": "*"]).proxyProblem == nil)
    }

    @Test(
        "valid and invalid names of repositories",
        arguments: [
            ("ResembleAI/chatterbox", true), ("gpt2", true), ("a/b/c", false), ("../x", false), ("a/..", false), ("a--b/c", false), ("", false),
            ("a/b.git", false), ("a b/c", false), ("café/x", false), ("/x", false), ("x/", false),
        ])
    func repositories(id: String, isValid: Bool) throws {
        guard isValid else {
            #expect(throws: HubError.badRepository(id)) { try HubRepository(id) }
            return
        }
        let repository = try HubRepository(id)
        #expect(HubRepository(folderName: repository.folderName) == repository)
    }

    @Test(
        "entity tags that are checksums",
        arguments: [
            ("\"\(String(repeating: "ab", count: 32))\"", true), ("W/\"\(String(repeating: "0f", count: 20))\"", true),
            (String(repeating: "1", count: 40), true),
            ("\"../../../etc/passwd\"", false), ("\"abc\"", false), ("\"\(String(repeating: "g", count: 64))\"", false), ("", false), ("\"", false),
        ])
    func tags(tag: String, isChecksum: Bool) { #expect((HubChecksum(entityTag: tag) != nil) == isChecksum) }

    @Test(
        "the time to repeat a request, in seconds or as a date",
        arguments: [
            ("120", 120.0), ("0", 0), ("-5", 0), ("Wed, 21 Oct 2015 07:28:00 GMT", 60), ("Wed, 21 Oct 2015 07:00:00 GMT", 0), ("soon", nil),
            (nil, nil),
        ] as [(String?, Double?)])
    func retryAfter(value: String?, expected: Double?) {
        let headers = value.map { HTTPHeaders([("Retry-After", $0)]) } ?? HTTPHeaders()
        #expect(RetryAfter.duration(in: headers, now: Date(timeIntervalSince1970: 1_445_412_420))?.seconds == expected)
    }

    @Test(
        "readable numbers of bytes",
        arguments: [
            (0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (9949, "9.9 kB"), (12_345, "12 kB"), (999_600, "1.0 MB"), (3_210_000_000, "3.2 GB"),
            (5_000_000_000_000_000, "5000 TB"),
        ])
    func amounts(count: Int, expected: String) { #expect(count.asBytes == expected) }

    @Test("the speed is that of the last seconds, and gives the remaining time") func speed() throws {
        let clock = TestClock(tick: .seconds(1)), events = Events()
        let meter = ProgressMeter(files: 1, bytes: 1000, clock: clock.clock, onEvent: events.record)
        meter.credit(500)
        for _ in 0..<4 { meter.receive(100) }
        let last = try #require(events.progress.last)
        #expect(last.bytes == 900)
        #expect(try abs(#require(last.bytesPerSecond) - 80) < 1)
        #expect(try abs(#require(last.secondsLeft) - 1.25) < 0.1)
    }
}
