import Chatterbox
import ChatterboxModels
import Foundation
import Moonshine

#if Hub
    import ChatterboxHub
#endif

/// Where the program keeps what belongs to the user: the one place that reads it from the environment.
struct UserFolders {
    /// Where models, voices and the watermark's weights are.
    let places: ModelPlaces
    /// `$XDG_DATA_HOME/chatterbox`, by default `~/.local/share/chatterbox`.
    let data: URL
    /// `$XDG_CACHE_HOME`, by default `~/.cache`.
    let caches: URL

    init(environment: [String: String] = ProcessInfo.processInfo.environment, program: URL? = Bundle.main.executableURL) {
        places = .ofUser(environment: environment, program: program)
        let folders = XDGFolders(environment: environment)
        (data, caches) = (folders.data, folders.caches)
    }

    var voiceLibrary: VoiceLibrary { places.voices }

    /// The watermark's weights, which every model shares: those that the user has fetched, else those that were installed with the program.
    var watermark: URL { places.watermark ?? fetchedWatermark }

    /// Where the watermark's weights are fetched to.
    var fetchedWatermark: URL { WatermarkFile.url(inCache: caches) }

    /// The recogniser that judges speech.
    var moonshine: MoonshineFiles { MoonshineFiles(inCache: caches) }

    /// The user's own models, those of the hub, and the one that comes with the program.
    var modelLocator: ModelLocator { places.locator }

    /// The voices that come with a model; nil where there is no such model.
    ///
    /// - Parameter model: a name or a folder; nil for the best on this machine.
    func ownVoices(ofModel model: String?) -> VoiceLibrary? { (try? modelLocator.folder(of: model)).map { VoiceLibrary(ofModel: $0) } }

    /// Files with fast flows for the models of others, best first.
    var fastFlows: [URL] { places.fastFlows }

    #if Hub
        /// The models that a hub has.
        var modelStore: ModelStore { places.store }
    #endif
}
