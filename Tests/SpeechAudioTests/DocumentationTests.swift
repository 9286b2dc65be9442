import Foundation
import SpeechAudio
import TestSupport
import Testing

@Suite("Documentation of SpeechAudio") struct DocumentationTests {
    private func print(_ items: Any...) {}

    @Test("the page's example works") func example() throws {
        let folder = try TemporaryFolder()
        let file = fixturesFolder.appending(path: "recording.flac"), copy = folder.url.appending(path: "copy.wav")
        // example
        let recording = try AudioFile.read(file).checkedAsReference(named: "me.flac")
        let speech = try recording.mono().resampled(to: 24_000).trimmed(topDecibels: 20)
        let mel = try PromptMel()(speech.tensor())
        print("\(speech.duration) s, \(mel.shape[2]) frames of \(mel.shape[1]) bands")
        try AudioFile.write(speech, to: copy)
        // end of the example
        #expect(try AudioFile.read(copy).frames == speech.frames)
        #expect(mel.shape == [1, 80, speech.frames / 480])
    }

    @Test("the page's example is the tested one") func same() throws {
        let page = try DocumentedExample.inPage("Sources/SpeechAudio/Documentation.docc/SpeechAudio.md")
        #expect(try page == DocumentedExample.inSource(#filePath))
    }
}
