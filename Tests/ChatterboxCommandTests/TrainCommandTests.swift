import Chatterbox
import Foundation
import TestSupport
import Testing

@testable import ChatterboxCommand

@Suite("chatterbox train") struct TrainCommandTests {
    private let folder: TemporaryFolder
    private var file: URL { folder.url.appending(path: "config.json") }

    init() throws { folder = try TemporaryFolder() }

    @Test("sizes that no network can have are refused before a network is made of them", arguments: [
        (#""heads" : 6"#, #""heads" : 0"#), (#""hiddenSize" : 192"#, #""hiddenSize" : -1"#),
    ])
    func sizes(good: String, bad: String) throws {
        try ModelConfiguration.pico.write(to: file)
        #expect(try ModelConfiguration(ofFile: file.path) == .pico)
        let text = try String(contentsOf: file, encoding: .utf8)
        #expect(text.contains(good))
        try Data(text.replacing(good, with: bad).utf8).write(to: file)
        let error = #expect(throws: CheckpointError.self) { try ModelConfiguration(ofFile: file.path) }
        #expect(error?.description.contains("config.json") == true)
    }

    @Test("without a file the sizes are Pico's") func pico() throws { #expect(try ModelConfiguration(ofFile: nil) == .pico) }
}
