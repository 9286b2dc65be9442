import Chatterbox
import Foundation
import SpeechAudio
import TestSupport
import Testing

@Suite("The page on streaming", .standInModel) struct StreamingPageTests {
    /// A pipe to a player.
    private final class Player {
        private(set) var seconds = 0.0
        func append(_ audio: Audio) throws { seconds += audio.duration }
    }

    @Test("its example works") func example() async throws {
        let synthesizer = Synthesizer(try Model.load(StandInModel.folder)), player = Player()
        let voice = try await synthesizer.voice(from: StandInModel.recording)
        // example
        for try await chunk in synthesizer.stream("The ship was late, and nobody knew when it would come.", voice: voice) {
            try player.append(chunk.audio)
        }
        // end of the example
        #expect(player.seconds > 0)
    }

    @Test("its example is the tested one") func same() throws {
        let page = try DocumentedExample.inPage("Sources/Chatterbox/Documentation.docc/Streaming.md")
        #expect(try page == DocumentedExample.inSource(#filePath))
    }
}
