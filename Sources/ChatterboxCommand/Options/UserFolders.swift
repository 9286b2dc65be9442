import Chatterbox
import ChatterboxModels
import Foundation
import Moonshine

#if Hub
    import ChatterboxHub
#endif

/// The folders with the user's data; the only place that reads them from the environment.
struct UserFolders {
    /// The folders with models, voices and the watermark's weights.
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

    /// The watermark's weights, which all models share: downloaded ones, otherwise those that were installed with the program.
    var watermark: URL { places.watermark ?? fetchedWatermark }

    /// Where the watermark's weights are stored when they are downloaded.
    var fetchedWatermark: URL { WatermarkFile.url(inCache: caches) }

    /// The files of the speech recogniser for judging takes.
    var moonshine: MoonshineFiles { MoonshineFiles(inCache: caches) }

    /// Finds the user's own models, downloaded models, and the model that is installed with the program.
    var modelLocator: ModelLocator { places.locator }

    /// The voices that come with a model; nil if there is no such model.
    ///
    /// - Parameter model: a name or a folder; nil for the first installed model in the order of preference.
    func ownVoices(ofModel model: String?) -> VoiceLibrary? { (try? modelLocator.folder(of: model)).map { VoiceLibrary(ofModel: $0) } }

    /// Files with fast flows for the models of others, in the order of preference.
    var fastFlows: [URL] { places.fastFlows }

    #if Hub
        /// The models on the hub.
        var modelStore: ModelStore { places.store }
    #endif
}
