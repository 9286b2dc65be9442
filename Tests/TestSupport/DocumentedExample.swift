import Foundation

/// Swift that stands both in a page for readers and in a test.
public enum DocumentedExample {
    /// The page's blocks of Swift.
    public static func inPage(_ path: String, at root: URL = repository) throws -> [String] {
        let page = try String(contentsOf: root.appending(path: path), encoding: .utf8)
        return page.components(separatedBy: "```swift\n").dropFirst().map { $0.components(separatedBy: "```")[0] }
    }

    /// What stands in a source file between lines `// example` and `// end of the example`, moved to the left.
    public static func inSource(_ file: String) throws -> [String] {
        let source = try String(contentsOf: URL(filePath: file), encoding: .utf8)
        return source.components(separatedBy: "// example\n").dropFirst().map { part in
            let lines = part.components(separatedBy: "// end of the example")[0].components(separatedBy: "\n").dropLast()
            let indent = lines.filter { !$0.isEmpty }.map { $0.prefix { $0 == " " }.count }.min() ?? 0
            return lines.map { String($0.dropFirst(indent)) + "\n" }.joined()
        }
    }

    public static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
}
