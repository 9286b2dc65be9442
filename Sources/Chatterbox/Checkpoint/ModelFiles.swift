import FileSupport
import Foundation

/// The files of a model's folder, found by the names in its variant: the variant in its `config.json`, or the one of ``Variant/all`` whose T3 exists.
struct ModelFiles {
    static let configurationName = "config.json"

    let folder: URL
    /// With the sizes of the folder's `config.json`, if there is one.
    let variant: Variant
    let t3, s3Gen, voiceEncoder: URL
    let builtInVoice: URL?
    private let names: Set<String>

    /// - Parameter variant: the variant, if the folder contains several, or has a tokenizer that this package does not have.
    /// - Throws: ``CheckpointError`` naming what is missing.
    init(_ folder: URL, variant: Variant? = nil) throws {
        guard folder.isFolder else { throw CheckpointError.noFolder(folder) }
        let names = Set((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
        func find(_ choices: [String]) -> URL? { Self.find(choices, among: names, in: folder) }
        func file(_ choices: [String]) throws -> URL {
            guard let url = find(choices) else { throw CheckpointError.missingFile(folder, name: choices[0]) }
            return url
        }
        let description = names.contains(Self.configurationName) ? folder.appending(path: Self.configurationName) : nil
        let described = variant == nil ? try description.map { try ModelFile($0) } : nil
        var variant = try variant ?? described?.variant ?? Self.detect(folder, names, find)
        if let description { variant.configuration = try described?.configuration ?? ModelConfiguration(description) }
        self.folder = folder
        self.variant = variant
        self.names = names
        t3 = try file(variant.files.t3)
        s3Gen = try file(variant.files.s3Gen)
        voiceEncoder = try file(variant.files.voiceEncoder)
        for name in variant.tokenizer.type.fileNames { _ = try file([name]) }
        builtInVoice = find(variant.files.voice)
    }

    private static func detect(_ folder: URL, _ names: Set<String>, _ find: ([String]) -> URL?) throws -> Variant {
        if let variant = Variant.all.first(where: { find($0.files.t3) != nil }) { return variant }
        // Some of a model's other files show which T3 is missing.
        for variant in Variant.all where find(variant.files.s3Gen + variant.files.voiceEncoder) != nil {
            throw CheckpointError.missingFile(folder, name: variant.files.t3[0])
        }
        throw CheckpointError.notAModel(folder, found: names.sorted())
    }

    /// The first of a file's names that exists, as one file or in shards.
    func find(_ choices: [String]) -> URL? { Self.find(choices, among: names, in: folder) }

    private static func find(_ choices: [String], among names: Set<String>, in folder: URL) -> URL? {
        choices.lazy.flatMap { ["\($0).index.json", $0] }.first(where: names.contains).map { folder.appending(path: $0) }
    }

    /// Whether a file of this name is this or another variant's T3, its index, or one of its shards.
    func holdsT3(_ name: String) -> Bool {
        (Variant.all.flatMap(\.files.t3) + variant.files.t3).contains { known in
            let stem = known.split(separator: ".").dropLast().joined(separator: ".")
            return name == known || name == "\(known).index.json" || (name.hasPrefix("\(stem)-") && name.hasSuffix(".safetensors"))
        }
    }

    var configuration: ModelConfiguration { variant.configuration }

    /// The size of a checkpoint's weights in bytes: that of one file, or of all files that an index names.
    ///
    /// - Throws: `CocoaError`; `DecodingError` for an invalid index.
    static func byteCount(of checkpoint: URL) throws -> Int {
        guard checkpoint.lastPathComponent.hasSuffix(".index.json") else {
            return try checkpoint.resolvingSymlinksInPath().resourceValues(forKeys: [.fileSizeKey]).fileSize ?? 0
        }
        struct Index: Decodable { let weight_map: [String: String] }
        let index = try JSONDecoder().decode(Index.self, from: Data(contentsOf: checkpoint))
        return try Set(index.weight_map.values).reduce(0) { sum, name in
            sum + (try byteCount(of: checkpoint.deletingLastPathComponent().appending(path: name)))
        }
    }

    /// The watermark's weights in the folder, otherwise `other`; nil if neither exists.
    func watermark(orElse other: URL?) -> URL? {
        [folder.appending(path: WatermarkFile.name), other].compactMap { $0 }.first { FileManager.default.fileExists(atPath: $0.path) }
    }
}
