import Foundation
import TestSupport
import Testing

@testable import FileSupport

@Suite("ReplacementFile") struct ReplacementFileTests {
    let folder: TemporaryFolder
    var file: URL { folder.url.appending(path: "file") }

    init() throws { folder = try TemporaryFolder() }

    private func write(_ text: String, to url: URL) throws {
        try ReplacementFile.write(url) { append in try Data(text.utf8).withUnsafeBytes { try append($0) } }
    }

    private func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder.url.path).sorted() }

    @Test("a file is replaced") func replaces() throws {
        try write("old", to: file)
        try write("new", to: file)
        #expect(try String(contentsOf: file, encoding: .utf8) == "new")
        #expect(try names() == ["file"])
    }

    @Test("if replacing is not allowed, an existing file stays, even one that was created meanwhile") func exclusive() throws {
        func add(_ text: String, meanwhile: () throws -> Void = {}) throws {
            try ReplacementFile.write(file, replaces: false) { append in
                try Data(text.utf8).withUnsafeBytes { try append($0) }
                try meanwhile()
            }
        }
        let early = #expect(throws: SystemError.self) { try add("second") { try add("first") } }
        let late = #expect(throws: SystemError.self) { try add("third") }
        #expect(early?.code == EEXIST && late?.code == EEXIST)
        #expect(try String(contentsOf: file, encoding: .utf8) == "first")
        #expect(try names() == ["file"])
    }

    @Test("after a failure the existing file is unchanged, and there are no others") func failure() throws {
        try write("old", to: file)
        #expect(throws: CancellationError.self) {
            try ReplacementFile.write(file) { append in
                try Data("half".utf8).withUnsafeBytes { try append($0) }
                throw CancellationError()
            }
        }
        #expect(try String(contentsOf: file, encoding: .utf8) == "old")
        #expect(try names() == ["file"])
    }

    @Test("a link keeps its target") func link() throws {
        let link = folder.url.appending(path: "link")
        try write("old", to: file)
        try FileManager.default.createSymbolicLink(at: link, withDestinationURL: file)
        try write("new", to: link)
        #expect(try String(contentsOf: file, encoding: .utf8) == "new")
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link.path) == file.path)
    }

    @Test("a device stays a device, and a full one causes an error") func devices() throws {
        try write("gone", to: URL(filePath: "/dev/null"))
        #expect(throws: SystemError(code: ENOSPC)) { try write("too much", to: URL(filePath: "/dev/full")) }
        for device in ["/dev/null", "/dev/full"] {
            var status = stat()
            #expect(stat(device, &status) == 0 && status.st_mode & S_IFMT == S_IFCHR, "\(device)")
        }
    }

    @Test("a file cannot replace a folder") func folderRefused() throws {
        #expect(throws: SystemError(code: EISDIR)) { try write("text", to: folder.url) }
        #expect(throws: SystemError(code: ENOENT)) { try write("text", to: folder.url.appending(path: "no/where")) }
    }
}
