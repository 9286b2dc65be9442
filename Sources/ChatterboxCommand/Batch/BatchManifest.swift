import FileSupport
import Foundation
import SpeechText

/// A list of texts to speak: JSON lines with one object each, or CSV with a header. The fields are those of ``BatchItem``.
///
/// JSON lines are read from the file only when they are needed, so that a million of them need little memory.
struct BatchManifest: Sendable {
    let url: URL
    /// The number of texts, including those that are invalid.
    let count: Int
    private let lines: Lines

    private enum Lines: Sendable {
        /// The byte range of each line in the file.
        case json(Data, [Range<Int>], numbers: [Int])
        case table(header: [String], [DelimitedText.Row])
    }

    /// - Throws: ``BatchManifestError``.
    init(_ url: URL) throws {
        self.url = url
        guard !url.isFolder else { throw BatchManifestError(url, "it is a folder; expected JSON lines or CSV") }
        let data: Data
        do { data = try Data(contentsOf: url, options: .mappedIfSafe) } catch {
            throw BatchManifestError(url, "cannot be read (\(error.reason)); check the path")
        }
        switch url.pathExtension.lowercased() {
        case "csv", "tsv":
            lines = try Self.table(data, url, tabs: url.pathExtension.lowercased() == "tsv")
        default:
            lines = Self.json(data)
        }
        count =
            switch lines {
            case .json(_, let ranges, _): ranges.count
            case .table(_, let rows): rows.count
            }
        guard count > 0 else { throw BatchManifestError(url, "there is no text in it") }
    }

    /// The text with this index, from 0.
    func item(_ index: Int) -> Result<BatchItem, BatchItem.Refusal> {
        switch lines {
        case .json(let data, let ranges, let numbers): Self.item(data[ranges[index]], index, "line \(numbers[index])")
        case .table(let header, let rows): Self.item(rows[index], header, index)
        }
    }

    // MARK: JSON lines

    private static func json(_ data: Data) -> Lines {
        var ranges: [Range<Int>] = [], numbers: [Int] = []
        // A byte order mark does not belong to the first object.
        var start = data.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0, number = 1
        while start < data.count {
            let end = data[start...].firstIndex(of: 0x0A) ?? data.count
            if data[start..<end].contains(where: { ![0x20, 0x09, 0x0D].contains($0) }) {
                ranges.append(start..<end)
                numbers.append(number)
            }
            (start, number) = (end + 1, number + 1)
        }
        return .json(data, ranges, numbers: numbers)
    }

    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private struct Object: Decodable {
        let fields: [(name: String, value: BatchValue)]

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Name.self)
            fields = try container.allKeys.map { ($0.stringValue, try container.decode(BatchValue.self, forKey: $0)) }
        }
    }

    private static func item(_ line: Data, _ index: Int, _ place: String) -> Result<BatchItem, BatchItem.Refusal> {
        let line = Data(line)
        guard JSONOutline(line, limit: 16).depth <= 16, let object = try? JSONDecoder().decode(Object.self, from: line) else {
            let found = String(decoding: line.prefix(60), as: UTF8.self)
            return .failure(BatchItem.Refusal(place: place, reason: "it is no JSON object: \(found)"))
        }
        return Result { () throws(BatchItem.Refusal) in try BatchItem(object.fields, number: index + 1, place: place) }
    }

    // MARK: CSV

    private static func table(_ data: Data, _ url: URL, tabs: Bool) throws -> Lines {
        let text: String
        do { text = try PlainText.decoded(data) } catch { throw BatchManifestError(url, "\(error)") }
        let first = text.prefix { !$0.isNewline }
        // The delimiter that occurs most often in the header.
        let delimiter: Character = tabs ? "\t" : [",", ";", "\t"].max { left, right in first.count { $0 == left } < first.count { $0 == right } }!
        var rows = DelimitedText(text, delimiter: delimiter).rows
        guard !rows.isEmpty else { return .table(header: [], []) }
        let header = rows.removeFirst().fields.map { $0.lowercased() }
        guard header.contains("text") || header.contains("file") else {
            throw BatchManifestError(url, "its first line names no column text or file: \(first.prefix(80))")
        }
        return .table(header: header, rows)
    }

    private static func item(_ row: DelimitedText.Row, _ header: [String], _ index: Int) -> Result<BatchItem, BatchItem.Refusal> {
        let place = "line \(row.line)"
        guard !row.isOpen else { return .failure(BatchItem.Refusal(place: place, reason: "its quotes never close")) }
        guard row.fields.count <= header.count else {
            return .failure(BatchItem.Refusal(place: place, reason: "it has \(row.fields.count) fields, and the first line names \(header.count)"))
        }
        return Result { () throws(BatchItem.Refusal) in
            try BatchItem(zip(header, row.fields).map { ($0, .cell($1)) }, number: index + 1, place: place)
        }
    }
}

/// Why a manifest cannot be used.
struct BatchManifestError: Error, Hashable, CustomStringConvertible {
    let description: String

    init(_ url: URL, _ reason: String) { description = "\(url.relativePath): \(reason)" }
}
