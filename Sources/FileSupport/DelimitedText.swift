import Foundation

/// A table as text: CSV (RFC 4180), or its relatives with other signs between the fields.
package struct DelimitedText {
    package struct Row: Hashable {
        /// Where the row begins, from 1.
        package let line: Int
        package let fields: [String]
        /// Whether a field was in quotes that never closed.
        package var isOpen = false
    }

    /// Rows with anything in them.
    package let rows: [Row]

    /// - Parameters:
    ///   - delimiter: an ASCII character.
    ///   - quotes: whether a field may stand in double quotes, in which delimiters and ends of lines are text, and two quotes are one.
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
                // Spaces behind a closing quote are none of the field.
                if !wasQuoted || byte != UInt8(ascii: " ") { field.append(byte) }
            }
            index += 1
        }
        if isQuoted || !field.isEmpty || !fields.isEmpty { endRow(isOpen: isQuoted) }
        self.rows = rows
    }
}
