import Chatterbox
import Foundation
import TestSupport
import Testing

@testable import ChatterboxCommand

@Suite("chatterbox train") struct TrainCommandTests {
    private let folder: TemporaryFolder
    private var file: URL { folder.url.appending(path: "config.json") }

    init() throws { folder = try TemporaryFolder() }

    @Test(
        "impossible sizes are refused before a network is created",
        arguments: [
            (#""heads" : 6"#, #""heads" : 0"#), (#""hiddenSize" : 192"#, #""hiddenSize" : -1"#),
        ])
    func sizes(good: String, bad: String) throws {
        let pico = try ModelConfiguration(ofFile: nil)
        try pico.write(to: file)
        #expect(try ModelConfiguration(ofFile: file.path) == pico)
        let text = try String(contentsOf: file, encoding: .utf8)
        #expect(text.contains(good))
        try Data(text.replacing(good, with: bad).utf8).write(to: file)
        let error = #expect(throws: CheckpointError.self) { try ModelConfiguration(ofFile: file.path) }
        #expect(error?.description.contains("config.json") == true)
    }

    @Test("without a file the model is Pico; with sizes only it is like the English model") func pico() throws {
        let pico = try Variant(ofFile: nil)
        #expect(pico.name == "pico" && pico.configuration.t3.backbone.hiddenSize == 192)
        try pico.configuration.write(to: file)
        #expect(try Variant(ofFile: file.path).name == "chatterbox")
        #expect(try Variant(ofFile: file.path).configuration == pico.configuration)
        try pico.write(to: file)
        #expect(try Variant(ofFile: file.path) == pico)
    }

    @Test("an adapter is a path, followed by a weight if that is not 1") func adapters() throws {
        func parsed(_ text: String) throws -> AdapterArgument { try #require(AdapterArgument(argument: text)) }
        #expect(try (parsed("a/b").path, parsed("a/b").weight) == ("a/b", 1))
        #expect(try (parsed("a=0.5").path, parsed("a=0.5").weight) == ("a", 0.5))
        #expect(try (parsed("x=y").path, parsed("x=y").weight) == ("x=y", 1))
        // An existing file of that name is meant as a file.
        let odd = folder.url.appending(path: "v=2")
        try Data().write(to: odd)
        #expect(try (parsed(odd.path).path, parsed(odd.path).weight) == (odd.path, 1))
        #expect(AdapterArgument(argument: "") == nil)
    }
}
