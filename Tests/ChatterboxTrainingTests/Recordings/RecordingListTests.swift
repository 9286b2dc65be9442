import Foundation
import TestSupport
import Testing

@testable import ChatterboxTraining

@Suite("Lists of recordings") struct RecordingListTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func write(_ name: String, _ text: String = "") throws {
        let url = folder.url.appending(path: name)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
    }

    private func entries(_ name: String = "") throws -> [[String]] {
        let list = try RecordingList(name.isEmpty ? folder.url : folder.url.appending(path: name))
        return list.entries.map { [$0.audio.path.replacing(folder.url.path + "/", with: ""), $0.text, $0.speaker] }
    }

    @Test("recordings have text files of the same name, and one without the other is refused by name") func beside() throws {
        try write("a.wav")
        try write("a.txt", "\u{FEFF}One,\n two. ")
        try write("more/b.FLAC")
        try write("more/b.txt", "Three.")
        try write("c.mp3")
        try write("d.txt", "Four.")
        try write("e.wav")
        try Data([0x66, 0xFC, 0x72]).write(to: folder.url.appending(path: "e.txt"))
        try write(".hidden.wav")
        #expect(try entries() == [["a.wav", "One, two.", ""], ["more/b.FLAC", "Three.", ""]])
        let refusals = try RecordingList(folder.url).refusals.map(\.description)
        #expect(refusals.count == 3)
        #expect(refusals[0] == "c.mp3: its text is missing, expected in c.txt")
        #expect(refusals[1].hasPrefix("e.txt: ") && refusals[1].contains("Windows-1252"))
        #expect(refusals[2] == "d.txt: its recording is missing")
    }

    @Test("LJSpeech's lines name recordings in the folder wavs, and the text in words is preferred") func ljSpeech() throws {
        try write("metadata.csv", "LJ1|Dr. \"No|Doctor \"No\nLJ2|Two.\nLJ3|3.|\nLJ4\nLJ5||\n")
        try write("wavs/LJ1.wav")
        try write("LJ2.flac")
        #expect(try entries() == [["wavs/LJ1.wav", "Doctor \"No", ""], ["LJ2.flac", "Two.", ""], ["wavs/LJ3.wav", "3.", ""]])
        let refusals = try RecordingList(folder.url).refusals
        #expect(refusals.map(\.place) == ["metadata.csv, line 4", "metadata.csv, line 5"])
        #expect(refusals[0].reason == "it has 1 fields, expected id|text or id|text|text in words")
        #expect(refusals[1].reason == "it has no text")
    }

    @Test("a header names the columns, with any separator", arguments: [",", ";", "\t", "|"]) func header(sign: String) throws {
        let lines = [
            ["Speaker", "File_Name", "x", "Transcription"], ["ada", "1.wav", "", "\"One\(sign) two.\""], ["", "", "", "None."],
            ["a", "b", "c", "d", "e"],
        ]
        try write("list.csv", lines.map { $0.joined(separator: sign) }.joined(separator: "\n"))
        #expect(try entries("list.csv") == [["1.wav", "One\(sign) two.".split(whereSeparator: \.isWhitespace).joined(separator: " "), "ada"]])
        let refusals = try RecordingList(folder.url.appending(path: "list.csv")).refusals.map(\.description)
        #expect(refusals == ["list.csv, line 3: it names no recording", "list.csv, line 4: it has 5 fields, the header has 4"])
    }

    @Test("JSON lines have fields of those names; invalid lines and those kept for tests are refused") func json() throws {
        try write(
            "manifest.jsonl",
            """
            {"audio": "/x/1.wav", "text": "One.", "speaker": "ada"}

            {"audio_filepath": "2.wav", "sentence": "Two."}
            {"audio": "3.wav"}
            [1]
            {"audio": "4.wav", "text": "Four.", "split": "test"}
            """)
        #expect(try entries() == [["/x/1.wav", "One.", "ada"], ["2.wav", "Two.", ""]])
        #expect(
            try RecordingList(folder.url).refusals.map(\.description) == [
                "manifest.jsonl, line 4: it has no text", "manifest.jsonl, line 5: it is no JSON object",
                "manifest.jsonl, line 6: it is kept for tests (\"split\": \"test\")",
            ])
    }

    @Test("a file that is not a list is refused, and the error says what was expected") func none() throws {
        func refusal(_ url: URL) throws -> String { try #require(throws: RecordingListError.self) { try RecordingList(url) }.description }
        #expect(try refusal(folder.url).contains("no recordings; expected sound files with their texts"))
        #expect(try refusal(folder.url.appending(path: "x")).contains("no such file"))
        try write("metadata.csv", "a,b\n1,2\n")
        #expect(try refusal(folder.url).contains("the first line, \"a,b\", names no columns"))
        try write("metadata.csv", "\n")
        #expect(try refusal(folder.url).contains("names no columns"))
        try write("metadata.csv", "audio,text\n")
        #expect(try refusal(folder.url).contains("it lists no recordings"))
    }
}
