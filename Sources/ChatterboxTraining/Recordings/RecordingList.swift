import FileSupport
import Foundation
import SpeechText

/// Recordings with their texts, in one of these forms:
///
/// - a folder of recordings, each with a text file (`a.wav`, `a.txt`), also in subfolders;
/// - `metadata.csv` in LJSpeech's format: `id|text` or `id|text|text in words`, with the recording at `wavs/id.wav` or `id.wav`;
/// - CSV with a header: columns for the recording (`audio`, `file_name`, `path` …) and the text (`text`, `transcription`, `sentence` …),
///   and optionally `speaker`, separated by commas, semicolons, tabs or bars;
/// - JSON lines: an object in each line with fields of those names.
///
/// A list is a file, or a folder with `metadata.csv`, `metadata.jsonl` or `manifest.jsonl`. Paths are relative to its folder.
/// The recordings are not read yet: see ``RecordingCheck``.
public struct RecordingList: Sendable {
    /// One recording of the list.
    public struct Entry: Sendable, Hashable {
        /// Its place: a line of the list, or the recording's name.
        public let place: String
        public let audio: URL
        public let text: String
        /// The speaker; empty if the list does not contain it.
        public let speaker: String
    }

    /// A recording that is not used, with the reason.
    public struct Refusal: Sendable, Hashable, CustomStringConvertible {
        public let place: String
        public let reason: String
        public var description: String { "\(place): \(reason)" }
    }

    /// The list, or the folder.
    public let source: URL
    public let entries: [Entry]
    /// Invalid lines.
    public let refusals: [Refusal]

    private static let listNames = ["metadata.csv", "metadata.jsonl", "manifest.jsonl"]
    private static let audioNames = ["audio", "audio_file", "audio_filepath", "audio_path", "file_name", "filename", "file", "path", "wav"]
    private static let textNames = ["text", "transcription", "transcript", "sentence", "normalized_text"]
    private static let speakerNames = ["speaker", "speaker_id", "client_id"]
    private static let soundSuffixes: Set<String> = [
        "wav", "flac", "mp3", "ogg", "oga", "opus", "aif", "aiff", "m4a", "mp4", "webm", "caf", "aac",
    ]

    /// - Parameter url: a folder or a list.
    /// - Throws: ``RecordingListError``.
    public init(_ url: URL) throws {
        if url.isFolder {
            let list = Self.listNames.map { url.appending(path: $0) }.first { FileManager.default.fileExists(atPath: $0.path) }
            self = try list.map { try Self(list: $0) } ?? Self(folder: url)
        } else {
            guard FileManager.default.fileExists(atPath: url.path) else { throw RecordingListError.missing(url) }
            self = try Self(list: url)
        }
        guard !entries.isEmpty || !refusals.isEmpty else { throw RecordingListError.empty(source) }
    }

    private init(_ source: URL, _ found: [Result<Entry, Refusal>]) {
        self.source = source
        entries = found.compactMap { if case .success(let entry) = $0 { entry } else { nil } }
        refusals = found.compactMap { if case .failure(let refusal) = $0 { refusal } else { nil } }
    }

    // MARK: a folder

    private init(folder: URL) throws {
        guard let names = try? FileManager.default.subpathsOfDirectory(atPath: folder.path) else { throw RecordingListError.missing(folder) }
        let seen = names.filter { name in !name.split(separator: "/").contains { $0.hasPrefix(".") } }.sorted()
        func stem(_ name: String) -> String { (name as NSString).deletingPathExtension }
        func suffix(_ name: String) -> String { (name as NSString).pathExtension.lowercased() }
        let sounds = seen.filter { Self.soundSuffixes.contains(suffix($0)) }, texts = seen.filter { suffix($0) == "txt" }
        guard !sounds.isEmpty else { throw RecordingListError.nothingSpoken(folder) }
        let textOfStem = Dictionary(texts.map { (stem($0), $0) }) { first, _ in first }, stems = Set(sounds.map(stem))
        var found: [Result<Entry, Refusal>] = sounds.map { name in
            guard let text = textOfStem[stem(name)] else {
                return .failure(Refusal(place: name, reason: "its text is missing, expected in \((stem(name) as NSString).lastPathComponent).txt"))
            }
            do {
                let words = try PlainText.decoded(SmallFile.read(folder.appending(path: text), limit: 1 << 20))
                return .success(Entry(place: name, audio: folder.appending(path: name), text: Self.onOneLine(words), speaker: ""))
            } catch {
                return .failure(Refusal(place: text, reason: (error as? UnreadableFile)?.reason ?? "\(error)"))
            }
        }
        for text in texts where !stems.contains(stem(text)) {
            found.append(.failure(Refusal(place: text, reason: "its recording is missing")))
        }
        self.init(folder, found)
    }

    // MARK: a list

    private init(list: URL) throws {
        let text: String
        do { text = try PlainText.decoded(SmallFile.read(list)) } catch {
            throw RecordingListError.unreadable(list, reason: (error as? UnreadableFile)?.reason ?? "\(error)")
        }
        let folder = list.deletingLastPathComponent(), name = list.lastPathComponent
        let isJSON = ["jsonl", "json", "ndjson"].contains(list.pathExtension.lowercased())
        try self.init(list, isJSON ? Self.lines(ofJSON: text, folder, name) : Self.rows(of: text, list, folder, name))
    }

    private static func lines(ofJSON text: String, _ folder: URL, _ name: String) -> [Result<Entry, Refusal>] {
        text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().compactMap { index, line in
            guard !line.allSatisfy(\.isWhitespace) else { return nil }
            let place = "\(name), line \(index + 1)", data = Data(line.utf8)
            guard JSONOutline(data, limit: 16).depth <= 16, let object = try? JSONSerialization.jsonObject(with: data) as? [String: Any] else {
                return .failure(Refusal(place: place, reason: "it is no JSON object"))
            }
            func field(_ names: [String]) -> String? { names.lazy.compactMap { object[$0] as? String }.first }
            if object["split"] as? String == "test" { return .failure(Refusal(place: place, reason: "it is kept for tests (\"split\": \"test\")")) }
            return entry(place, folder, audio: field(audioNames), text: field(textNames), speaker: field(speakerNames))
        }
    }

    private static func rows(of content: String, _ list: URL, _ folder: URL, _ name: String) throws -> [Result<Entry, Refusal>] {
        let first = String(content.prefix { !$0.isNewline })
        for delimiter in [",", ";", "\t", "|"] as [Character] {
            let header = DelimitedText(first, delimiter: delimiter).rows.first?.fields.map { $0.lowercased() } ?? []
            func column(_ names: [String]) -> Int? { names.lazy.compactMap { header.firstIndex(of: $0) }.first }
            guard let audio = column(audioNames), let text = column(textNames) else { continue }
            let speaker = column(speakerNames)
            return DelimitedText(content, delimiter: delimiter).rows.dropFirst().map { row in
                let place = "\(name), line \(row.line)"
                func field(_ column: Int?) -> String? { column.flatMap { $0 < row.fields.count ? row.fields[$0] : nil } }
                guard !row.isOpen else { return .failure(Refusal(place: place, reason: "its quotes never close")) }
                guard row.fields.count <= header.count else {
                    return .failure(Refusal(place: place, reason: "it has \(row.fields.count) fields, the header has \(header.count)"))
                }
                return entry(place, folder, audio: field(audio), text: field(text), speaker: field(speaker))
            }
        }
        guard first.contains("|") else { throw RecordingListError.unknownColumns(list, header: first) }
        return ljSpeech(content, folder, name)
    }

    /// LJSpeech does not quote fields: quotation marks belong to the text.
    private static func ljSpeech(_ content: String, _ folder: URL, _ name: String) -> [Result<Entry, Refusal>] {
        DelimitedText(content, delimiter: "|", quotes: false).rows.map { row in
            let place = "\(name), line \(row.line)"
            guard (2...3).contains(row.fields.count) else {
                return .failure(Refusal(place: place, reason: "it has \(row.fields.count) fields, expected id|text or id|text|text in words"))
            }
            let id = row.fields[0], text = row.fields.last { !$0.isEmpty && $0 != id }
            guard !id.isEmpty else { return .failure(Refusal(place: place, reason: "it names no recording")) }
            // A name may already have an extension, which may differ.
            let names = ["wavs/\(id).wav", "wavs/\(id)", id] + soundSuffixes.sorted().flatMap { ["wavs/\(id).\($0)", "\(id).\($0)"] }
            let audio = names.first { name in
                let url = name.hasPrefix("/") ? URL(filePath: name) : folder.appending(path: name)
                return !url.isFolder && FileManager.default.fileExists(atPath: url.path)
            }
            return entry(place, folder, audio: audio ?? names[0], text: text, speaker: nil)
        }
    }

    private static func entry(_ place: String, _ folder: URL, audio: String?, text: String?, speaker: String?) -> Result<Entry, Refusal> {
        guard let audio, !audio.isEmpty else { return .failure(Refusal(place: place, reason: "it names no recording")) }
        guard let text else { return .failure(Refusal(place: place, reason: "it has no text")) }
        let file = audio.hasPrefix("/") ? URL(filePath: audio) : folder.appending(path: audio)
        return .success(Entry(place: place, audio: file, text: onOneLine(text), speaker: speaker ?? ""))
    }

    private static func onOneLine(_ text: String) -> String { text.split(whereSeparator: \.isWhitespace).joined(separator: " ") }
}

extension RecordingList.Refusal: Error {}

/// An error in a list of recordings.
public enum RecordingListError: Error, CustomStringConvertible, Equatable {
    case missing(URL)
    case empty(URL)
    /// A folder with neither recordings nor a list of them.
    case nothingSpoken(URL)
    case unreadable(URL, reason: String)
    case unknownColumns(URL, header: String)
    /// Too few recordings are left for training.
    case tooFew(URL, accepted: Int, refused: Int, needed: Int)

    public var description: String {
        switch self {
        case .missing(let url): "\(url.path): no such file or folder; expected recordings with their texts, or a list of them"
        case .empty(let url): "\(url.path): it lists no recordings"
        case .nothingSpoken(let url):
            "\(url.path): no recordings; expected sound files with their texts (a.wav and a.txt), metadata.csv, metadata.jsonl or manifest.jsonl"
        case .unreadable(let url, let reason): "\(url.path): cannot be read: \(reason)"
        case .unknownColumns(let url, let header):
            "\(url.path): the first line, \"\(header.shown())\", names no columns for recordings and texts; expected a header with audio and text, or "
                + "LJSpeech's lines id|text"
        case .tooFew(let url, let accepted, let refused, let needed):
            "\(url.path): \(accepted) recordings can be used, \(refused) are refused; training takes at least \(needed)"
        }
    }
}
