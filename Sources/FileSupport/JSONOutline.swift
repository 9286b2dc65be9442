import Foundation

/// What a JSON text's brackets and colons tell before it is parsed.
///
/// Parsers take a name that occurs twice without a word and keep one of the values, and JSON that nests without end can
/// exhaust their stack: both are seen here first.
package struct JSONOutline {
    /// The most objects and lists that stand within one another; one more than the limit where there are more.
    package private(set) var depth = 0
    /// How many names the outermost object has, counted as they are written.
    package private(set) var names = 0

    /// Looks at the text up to the place where it nests deeper than `limit`.
    package init(_ text: UnsafeRawBufferPointer, limit: Int) {
        var level = 0
        var inString = false
        var escaped = false
        for byte in text {
            if inString {
                if escaped {
                    escaped = false
                } else if byte == UInt8(ascii: "\\") {
                    escaped = true
                } else if byte == UInt8(ascii: "\"") {
                    inString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): inString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                level += 1
                depth = max(depth, level)
                if level > limit { return }
            case UInt8(ascii: "}"), UInt8(ascii: "]"): level -= 1
            case UInt8(ascii: ":"): if level == 1 { names += 1 }
            default: break
            }
        }
    }

    /// The outline of bytes in memory.
    package init(_ data: Data, limit: Int) {
        self = data.withUnsafeBytes { JSONOutline($0, limit: limit) }
    }
}
