import Foundation

/// The nesting depth of a JSON text and its number of names, found before the text is parsed.
///
/// Parsers silently keep one value of a name that occurs twice, and JSON that is nested too deeply can exhaust their stack; both are detected here
/// first.
package struct JSONOutline {
    /// The largest number of nested objects and lists; the limit plus one if it is exceeded.
    package private(set) var depth = 0
    /// The number of names in the outermost object; repeated names are counted each time.
    package private(set) var names = 0

    /// Reads the text up to the place where it is nested deeper than `limit`.
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
