import FileSupport
import Foundation
import Torch

extension Voice {
    /// The version of the file format, in its metadata. Information about the origin was added later without a new version: a
    /// program that does not support it uses the voice as before.
    static let fileVersion = "1"

    /// The tensors of a voice file: those with names of upstream's traces, and the recording.
    enum Name {
        static let speakerEmbedding = "speaker_embedding"
        static let conditioningTokens = "cond_prompt_tokens"
        static let promptTokens = "prompt_token"
        static let promptMel = "prompt_feat"
        static let xVector = "xvector"
        /// The bytes of a FLAC file.
        static let recording = "recording"
    }

    /// Writes the voice atomically as a safetensors file, with its ``origin`` and ``recording`` if it has them.
    ///
    /// - Throws: `SafetensorsError.unwritable`; `AudioError` if the recording cannot be encoded.
    public func save(to file: URL, replaces: Bool = true) throws {
        var tensors = [
            Name.speakerEmbedding: speakerEmbedding, Name.conditioningTokens: conditioningTokens,
            Name.promptTokens: prompt.tokens, Name.promptMel: prompt.mel, Name.xVector: prompt.speaker,
        ]
        var metadata = ["format": "chatterbox-voice", "version": Self.fileVersion]
        if let origin { metadata.merge(try VoiceMetadata.encode(origin)) { $1 } }
        metadata[VoiceMetadata.heardSeconds] = heardSeconds.map { "\($0)" }
        metadata[VoiceMetadata.excerpt] = excerpt.map { "\($0.seconds.lowerBound) \($0.seconds.upperBound) \($0.total)" }
        metadata[VoiceMetadata.notes] = recordingNotes.isEmpty ? nil : recordingNotes.joined(separator: "\n")
        if let recording {
            let (flac, gain) = try recording.encoded()
            tensors[Name.recording] = try Tensor([UInt8](flac), shape: [flac.count])
            metadata[VoiceMetadata.keptSeconds] = "\(recording.seconds)"
            metadata[VoiceMetadata.gain] = gain == 1 ? nil : "\(gain)"
        }
        try SafetensorsWriter.write(tensors, metadata: metadata, to: file, replaces: replaces)
    }

    /// Reads a voice that ``save(to:replaces:)`` wrote, or one that upstream's `Conditionals.save` wrote, such as a checkpoint's
    /// `conds.pt`. The latter contains no origin; ``warnings`` then say so.
    ///
    /// - Parameters:
    ///   - file: a safetensors file, or one that PyTorch wrote.
    ///   - sizes: those of the model that will speak.
    /// - Throws: ``VoiceError`` if the file is not a voice or not one for this model; `SafetensorsError` or
    ///   `ArchiveError` where it cannot be read or is damaged.
    public static func load(from file: URL, sizes: Sizes = .chatterbox) throws -> Voice {
        try unchecked(from: file).checked(sizes)
    }

    static func unchecked(from file: URL) throws -> Voice {
        let source = file.lastPathComponent
        let isArchive = (try? FileHandle(forReadingFrom: file).read(upToCount: 2)) == Data("PK".utf8)
        var voice = try isArchive ? builtIn(PickledArchive(file), source) : stored(SafetensorsFile(file), source)
        voice.name = source
        if voice.origin == nil { voice.warnings = [.unknownOrigin(of: source)] }
        return voice
    }

    private static func stored(_ file: SafetensorsFile, _ source: String) throws -> Voice {
        if let version = file.metadata["version"], version != fileVersion { throw VoiceError.version(source: source, found: version) }
        let tensors = try file.tensors()
        func tensor(_ name: String) throws -> Tensor { try require(name, in: tensors, source) }
        var voice = Voice(
            speakerEmbedding: try tensor(Name.speakerEmbedding), conditioningTokens: try tensor(Name.conditioningTokens),
            prompt: SpeechPrompt(
                tokens: try tensor(Name.promptTokens), mel: try tensor(Name.promptMel), speaker: try tensor(Name.xVector)))
        let metadata = VoiceMetadata(values: file.metadata, source: source)
        voice.origin = try metadata.origin()
        voice.heardSeconds = try metadata.seconds(VoiceMetadata.heardSeconds)
        (voice.excerpt, voice.recordingNotes) = (try metadata.excerpt(), metadata.notes)
        if let bytes = tensors[Name.recording] {
            guard bytes.dtype == .uint8, bytes.rank == 1 else {
                throw VoiceError.shape(source: source, tensor: Name.recording, expected: "bytes in one row", found: bytes.shape)
            }
            voice.recording = VoiceRecording(
                flac: Data(try bytes.array(of: UInt8.self)), gain: try metadata.gain(),
                seconds: try metadata.seconds(VoiceMetadata.keptSeconds) ?? 0)
        }
        return voice
    }

    /// The contents of a file from upstream's `Conditionals.save`. It also contains the emotion, which here is an option of a request.
    private static func builtIn(_ archive: PickledArchive, _ source: String) throws -> Voice {
        func tensor(_ name: String) throws -> Tensor { try require(name, in: archive.tensors, source) }
        return Voice(
            speakerEmbedding: try tensor("t3.speaker_emb"), conditioningTokens: try tensor("t3.cond_prompt_speech_tokens"),
            prompt: SpeechPrompt(
                tokens: try tensor("gen.prompt_token"), mel: try tensor("gen.prompt_feat"), speaker: try tensor("gen.embedding")))
    }

    private static func require(_ name: String, in tensors: [String: Tensor], _ source: String) throws -> Tensor {
        guard let tensor = tensors[name] else { throw VoiceError.missing(source: source, tensor: name) }
        return tensor
    }
}

/// The metadata of a voice's file, without format and version.
private struct VoiceMetadata {
    let values: [String: String]
    /// The file's name in errors.
    let source: String

    static let excerpt = "excerpt", notes = "recording_notes"
    static let heardSeconds = "seconds", keptSeconds = "recording_seconds", gain = "recording_gain"
    private static let model = "model", networks = "networks", rules = "rules"

    /// The digests, by the networks' names in `networks`.
    private struct Networks: Codable {
        var voiceEncoder, tokenizer, speakerEncoder: String

        enum CodingKeys: String, CodingKey {
            case voiceEncoder = "voice_encoder", tokenizer = "s3_tokenizer", speakerEncoder = "speaker_encoder"
        }
    }

    static func encode(_ origin: VoiceOrigin) throws -> [String: String] {
        func text(_ value: some Encodable) throws -> String {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            return String(decoding: try encoder.encode(value), as: UTF8.self)
        }
        let digests = Networks(voiceEncoder: origin.voiceEncoder, tokenizer: origin.tokenizer, speakerEncoder: origin.speakerEncoder)
        var metadata = [networks: try text(digests), rules: try text(origin.rules)]
        metadata[model] = origin.model
        return metadata
    }

    /// Nil if the file contains none.
    func origin() throws -> VoiceOrigin? {
        guard values[Self.networks] != nil || values[Self.rules] != nil else { return nil }
        let digests = try decode(Networks.self, Self.networks), rules = try decode(ReferenceRules.self, Self.rules)
        return VoiceOrigin(
            model: values[Self.model]?.shown(limit: 60), voiceEncoder: digests.voiceEncoder, tokenizer: digests.tokenizer,
            speakerEncoder: digests.speakerEncoder, rules: rules)
    }

    /// Nil if the file does not contain it.
    func seconds(_ name: String) throws -> Double? {
        try values[name].map { text in
            guard let value = Double(text), value.isFinite, value >= 0 else { throw VoiceError.metadata(source: source, name: name) }
            return value
        }
    }

    /// Nil if the file does not contain it.
    func excerpt() throws -> Voice.Excerpt? {
        try values[Self.excerpt].map { text in
            let numbers = text.split(separator: " ").map { Double($0) ?? .nan }
            guard numbers.count == 3, numbers.allSatisfy(\.isFinite), numbers[0] >= 0, numbers[0] <= numbers[1] else {
                throw VoiceError.metadata(source: source, name: Self.excerpt)
            }
            return Voice.Excerpt(numbers[0]...numbers[1], of: numbers[2])
        }
    }

    /// At most ten notes, each of limited length.
    var notes: [String] { (values[Self.notes] ?? "").split(separator: "\n").prefix(10).map { String($0).shown(limit: 200) } }

    func gain() throws -> Double {
        guard let gain = try seconds(Self.gain) else { return 1 }
        guard gain >= 1 else { throw VoiceError.metadata(source: source, name: Self.gain) }
        return gain
    }

    private func decode<Value: Decodable>(_ type: Value.Type, _ name: String) throws -> Value {
        let data = Data((values[name] ?? "").utf8)
        // Deeply nested JSON would exhaust the decoder's stack.
        guard JSONOutline(data, limit: 4).depth <= 4, let value = try? JSONDecoder().decode(type, from: data) else {
            throw VoiceError.metadata(source: source, name: name)
        }
        return value
    }
}
