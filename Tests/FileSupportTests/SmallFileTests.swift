import Foundation
import TestSupport
import Testing

@testable import FileSupport

@Suite("Small files, and text from files") struct SmallFileTests {
    @Test("a file is read completely up to the limit, and refused above it") func limit() throws {
        let folder = try TemporaryFolder(), url = folder.url.appending(path: "file")
        try Data("12345".utf8).write(to: url)
        #expect(try SmallFile.read(url, limit: 5) == Data("12345".utf8))
        let error = #expect(throws: UnreadableFile.self) { try SmallFile.read(url, limit: 4) }
        #expect(error?.reason == "its 5 bytes are too many, 4 at most are expected")
    }

    @Test(
        "a file without an end is refused with a reason",
        arguments: [
            ("", "it is a folder"), ("none", "No such file or directory"), ("/dev/zero", "it is not a regular file"),
        ]) func others(name: String, reason: String) throws
    {
        let folder = try TemporaryFolder()
        let url = name.hasPrefix("/") ? URL(filePath: name) : folder.url.appending(path: name)
        let error = #expect(throws: UnreadableFile.self) { try SmallFile.read(url) }
        #expect(error?.reason == reason)
    }

    @Test(
        "an outline has the nesting depth and the number of names, whatever the strings contain",
        arguments: [
            (#"{"a": 1, "b": {"c": [2]}, "a": 3}"#, 3, 3), (#"{"{[:": "\"}:["}"#, 1, 1), ("7", 0, 0), ("[[[[[[[[[[", 9, 0),
        ]) func outline(text: String, depth: Int, names: Int)
    {
        let outline = JSONOutline(Data(text.utf8), limit: 8)
        #expect(outline.depth == depth && outline.names == names)
    }

    @Test("text from a file is shown in messages without control characters, and truncated if it is long") func shown() {
        #expect("a\u{1B}[31m\u{202E}b".shown() == "a\\u{1b}[31m\\u{202e}b")
        #expect(String(repeating: "x", count: 9).shown(limit: 4) == "xxxx…")
    }
}
