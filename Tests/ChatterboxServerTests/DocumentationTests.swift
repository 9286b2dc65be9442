import Chatterbox
import ChatterboxServer
import Foundation
import TestSupport
import Testing

@Suite("Documentation of ChatterboxServer", .standInModel) struct DocumentationTests {
    @Test("the page's example serves until its task is cancelled") func example() async throws {
        let (folder, place) = (StandInModel.folder, try TemporaryFolder())
        let voices = place.url, running = Gate()
        let print: @Sendable (String) -> Void = { _ in running.open() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                // example
                var configuration = ServerConfiguration(voices: voices)
                configuration.port = 0
                let offering = ModelOffering(name: "tiny") { try await Synthesizer.load(folder) }
                let server = SpeechServer(configuration, [offering])
                try await server.warmUp()
                try await server.run { port in print("http://127.0.0.1:\(port)/v1") }
                // end of the example
            }
            await running.wait()
            group.cancelAll()
            try await group.waitForAll()
        }
        withExtendedLifetime(place) {}
    }

    @Test("the page's example is the tested one") func same() throws {
        let page = try DocumentedExample.inPage("Sources/ChatterboxServer/Documentation.docc/ChatterboxServer.md")
        #expect(try page == DocumentedExample.inSource(#filePath))
    }
}
