import Chatterbox
import ChatterboxHub
import Foundation
import Pico

/// Where the program keeps what belongs to the user, by the XDG base directory rules: the one place that reads them
/// from the environment, together with Python's variables for its hub.
struct UserFolders {
    /// `$XDG_DATA_HOME/chatterbox`, by default `~/.local/share/chatterbox`.
    let data: URL
    /// `$XDG_CACHE_HOME`, by default `~/.cache`.
    let caches: URL
    /// Where models come from and are kept, as Python's client has it.
    let hub: HubConfiguration

    init(environment: [String: String] = ProcessInfo.processInfo.environment) {
        let home = URL(filePath: environment["HOME"] ?? NSHomeDirectory())
        // The rules say: a relative path is to be ignored.
        func base(_ name: String, orElse path: String) -> URL {
            environment[name].flatMap { $0.hasPrefix("/") ? URL(filePath: $0) : nil } ?? home.appending(path: path)
        }
        data = base("XDG_DATA_HOME", orElse: ".local/share").appending(path: "chatterbox")
        caches = base("XDG_CACHE_HOME", orElse: ".cache")
        hub = HubConfiguration(environment: environment, home: home)
    }

    var voiceLibrary: VoiceLibrary { VoiceLibrary(folder: data.appending(path: "voices")) }

    /// The watermark's weights, which every model shares.
    var watermark: URL { WatermarkFile.url(inCache: caches) }

    /// The models that a hub has.
    var modelStore: ModelStore { ModelStore(shelf: caches.appending(path: "chatterbox/models"), configuration: hub) }

    /// The user's own models, those of the hub, and the one that comes with the program.
    var modelLocator: ModelLocator { ModelLocator(shelves: [data.appending(path: "models"), modelStore.shelf] + (Pico.shelf.map { [$0] } ?? [])) }
}
