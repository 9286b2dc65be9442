import Chatterbox
import Foundation
import TestSupport
import Testing

@Suite("Timed text")
struct TimedTextTests {
    private let words = [
        SpokenWord(text: "Salt", start: 0.04, end: 0.4), SpokenWord(text: "&", start: 0.4, end: 0.52),
        SpokenWord(text: "<pepper>,", start: 0.52, end: 1.1),
        SpokenWord(text: "please!", start: 1.3, end: 1.8), SpokenWord(text: "\"Now\"", start: 3661.5, end: 3661.9996),
    ]

    @Test("SubRip") func srt() {
        #expect(
            TimedText.srt.text(of: words) == """
                1
                00:00:00,040 --> 00:00:01,100
                Salt & <pepper>,

                2
                00:00:01,300 --> 00:00:01,800
                please!

                3
                01:01:01,500 --> 01:01:02,000
                "Now"


                """)
    }

    @Test("WebVTT, with a time for each word of a cue except the first") func vtt() {
        #expect(
            TimedText.vtt.text(of: words) == """
                WEBVTT

                00:00:00.040 --> 00:00:01.100
                Salt <00:00:00.400>&amp; <00:00:00.520>&lt;pepper&gt;,

                00:00:01.300 --> 00:00:01.800
                please!

                01:01:01.500 --> 01:01:02.000
                "Now"


                """)
    }

    @Test("a list of words") func json() throws {
        let text = TimedText.json.text(of: words)
        #expect(
            text.hasPrefix(
                """
                {
                  "words": [
                    {"word": "Salt", "start": 0.040, "end": 0.400},
                    {"word": "&", "start": 0.400, "end": 0.520},

                """))
        let object = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: [[String: Any]]])
        #expect(object["words"]?.map { $0["word"] as? String } == words.map(\.text))
        #expect(object["words"]?[3]["end"] as? Double == 1.8)
        #expect(TimedText.json.text(of: []) == "{\n  \"words\": []\n}\n")
    }

    private func cues(_ texts: [String], seconds: Double = 0.3) -> [String] {
        let words = texts.enumerated().map { SpokenWord(text: $1, start: Double($0) * seconds, end: Double($0 + 1) * seconds) }
        let lines = TimedText.srt.text(of: words).components(separatedBy: "\n\n").dropLast()
        return lines.map { String($0.split(separator: "\n")[2]) }
    }

    @Test("cues have at most seven words and 42 columns, and end at punctuation") func division() {
        func words(_ text: String) -> [String] { text.split(separator: " ").map(String.init) }
        #expect(cues(words("a b c d e f g h i")) == ["a b c d e f g", "h i"])
        #expect(cues(words("extraordinarily uncharacteristic misunderstandings")) == ["extraordinarily uncharacteristic", "misunderstandings"])
        #expect(cues(words("One. Two, three and four, five six.")) == ["One.", "Two, three and four,", "five six."])
        #expect(cues(words("He said \"stop.\" She did.")) == ["He said \"stop.\"", "She did."])
        #expect(cues([String(repeating: "x", count: 60), "y"]) == [String(repeating: "x", count: 60), "y"])
        #expect(cues(["東", "京", "は", "晴", "れ。", "雨"]) == ["東京は晴れ。", "雨"])
        #expect(cues(["東"] + Array(repeating: "京", count: 30)).map(\.count) == [21, 10])
    }

    @Test("a long silence ends a cue, and no cue has length 0") func gaps() {
        let words = [SpokenWord(text: "a", start: 1, end: 1), SpokenWord(text: "b", start: 2.5, end: 3)]
        #expect(TimedText.vtt.text(of: words).contains("00:00:01.000 --> 00:00:01.001\na\n\n00:00:02.500 --> 00:00:03.000\nb"))
    }

    @Test("a file is written completely, and an error names one that cannot be written") func files() throws {
        let folder = try TemporaryFolder()
        let url = folder.url.appending(path: "a.vtt")
        try TimedText.vtt.write(words, to: url)
        #expect(try String(contentsOf: url, encoding: .utf8) == TimedText.vtt.text(of: words))
        let error = #expect(throws: (any Error).self) { try TimedText.srt.write(words, to: folder.url.appending(path: "no/where.srt")) }
        #expect("\(error as Any)".contains("where.srt"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["a.vtt"])
    }

    @Test("formats are recognised by the file's extension") func names() {
        #expect(TimedText(fileExtension: "SRT") == .srt)
        #expect(TimedText(fileExtension: "txt") == nil)
    }
}
