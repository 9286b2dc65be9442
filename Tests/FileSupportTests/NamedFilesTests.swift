import Foundation
import TestSupport
import Testing

@testable import FileSupport

@Suite("NamedFiles") struct NamedFilesTests {
    @Test("a name refers to the same file in both Unicode forms", arguments: ["jos\u{E9}", "jose\u{301}"]) func forms(
        written: String
    ) throws {
        let folder = try TemporaryFolder(), files = NamedFiles(folder: folder.url, suffix: ".x")
        // The form that another program may have written.
        try Data("1".utf8).write(to: folder.url.appending(path: written + ".x"))
        for name in ["jos\u{E9}", "jose\u{301}"] { #expect(files.entry(name)?.bytes == 1) }
        let entry = try #require(files.entries().first)
        #expect(files.entries().count == 1 && Array(entry.name.unicodeScalars) == Array("jos\u{E9}".unicodeScalars))
        #expect(try Data(contentsOf: entry.file) == Data("1".utf8))
        #expect(Array(files.file("jose\u{301}").lastPathComponent.unicodeScalars) == Array("jos\u{E9}.x".unicodeScalars))
        #expect(files.entry("jose") == nil && files.entry("../a") == nil)
    }
}
