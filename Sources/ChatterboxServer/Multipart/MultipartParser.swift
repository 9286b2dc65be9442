import Foundation

/// Reads a form with files (RFC 7578) piece by piece, whatever its size: it buffers at most a header or the length of a boundary.
struct MultipartParser {
    /// The next part of the form.
    enum Event: Equatable {
        case begin(Header)
        /// Bytes of the current part.
        case data([UInt8])
        /// The part is complete.
        case end
    }

    /// The header of a part.
    struct Header: Equatable {
        let name: String
        var fileName: String?
        var contentType: String?
    }

    private enum State { case preamble, header, body, epilogue }

    /// The largest size of a part's header in bytes.
    private static let headerLimit = 8192

    private let delimiter: [UInt8]
    private var state = State.preamble
    private var waiting: [UInt8]

    /// - Parameter contentType: the request's.
    /// - Throws: ``MultipartError`` if this is not the type of a form, or has no boundary.
    init(contentType: String) throws {
        let parts = contentType.split(separator: ";").map { $0.trimmingCharacters(in: .whitespaces) }
        guard parts.first?.lowercased() == "multipart/form-data" else { throw MultipartError.otherType(contentType) }
        let boundary = Self.parameter("boundary", of: contentType)
        guard let boundary, (1...70).contains(boundary.utf8.count) else { throw MultipartError.noBoundary }
        delimiter = Array("\r\n--\(boundary)".utf8)
        // With these bytes the first delimiter is found like the others.
        waiting = Array("\r\n".utf8)
    }

    /// Whether the last delimiter has been read.
    var isComplete: Bool { state == .epilogue }

    /// Reads the next bytes.
    ///
    /// - Throws: ``MultipartError``.
    mutating func take(_ bytes: some Sequence<UInt8>) throws -> [Event] {
        waiting += bytes
        var events: [Event] = []
        while try step(&events) {}
        return events
    }

    /// Processes the next part of the buffer; false if more bytes are needed.
    private mutating func step(_ events: inout [Event]) throws -> Bool {
        switch state {
        case .epilogue:
            waiting = []
            return false
        case .header:
            guard let end = waiting.firstRange(of: Array("\r\n\r\n".utf8)) else {
                guard waiting.count <= Self.headerLimit else { throw MultipartError.longHeader }
                return false
            }
            guard end.lowerBound <= Self.headerLimit else { throw MultipartError.longHeader }
            events.append(.begin(try Self.header(String(decoding: waiting[..<end.lowerBound], as: UTF8.self))))
            waiting.removeSubrange(..<end.upperBound)
            state = .body
            return true
        case .preamble, .body: return try takeUntilDelimiter(&events)
        }
    }

    private mutating func takeUntilDelimiter(_ events: inout [Event]) throws -> Bool {
        guard let found = waiting.firstRange(of: delimiter) else {
            // The last bytes may be the beginning of a delimiter.
            let certain = waiting.count - delimiter.count + 1
            if certain > 0 { give(certain, &events) }
            return false
        }
        // The delimiter is followed by the end of the line, perhaps after blanks, or by two hyphens.
        var next = found.upperBound
        while next < waiting.count, waiting[next] == 0x20 || waiting[next] == 0x09 { next += 1 }
        guard next + 2 <= waiting.count else {
            guard waiting.count - found.upperBound <= 256 else { throw MultipartError.badDelimiter }
            if found.lowerBound > 0 { give(found.lowerBound, &events) }
            return false
        }
        let isLast = waiting[next..<next + 2].elementsEqual("--".utf8)
        guard isLast || waiting[next..<next + 2].elementsEqual("\r\n".utf8) else { throw MultipartError.badDelimiter }
        give(found.lowerBound, &events)
        if state == .body { events.append(.end) }
        waiting.removeSubrange(..<(next + 2 - found.lowerBound))
        state = isLast ? .epilogue : .header
        return true
    }

    /// Passes on bytes that cannot belong to a delimiter.
    private mutating func give(_ count: Int, _ events: inout [Event]) {
        if state == .body, count > 0 { events.append(.data(Array(waiting.prefix(count)))) }
        waiting.removeFirst(count)
    }

    private static func header(_ text: String) throws -> Header {
        var header: Header?, contentType: String?
        for line in text.components(separatedBy: "\r\n") where !line.isEmpty {
            guard let colon = line.firstIndex(of: ":") else { throw MultipartError.badHeader }
            let name = line[..<colon].lowercased(), value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
            switch name {
            case "content-disposition":
                guard value.lowercased().hasPrefix("form-data"), let field = parameter("name", of: value) else { throw MultipartError.badHeader }
                header = Header(name: field, fileName: parameter("filename", of: value))
            case "content-type": contentType = value
            default: break
            }
        }
        guard var header else { throw MultipartError.badHeader }
        header.contentType = contentType
        return header
    }

    /// A parameter's value, with or without quotes.
    private static func parameter(_ name: String, of value: String) -> String? {
        var rest = value.drop { $0 != ";" }
        while let semicolon = rest.first, semicolon == ";" {
            rest = rest.dropFirst().drop { $0 == " " || $0 == "\t" }
            let key = rest.prefix { $0 != "=" && $0 != ";" }
            rest = rest.dropFirst(key.count)
            guard rest.first == "=" else { continue }
            rest = rest.dropFirst()
            var text = ""
            if rest.first == "\"" {
                rest = rest.dropFirst()
                while let character = rest.first, character != "\"" {
                    // Browsers encode a quotation mark as %22, other programs put a backslash before it.
                    if character == "\\", rest.dropFirst().first == "\"" { rest = rest.dropFirst() }
                    text.append(rest.removeFirst())
                }
                rest = rest.dropFirst().drop { $0 != ";" }
            } else {
                text = rest.prefix { $0 != ";" }.trimmingCharacters(in: .whitespaces)
                rest = rest.drop { $0 != ";" }
            }
            if key.trimmingCharacters(in: .whitespaces).lowercased() == name { return text }
        }
        return nil
    }
}

/// What is wrong with a form.
enum MultipartError: Error, Hashable, CustomStringConvertible {
    case otherType(String)
    case noBoundary
    case badDelimiter
    case badHeader
    case longHeader
    case incomplete

    var description: String {
        switch self {
        case .otherType(let type): "expected multipart/form-data, found \(type)"
        case .noBoundary: "multipart/form-data without a boundary of 1 to 70 characters"
        case .badDelimiter: "a boundary that neither a line's end nor \"--\" follows"
        case .badHeader: "a part whose header has no form-data with a name"
        case .longHeader: "a part whose header is longer than 8192 bytes"
        case .incomplete: "the form ends before its last boundary"
        }
    }
}
