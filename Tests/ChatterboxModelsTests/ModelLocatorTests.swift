import ChatterboxModels
import Foundation
import TestSupport
import Testing

@testable import Chatterbox

@Suite("Finding models") struct ModelLocatorTests {
    let home: TemporaryFolder
    let locator: ModelLocator

    init() throws {
        home = try TemporaryFolder()
        locator = ModelLocator(shelves: [home.url.appending(path: "mine"), home.url.appending(path: "built in")])
    }

    private func add(_ paths: String...) throws {
        for path in paths { try FileManager.default.createDirectory(at: home.url.appending(path: path), withIntermediateDirectories: true) }
    }

    private func found(_ model: String?) throws -> String {
        String(try locator.folder(of: model).path.dropFirst(home.url.path.count + 1))
    }

    @Test("a folder is returned unchanged") func folder() throws {
        try add("elsewhere")
        #expect(try found(home.url.appending(path: "elsewhere").path) == "elsewhere")
    }

    @Test("a name is looked up on the first shelf first") func name() throws {
        try add("built in/pico", "built in/turbo", "mine/pico")
        #expect(try found("pico") == "mine/pico")
        #expect(try found("turbo") == "built in/turbo")
        #expect(locator.models.map(\.lastPathComponent) == ["pico", "turbo"])
    }

    @Test("without a name the first preferred model is used, and another only if there is none") func preference() throws {
        try add("mine/own")
        #expect(try found(nil) == "mine/own")
        try add("built in/pico")
        #expect(try found(nil) == "built in/pico")
        try add("built in/chatterbox")
        #expect(try found(nil) == "built in/chatterbox")
    }

    @Test("an error about an unknown name lists the known ones") func unknown() throws {
        try add("built in/pico")
        let error = #expect(throws: ModelLocatorError.self) { try locator.folder(of: "picco") }
        #expect(error?.description.contains("\"picco\"") == true)
        #expect(error?.description.contains("here are pico") == true)
    }

    @Test("an error names a path that does not exist") func missingFolder() throws {
        let path = home.url.appending(path: "nowhere").path
        #expect { try locator.folder(of: path) } throws: { "\($0)".contains("\(path): no such folder") }
    }

    @Test("without any model the error says where was searched") func noModel() throws {
        #expect { try locator.folder(of: nil) } throws: { "\($0)".contains(home.url.path) }
    }
}
