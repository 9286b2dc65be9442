import Chatterbox
import Foundation
import Logging
import SpeechText
import Synchronization
import Torch

#if Hub
    import ChatterboxHub
#endif

/// What becomes of a model that was asked for by name.
public enum ModelState: Sendable, Hashable {
    /// Its files come from the hub.
    case downloading(ModelDownload)
    /// Its files are here, and its networks are being made.
    case loading(folder: URL)
    /// It speaks.
    case ready
}

/// How far a download has come.
public struct ModelDownload: Sendable, Hashable {
    public var files, totalFiles: Int
    public var bytes, totalBytes: Int
    /// Over the last seconds; nil before there is anything to tell.
    public var bytesPerSecond: Double?
    /// Why nothing comes at the moment: a try that failed, another process that fetches the same file; nil while bytes come.
    public var hindrance: String?

    public init(
        files: Int = 0, totalFiles: Int = 0, bytes: Int = 0, totalBytes: Int = 0, bytesPerSecond: Double? = nil, hindrance: String? = nil
    ) {
        (self.files, self.totalFiles, self.bytes, self.totalBytes) = (files, totalFiles, bytes, totalBytes)
        (self.bytesPerSecond, self.hindrance) = (bytesPerSecond, hindrance)
    }
}

extension Synthesizer {
    /// Loads a model by its name, and downloads it first where it is not on this machine.
    ///
    /// ```swift
    /// let synthesizer = try await Synthesizer(model: "turbo") { print($0) }
    /// let speech = try await synthesizer.speak("The ship was late.")
    /// ```
    ///
    /// Files go into the cache that Python's `huggingface_hub` uses. A download that was broken off goes on where it ended, and checksums
    /// are compared. Only files that are missing are downloaded; `chatterbox models pull` brings a model up to date.
    ///
    /// - Parameters:
    ///   - model: a name of `chatterbox models list`, such as `chatterbox`, `turbo`, `nano`, `multilingual-v3`, `pack:hi` or `pico`, or a folder
    ///     with a model's files.
    ///   - places: where models are and go to.
    ///   - allowsDownload: false throws ``ModelLocatorError`` for a model that is not here.
    ///   - device: where the networks compute.
    ///   - dtype: as for `Model.load`.
    ///   - compute: the exact way or faster ones; int8 by `ComputeOptions(quantization: .int8)`.
    ///   - fastFlow: whether a model whose own flow takes ten guided steps speaks through a mean flow of two in its place, which is
    ///     downloaded as well.
    ///   - adapters: of the flow; those of T3 are given to requests.
    ///   - languageTools: programs that take steps of some languages, for the multilingual models.
    ///   - engine: what computes; by default one of the synthesizer's own.
    ///   - logger: takes the lines about loading and about requests; nil for none.
    ///   - onState: called with each change, and often while files are downloaded, from several threads; it should return at once.
    /// - Throws: ``ModelLocatorError`` for a name that is none, `HubError` for a download that fails, `CheckpointError`, `ComputeError` and what
    ///   reading a damaged file throws, `CancellationError` when the task is cancelled; what was downloaded until then is kept.
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

    /// Turns a client's events into states.
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
