import Chatterbox
import Foundation
import SpeechAudio

/// The tools: `speak` and `list_voices`.
struct MCPTools: Sendable {
    typealias Call = @Sendable (RequestFields, _ progress: @escaping @Sendable (Double, String) -> Void) async throws -> JSON

    let state: ServerState
    /// The folder into which files may be written.
    let folder: URL

    let names = ["speak", "list_voices"]

    func call(_ name: String) -> Call? {
        switch name {
        case "speak": { try await speak($0, $1) }
        case "list_voices": { arguments, _ in try listVoices(arguments) }
        default: nil
        }
    }

    var list: [JSON] {
        func property(_ type: JSON, _ description: String, _ more: [(String, JSON)] = []) -> JSON {
            .object(([("type", type), ("description", .string(description))] + more).map { JSON.Member(name: $0.0, value: $0.1) })
        }
        let formats = JSON.array(AudioFormat.allCases.map { .string($0.rawValue) })
        return [
            [
                "name": "speak", "title": "Speak a text",
                "description": "Speaks a text. With save_path the sound is written into a file; otherwise the answer contains it as audio.",
                "inputSchema": [
                    "type": "object", "required": ["text"], "additionalProperties": false,
                    "properties": [
                        "text": property("string", "The text to speak, up to \(state.configuration.characterLimit) characters."),
                        "voice": property("string", "A voice of list_voices. Default: the model's own."),
                        "model": property("string", "One of \(state.models.offers.map(\.name).joined(separator: ", "))."),
                        "language": property("string", "The text's language, such as en. Default: detected from the text."),
                        "speed": property("number", "1 is the voice's own.", [("minimum", 0.25), ("maximum", 4)]),
                        "seed": property("integer", "The same seed gives the same sound.", [("minimum", 0)]),
                        "format": property(
                            "string", "Format of the sound. Default: that of save_path's extension, otherwise mp3.", [("enum", formats)]),
                        "save_path": property("string", "A file within \(folder.path) that does not exist yet."),
                    ],
                ],
                "annotations": ["readOnlyHint": false, "destructiveHint": false, "idempotentHint": false, "openWorldHint": false],
            ],
            [
                "name": "list_voices", "title": "List the voices", "description": "The voices that speak can use.",
                "inputSchema": ["type": "object", "properties": [:], "additionalProperties": false],
                "annotations": ["readOnlyHint": true, "openWorldHint": false],
            ],
        ]
    }

    private func listVoices(_ arguments: RequestFields) throws -> JSON {
        try refuse(arguments.unknown)
        let voices = state.knownVoices().map(\.name)
        return [
            "content": [["type": "text", "text": .string(voices.joined(separator: "\n"))]],
            "structuredContent": ["voices": .array(voices.map { .string($0) })], "isError": false,
        ]
    }

    private func speak(_ arguments: RequestFields, _ progress: @escaping @Sendable (Double, String) -> Void) async throws -> JSON {
        var fields = arguments
        guard let text = try fields.string("text") else { throw APIError.missing("text") }
        try SpeechOrder.check(text, "text", limit: state.configuration.characterLimit)
        var order = SpeechOrder(model: try fields.string("model") ?? "default", input: text, voice: try fields.string("voice") ?? "default")
        order.isStreamed = false
        try order.setLanguage(fields.string("language"))
        order.manner.seed = try fields.seed()
        try order.takeSpeed(from: &fields)
        let file = try fields.string("save_path").map(file)
        order.sound = SoundFormat(try format(fields.string("format"), file))
        try refuse(fields.unknown)

        let place = FileManager.default.temporaryDirectory.appending(path: "chatterbox-\(UUID().uuidString)")
        let sound = file ?? place
        defer { if file == nil { try? FileManager.default.removeItem(at: place) } }
        let begin = ContinuousClock.now
        let speech: OpenSpeech
        do {
            speech = try await state.open(order, nil, since: begin, into: .file(sound))
            while let piece = try await speech.next() { progress(piece.start + piece.seconds, "speaking") }
        } catch let error as AudioError where file != nil {
            // For example because another call has written the same file meanwhile, or the disk is full.
            throw APIError.invalid(error, "save_path")
        }
        await speech.record(in: state.metrics, end: speech.end, seconds: (.now - begin) / .seconds(1))

        let seconds = (await speech.seconds * 100).rounded() / 100, seed = await speech.seed ?? 0
        let told = "\(JSON.number(seconds).text) s of speech" + (file.map { " in \($0.path)" } ?? "")
        var content: [JSON] = [["type": "text", "text": .string(told)]]
        if file == nil {
            let data = try Data(contentsOf: place).base64EncodedString()
            content.append(["type": "audio", "data": .string(data), "mimeType": .string(order.sound.mediaType)])
        }
        return [
            "content": .array(content),
            "structuredContent": ["seconds": .number(seconds), "seed": .number(Double(seed)), "path": .init(file?.path)], "isError": false,
        ]
    }

    /// The URL of a file within the folder.
    private func file(_ path: String) throws -> URL {
        guard !path.utf8.contains(0) else { throw APIError.invalid("save_path has a NUL character in it", "save_path") }
        let root = folder.standardizedFileURL.resolvingSymlinksInPath().path
        let file = URL(filePath: path, relativeTo: folder.appending(path: "", directoryHint: .isDirectory)).standardizedFileURL
        let parent = file.deletingLastPathComponent().resolvingSymlinksInPath()
        guard parent.path == root || parent.path.hasPrefix(root.hasSuffix("/") ? root : root + "/") else {
            throw APIError.invalid("save_path is outside of \(root), where files may be written", "save_path")
        }
        guard FileManager.default.fileExists(atPath: parent.path) else { throw APIError.invalid("there is no folder \(parent.path)", "save_path") }
        guard (try? FileManager.default.attributesOfItem(atPath: file.path)) == nil else {
            throw APIError.invalid("\(file.path) exists already; give another name", "save_path")
        }
        return parent.appending(path: file.lastPathComponent)
    }

    private func format(_ name: String?, _ file: URL?) throws -> AudioFormat {
        let byFile = try file.map { file in
            guard let format = AudioFormat(fileExtension: file.pathExtension) else {
                throw APIError.invalid("save_path must end in .wav, .mp3, .flac, .opus, .aac or .pcm", "save_path")
            }
            return format
        }
        guard let name else { return byFile ?? .mp3 }
        guard let format = AudioFormat(rawValue: name), format == byFile ?? format else {
            let other = byFile.map { ", and save_path is for \($0.rawValue)" } ?? "; known are mp3, opus, aac, flac, wav and pcm"
            throw APIError.invalid("format is \(name)\(other)", "format")
        }
        return format
    }

    private func refuse(_ unknown: [String]) throws {
        if let name = unknown.first { throw APIError.invalid("there is no argument \(name)", name, code: "unknown_parameter") }
    }
}
