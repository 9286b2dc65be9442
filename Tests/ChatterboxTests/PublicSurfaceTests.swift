import Foundation
import TestSupport
import Testing

@Suite("The public surface") struct PublicSurfaceTests {
    private static let root = fixturesFolder.deletingLastPathComponent().deletingLastPathComponent()

    /// A declaration of the module Chatterbox with the lines before it.
    private struct Declaration {
        let file: String
        let text: String
        let isDocumented: Bool
    }

    private static func declarations() throws -> [Declaration] {
        let folder = root.appending(path: "Sources/Chatterbox")
        let files = try #require(FileManager.default.enumerator(atPath: folder.path)).compactMap { $0 as? String }.filter { $0.hasSuffix(".swift") }
        return try files.sorted().flatMap { file in
            var before = ""
            return try String(contentsOf: folder.appending(path: file), encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false)
                .compactMap { line -> Declaration? in
                    let text = line.trimmingCharacters(in: .whitespaces)
                    if text.hasPrefix("@"), !text.contains(" public ") { return nil }
                    defer { before = text }
                    guard text.contains(#/^(?:@\w+ )?public /#) else { return nil }
                    return Declaration(file: file, text: text, isDocumented: before.hasPrefix("///"))
                }
        }
    }

    @Test("the public types are those in the list, so that adding one is a decision") func types() throws {
        let found = try Self.declarations().compactMap { declaration in
            declaration.text.firstMatch(of: #/\b(?:struct|enum|final class|class|actor|protocol|typealias) (\w+)/#).map { String($0.1) }
        }
        let list = try String(contentsOf: fixturesFolder.appending(path: "public-types.txt"), encoding: .utf8).split(separator: "\n").map(String.init)
        #expect(found.sorted() == list.sorted(), "new: \(Set(found).subtracting(list).sorted()), gone: \(Set(list).subtracting(found).sorted())")
    }

    /// Members that are documented by their protocol.
    private static var inherited: Regex<Substring> {
        #/description: String|init\(from decoder|encode\(to encoder|makeAsyncIterator|next\(\) async|code: String|typealias Element|static func </#
    }

    @Test("every public declaration is documented") func documented() throws {
        let declarations = try Self.declarations()
        #expect(declarations.count > 200)
        let bare = declarations.filter { !$0.isDocumented && !$0.text.contains("public extension") && !$0.text.contains(Self.inherited) }
        #expect(bare.isEmpty, "\(bare.map { "\($0.file): \($0.text)" }.joined(separator: "\n"))")
    }
}
