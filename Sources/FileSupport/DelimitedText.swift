import Foundation

/// A table as text: CSV (RFC 4180), or the same with another delimiter.
package struct DelimitedText {
    package struct Row: Hashable {
        /// The number of the line in which the row begins, from 1.
        package let line: Int
        package let fields: [String]
        /// Whether a field has an opening quote and no closing one.
        package var isOpen = false
    }

    /// Rows that contain at least one character.
    package let rows: [Row]

    /// - Parameters:
    ///   - delimiter: an ASCII character.
    ///   - quotes: whether a field may be enclosed in double quotes. In quotes, delimiters and ends of lines are text, and two quotes mean one.
    package init(_ text: String, delimiter: Character, quotes: Bool = true) {
        let sign = delimiter.asciiValue!, quote = UInt8(ascii: "\""), newline = UInt8(ascii: "\n"), carriage = UInt8(ascii: "\r")
        var rows: [Row] = [], fields: [String] = [], field: [UInt8] = []
        var line = 1, start = 1, isQuoted = false, wasQuoted = false
        func decoded(_ bytes: [UInt8], trimmed: Bool) -> String {
            let text = String(decoding: bytes, as: UTF8.self)
            return trimmed ? text.trimmingCharacters(in: .whitespaces) : text
        }
        func endField() {
            fields.append(decoded(field, trimmed: !wasQuoted))
            (field, wasQuoted) = ([], false)
        }
        func endRow(isOpen: Bool = false) {
            endField()
            if fields.contains(where: { !$0.isEmpty }) { rows.append(Row(line: start, fields: fields, isOpen: isOpen)) }
            fields = []
        }
        let bytes = Array(text.utf8)
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if isQuoted {
                if byte == newline { line += 1 }
                if byte == quote, index + 1 < bytes.count, bytes[index + 1] == quote {
                    field.append(quote)
                    index += 1
                } else if byte == quote {
                    isQuoted = false
                } else {
                    field.append(byte)
                }
            } else if byte == newline {
                endRow()
                line += 1
                start = line
            } else if byte == sign {
                endField()
            } else if quotes, byte == quote, !wasQuoted, field.allSatisfy({ $0 == UInt8(ascii: " ") }) {
                (isQuoted, wasQuoted, field) = (true, true, [])
            } else if byte != carriage || index + 1 < bytes.count && bytes[index + 1] != newline {
                // Spaces after a closing quote are not part of the field.
                if !wasQuoted || byte != UInt8(ascii: " ") { field.append(byte) }
            }
            index += 1
        }
        if isQuoted || !field.isEmpty || !fields.isEmpty { endRow(isOpen: isQuoted) }
        self.rows = rows
    }
}
