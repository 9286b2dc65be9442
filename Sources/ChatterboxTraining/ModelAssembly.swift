import Chatterbox
import Foundation
import SpeechAudio
import Torch

/// Combines separately trained networks into a folder for `Model.load`, in float16.
public struct ModelAssembly: Sendable {
    /// The contents of the folder's `config.json`.
    public var variant: Variant
    /// Weights of T3 and of the voice encoder, each at the root of its file.
    public var t3, voiceEncoder: URL
    /// Weights under `tokenizer`, `speaker_encoder`, `flow` and `mel2wav`, in one file or several.
    public var s3Gen: [URL]
    /// `tokenizer.json` of the text.
    public var textTokenizer: URL
    /// Recordings of the model's own voices by name; the first is its default voice.
    public var voices: [(name: String, recording: URL)]

    public init(
        variant: Variant, t3: URL, voiceEncoder: URL, s3Gen: [URL], textTokenizer: URL,
        voices: [(name: String, recording: URL)]
    ) {
        self.variant = variant
        (self.t3, self.voiceEncoder, self.s3Gen, self.textTokenizer) = (t3, voiceEncoder, s3Gen, textTokenizer)
        self.voices = voices
    }

    /// Writes the folder and replaces existing files.
    ///
    /// - Returns: bytes of all weights together.
    /// - Throws: what reading, writing and loading the result throw.
    @discardableResult
    public func write(to folder: URL) throws -> Int {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try variant.write(to: folder.appending(path: "config.json"))
        let text = folder.appending(path: "tokenizer.json")
        if text.standardizedFileURL != textTokenizer.standardizedFileURL {
            try Data(contentsOf: textTokenizer).write(to: text, options: .atomic)
        }
        var bytes = 0
        func write(_ sources: [URL], as name: String, prefixes: [String]? = nil) throws {
            var tensors: [String: Tensor] = [:]
            for source in sources {
                for (name, tensor) in try SafetensorsFile(source).tensors()
                where prefixes.map({ $0.contains { name.hasPrefix($0 + ".") } }) ?? true {
                    tensors[name] = tensor.dtype.isFloatingPoint ? try tensor.to(.float16) : tensor
                }
            }
            bytes += tensors.values.reduce(0) { $0 + $1.byteCount }
            try SafetensorsWriter.write(tensors, to: folder.appending(path: name))
        }
        try write([t3], as: variant.t3FileName)
        try write([voiceEncoder], as: "ve.safetensors")
        try write(s3Gen, as: "s3gen.safetensors", prefixes: ["tokenizer", "speaker_encoder", "flow", "mel2wav"])
        // Loading checks that the parts are complete and fit each other, and makes the voices.
        let analyzer = try Model.load(folder).voiceAnalyzer
        for (position, voice) in voices.enumerated() {
            // They belong to this model, which need not make them again.
            let prepared = try analyzer.voice(from: AudioFile.read(voice.recording), named: voice.name).withoutRecording
            if position == 0 { try prepared.save(to: folder.appending(path: "conds.safetensors")) }
            try VoiceLibrary(ofModel: folder).store(prepared, as: voice.name)
        }
        return bytes
    }

    /// Adds the digests of a model's networks to its own voices if they contain none: for a folder that was made before voices contained digests.
    /// Their tensors are not changed.
    ///
    /// - Returns: the files that were written.
    /// - Throws: what loading the model and reading and writing its voices throw.
    public static func markVoices(of folder: URL) throws -> [URL] {
        let analyzer = try Model.load(folder).voiceAnalyzer
        let own = [folder.appending(path: "conds.safetensors")].filter { FileManager.default.fileExists(atPath: $0.path) }
        return try (own + VoiceLibrary(ofModel: folder).entries().map(\.file)).filter { file in
            var voice = try Voice.load(from: file, sizes: analyzer.voiceSizes)
            guard voice.origin == nil else { return false }
            voice.origin = try analyzer.origin()
            try voice.save(to: file)
            return true
        }
    }
}
