import Chatterbox
import Foundation
import Moonshine
import Pico

#if Hub
    import ChatterboxHub
#endif

/// Where the program keeps what belongs to the user, by the XDG base directory rules: the one place that reads them
/// from the environment, together with Python's variables for its hub.
struct UserFolders {
    /// `$XDG_DATA_HOME/chatterbox`, by default `~/.local/share/chatterbox`.
    let data: URL
    /// `$XDG_CACHE_HOME`, by default `~/.cache`.
    let caches: URL
    /// `../share` from where the program lies, which has what was installed with it.
    private let installed: URL?
    #if Hub
        /// Where models come from and are kept, as Python's client has it.
        let hub: HubConfiguration
    #endif

    init(environment: [String: String] = ProcessInfo.processInfo.environment, program: URL? = Bundle.main.executableURL) {
        let home = URL(filePath: environment["HOME"] ?? NSHomeDirectory())
        // The rules say: a relative path is to be ignored.
        func base(_ name: String, orElse path: String) -> URL {
            environment[name].flatMap { $0.hasPrefix("/") ? URL(filePath: $0) : nil } ?? home.appending(path: path)
        }
        data = base("XDG_DATA_HOME", orElse: ".local/share").appending(path: "chatterbox")
        caches = base("XDG_CACHE_HOME", orElse: ".cache")
        installed = program?.resolvingSymlinksInPath().deletingLastPathComponent().appending(path: "../share").standardizedFileURL
        #if Hub
            hub = HubConfiguration(environment: environment, home: home)
        #endif
    }

    var voiceLibrary: VoiceLibrary { VoiceLibrary(folder: data.appending(path: "voices")) }

    /// The watermark's weights, which every model shares: those that the user has fetched, else those that were installed with the program.
    var watermark: URL {
        let files = [fetchedWatermark] + (installed.map { [WatermarkFile.url(inCache: $0)] } ?? [])
        return files.first { FileManager.default.fileExists(atPath: $0.path) } ?? fetchedWatermark
    }

    /// Where the watermark's weights are fetched to.
    var fetchedWatermark: URL { WatermarkFile.url(inCache: caches) }

    /// The recogniser that judges speech.
    var moonshine: MoonshineFiles { MoonshineFiles(inCache: caches) }

    /// The user's own models, those of the hub, and the one that comes with the program.
    ///
    /// - Parameter hubShelf: where the hub's are; nil where they usually are.
    func modelLocator(hubShelf: URL? = nil) -> ModelLocator {
        ModelLocator(shelves: [data.appending(path: "models"), hubShelf ?? modelShelf] + (Pico.shelf.map { [$0] } ?? []))
    }

    /// The voices that come with a model; nil where there is no such model.
    ///
    /// - Parameter model: a name or a folder; nil for the best on this machine.
    func ownVoices(ofModel model: String?) -> VoiceLibrary? { (try? modelLocator().folder(of: model)).map { VoiceLibrary(ofModel: $0) } }

    /// Files with fast flows for the models of others, best first: Flash's, then Turbo's, each where it was fetched to.
    var fastFlows: [URL] {
        let turbo = try? modelLocator().folder(of: Variant.turbo.name).appending(path: FlowChoice.fastFileName)
        #if Hub
            return [modelStore.fastFlowFile, turbo].compactMap(\.self)
        #else
            return [turbo].compactMap(\.self)
        #endif
    }

    /// Links to the hub's models, each under its name.
    private var modelShelf: URL { caches.appending(path: "chatterbox/models") }

    #if Hub
        /// The models that a hub has.
        var modelStore: ModelStore { ModelStore(shelf: modelShelf, configuration: hub) }
    #endif
}
