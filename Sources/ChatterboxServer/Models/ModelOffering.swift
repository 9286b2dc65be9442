import Chatterbox
import Foundation

/// A model that the server offers, loaded or not.
public struct ModelOffering: Sendable {
    /// What requests call it.
    public let name: String
    /// When it was made, for listings.
    public let created: Date
    /// Bytes of memory that it takes when loaded, about: of the GPU's where it uses one, else of the machine's.
    public let bytes: Int
    /// Whether it computes on a GPU.
    public let usesGPU: Bool
    /// Whether it stays once it is loaded.
    public let isPinned: Bool
    /// The files that it comes from; nil where there are none.
    let files: ModelFolder?
    /// What it is, by its files; nil where there are none.
    let variant: Variant?
    /// The voices that come with it; nil where it has no files.
    public var voices: VoiceLibrary? { files.map { VoiceLibrary(ofModel: $0.folder) } }
    let load: @Sendable () async throws -> any ServedModel

    /// - Parameters:
    ///   - name: what requests call it.
    ///   - folder: of the model's files, by whose digest it is known, and whose names tell what it can do.
    ///   - created: when it was made, for listings.
    ///   - bytes: of memory that it takes when loaded, about (`Model.byteCount`).
    ///   - usesGPU: whether that is a GPU's memory.
    ///   - isPinned: whether it stays once it is loaded.
    ///   - load: loads it; called again after it was unloaded.
    public init(
        name: String, folder: URL? = nil, created: Date = Date(timeIntervalSince1970: 0), bytes: Int = 0, usesGPU: Bool = false,
        isPinned: Bool = false, load: @escaping @Sendable () async throws -> any ServedModel
    ) {
        (self.name, self.created, self.bytes, self.usesGPU, self.isPinned, self.load) = (name, created, bytes, usesGPU, isPinned, load)
        files = folder.map(ModelFolder.init)
        variant = folder.flatMap { try? Variant(of: $0) }
    }
}
