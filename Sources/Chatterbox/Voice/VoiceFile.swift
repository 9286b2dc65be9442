import Foundation
import Torch

extension Voice {
    /// The version of the file format, in its metadata.
    static let fileVersion = "1"

    /// Tensors of a voice file: the names that upstream's traces give them.
    enum Name {
        static let speakerEmbedding = "speaker_embedding"
        static let conditioningTokens = "cond_prompt_tokens"
        static let promptTokens = "prompt_token"
        static let promptMel = "prompt_feat"
        static let xVector = "xvector"
    }

    /// Writes the voice as a safetensors file, whole or not at all.
    ///
    /// - Throws: ``SafetensorsError/unwritable(_:reason:)``.
    public func save(to file: URL) throws {
        let tensors = [
            Name.speakerEmbedding: speakerEmbedding, Name.conditioningTokens: conditioningTokens,
            Name.promptTokens: prompt.tokens, Name.promptMel: prompt.mel, Name.xVector: prompt.speaker,
        ]
        try SafetensorsWriter.write(tensors, metadata: ["format": "chatterbox-voice", "version": Self.fileVersion], to: file)
    }

    /// Reads a voice that ``save(to:)`` wrote, or a checkpoint's built-in voice, `conds.pt`.
    ///
    /// - Parameter sizes: those of the model that will speak.
    /// - Throws: ``VoiceError`` where the file is no voice or not one for this model; ``SafetensorsError`` or
    ///   ``ArchiveError`` where it cannot be read or is damaged.
    public static func load(from file: URL, sizes: Sizes = .chatterbox) throws -> Voice {
        try unchecked(from: file).checked(sizes, source: file.lastPathComponent)
    }

    static func unchecked(from file: URL) throws -> Voice {
        let source = file.lastPathComponent
        let isArchive = (try? FileHandle(forReadingFrom: file).read(upToCount: 2)) == Data("PK".utf8)
        return try isArchive ? builtIn(PickledArchive(file), source) : stored(SafetensorsFile(file), source)
    }

    private static func stored(_ file: SafetensorsFile, _ source: String) throws -> Voice {
        if let version = file.metadata["version"], version != fileVersion { throw VoiceError.version(source: source, found: version) }
        let tensors = try file.tensors()
        func tensor(_ name: String) throws -> Tensor { try require(name, in: tensors, source) }
        return Voice(
            speakerEmbedding: try tensor(Name.speakerEmbedding), conditioningTokens: try tensor(Name.conditioningTokens),
            prompt: SpeechPrompt(
                tokens: try tensor(Name.promptTokens), mel: try tensor(Name.promptMel), speaker: try tensor(Name.xVector)))
    }

    /// What upstream's `Conditionals.save` writes. It also holds the emotion, which here is an option of speaking.
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
