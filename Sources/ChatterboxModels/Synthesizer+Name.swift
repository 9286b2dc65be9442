import Chatterbox
import Foundation
import Logging
import SpeechText
import Synchronization
import Torch

#if Hub
    import ChatterboxHub
#endif

/// The state of a model that is being loaded by name.
public enum ModelState: Sendable, Hashable {
    /// Its files are being downloaded from the hub.
    case downloading(ModelDownload)
    /// Its files are on this machine, and its networks are being loaded.
    case loading(folder: URL)
    /// It is ready to speak.
    case ready
}

/// The progress of a download.
public struct ModelDownload: Sendable, Hashable {
    public var files, totalFiles: Int
    public var bytes, totalBytes: Int
    /// Speed over the last seconds; nil if not known yet.
    public var bytesPerSecond: Double?
    /// Why nothing is being received: an attempt failed, or another process downloads the same file; nil while bytes are received.
    public var hindrance: String?

    public init(
        files: Int = 0, totalFiles: Int = 0, bytes: Int = 0, totalBytes: Int = 0, bytesPerSecond: Double? = nil, hindrance: String? = nil
    ) {
        (self.files, self.totalFiles, self.bytes, self.totalBytes) = (files, totalFiles, bytes, totalBytes)
        (self.bytesPerSecond, self.hindrance) = (bytesPerSecond, hindrance)
    }
}

extension Synthesizer {
    /// Loads a model by its name, and downloads it first if it is not on this machine.
    ///
    /// ```swift
    /// let synthesizer = try await Synthesizer(model: "turbo") { print($0) }
    /// let speech = try await synthesizer.speak("The ship was late.")
    /// ```
    ///
    /// Files are stored in the cache of Python's `huggingface_hub`. An interrupted download continues where it stopped, and checksums are verified.
    /// Only files that are missing are downloaded; `chatterbox models pull` updates a model.
    ///
    /// - Parameters:
    ///   - model: a name of `chatterbox models list`, such as `chatterbox`, `turbo`, `nano`, `multilingual-v3`, `pack:hi` or `pico`, or a folder with
    ///     a model's files.
    ///   - places: the folders of models, and the hub.
    ///   - allowsDownload: if false, a model that is not on this machine throws ``ModelLocatorError``.
    ///   - device: the networks' device.
    ///   - dtype: as for `Model.load`.
    ///   - compute: the exact path or faster ones; int8 by `ComputeOptions(quantization: .int8)`.
    ///   - fastFlow: whether a model with a flow of ten guided steps uses a mean flow of two steps instead, which is also downloaded.
    ///   - adapters: adapters of the flow; adapters of T3 are given to requests.
    ///   - languageTools: programs that prepare text of some languages, for the multilingual models.
    ///   - engine: runs the requests; by default a new one.
    ///   - logger: logs messages about loading and requests; nil logs nothing.
    ///   - onState: called with each change, and often during downloads, from several threads; it should return quickly.
    /// - Throws: ``ModelLocatorError`` for an unknown name, `HubError` for a download that fails, `CheckpointError`, `ComputeError`, errors of
    ///   damaged files, and `CancellationError` if the task is cancelled; files that were downloaded before are kept.
    public convenience init(
        model: String, places: ModelPlaces = .ofUser(), allowsDownload: Bool = true, device: Device = .cpu, dtype: DType = .float32,
        compute: ComputeOptions = .standard, fastFlow: Bool = false, adapters: [AdapterUse] = [], languageTools: LanguageTools = .none,
        engine: SpeechEngine = SpeechEngine(), logger: Logger? = nil, onState: @escaping @Sendable (ModelState) -> Void = { _ in }
    ) async throws {
        let finder = ModelFinder(places)
        defer { withExtendedLifetime(finder) {} }
        #if Hub
            let folder = try await finder.folder(of: model) { entry, store in
                guard allowsDownload else { throw ModelLocatorError.notHere(entry.name) }
                return try await store.pull(entry, onState)
            }
            if fastFlow, allowsDownload {
                do {
                    _ = try Model.s3GenFile(of: folder, flow: .fast(elsewhere: places.fastFlows))
                } catch CheckpointError.noFastFlow {
                    _ = try await places.store.pull(.fastFlow, onState)
                }
            }
        #else
            let folder = try finder.folder(of: model)
        #endif
        onState(.loading(folder: folder))
        let loaded = try await Synthesizer.load(
            folder, device: device, dtype: dtype, compute: compute, flow: fastFlow ? .fast(elsewhere: places.fastFlows) : .own,
            watermark: places.watermark, languageTools: languageTools, adapters: adapters, engine: engine, logger: logger)
        self.init(loaded.model, engine: engine, logger: logger)
        onState(.ready)
    }
}

#if Hub
    extension ModelStore {
        fileprivate func pull(_ model: CatalogModel, _ onState: @escaping @Sendable (ModelState) -> Void) async throws -> URL {
            let download = DownloadState(onState)
            return try await HubClient.with(configuration) { client in try await pull(model, with: client) { download.take($0) } }
        }
    }

    /// Converts a client's events into states.
    private final class DownloadState: Sendable {
        private let state: Mutex<ModelDownload>
        private let onState: @Sendable (ModelState) -> Void

        init(_ onState: @escaping @Sendable (ModelState) -> Void) {
            state = Mutex(ModelDownload())
            self.onState = onState
        }

        func take(_ event: HubEvent) {
            let now = state.withLock { download in
                switch event {
                case .progress(let progress):
                    download = ModelDownload(
                        files: progress.files, totalFiles: progress.totalFiles, bytes: progress.bytes, totalBytes: progress.totalBytes,
                        bytesPerSecond: progress.bytesPerSecond)
                case .pausing(let pause, let reason): download.hindrance = "\(reason); the next try is in \(pause)"
                case .waitingForOther(let file): download.hindrance = "another process is downloading \(file)"
                case .usingCache(let reason): download.hindrance = "\(reason); the files that are here are used"
                }
                return download
            }
            onState(.downloading(now))
        }
    }
#endif
