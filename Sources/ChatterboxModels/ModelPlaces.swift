import Chatterbox
import Foundation
import Pico

#if Hub
    import ChatterboxHub
#endif

/// The folders of a machine's models and of the files that they share. The defaults are those of the program `chatterbox`; a program that uses this
/// library can change them.
public struct ModelPlaces: Sendable {
    /// Folders that contain models, each in a folder with its name; earlier ones have priority. Downloaded models come after the first.
    public var shelves: [URL]
    /// The folder with a subfolder of links for each downloaded model, under its name.
    public var hubShelf: URL
    /// Files with the watermark's weights; the first that exists is used. If none exists, speech has no watermark, and a warning says so.
    public var watermarks: [URL]
    /// Voices by name.
    public var voices: VoiceLibrary
    #if Hub
        /// The hub, and its cache, which is shared with Python's client.
        public var hub: HubConfiguration
        /// The models on the hub: Resemble AI's, or those of your own hub.
        public var catalog = ModelCatalog.released
    #endif

    /// The places of the user who runs this program, by the XDG base directory rules and the environment variables of Hugging Face's Python client.
    ///
    /// - Parameters:
    ///   - environment: the process's variables; nothing else is read from the environment.
    ///   - program: the program's path: files that were installed with it are in `../share` relative to it, and Pico is next to it.
    public static func ofUser(
        environment: [String: String] = ProcessInfo.processInfo.environment, program: URL? = Bundle.main.executableURL
    ) -> ModelPlaces {
        let folders = XDGFolders(environment: environment)
        let installed = program?.resolvingSymlinksInPath().deletingLastPathComponent().appending(path: "../share").standardizedFileURL
        let fetched = WatermarkFile.url(inCache: folders.caches)
        let watermarks = [fetched] + (installed.map { [WatermarkFile.url(inCache: $0)] } ?? [])
        let shelves = [folders.data.appending(path: "models")] + (Pico.shelf.map { [$0] } ?? [])
        let hubShelf = folders.caches.appending(path: "chatterbox/models")
        let voices = VoiceLibrary(folder: folders.data.appending(path: "voices"))
        #if Hub
            return ModelPlaces(
                shelves: shelves, hubShelf: hubShelf, watermarks: watermarks, voices: voices,
                hub: HubConfiguration(environment: environment, home: folders.home))
        #else
            return ModelPlaces(shelves: shelves, hubShelf: hubShelf, watermarks: watermarks, voices: voices)
        #endif
    }

    /// The first of ``watermarks`` that exists.
    public var watermark: URL? { watermarks.first { FileManager.default.fileExists(atPath: $0.path) } }

    /// Finds models by their names.
    public var locator: ModelLocator { locator(hubShelf: hubShelf) }

    func locator(hubShelf: URL) -> ModelLocator { ModelLocator(shelves: shelves.prefix(1) + [hubShelf] + shelves.dropFirst()) }

    /// Files with fast flows that other models can use, in order of preference: Flash's, then Turbo's, if they were downloaded.
    public var fastFlows: [URL] {
        let turbo = try? locator.folder(of: Variant.turbo.name).appending(path: FlowChoice.fastFileName)
        #if Hub
            return [store.file(of: .fastFlow), turbo].compactMap(\.self)
        #else
            return [turbo].compactMap(\.self)
        #endif
    }

    #if Hub
        /// The catalogue's models on this machine.
        public var store: ModelStore { ModelStore(catalog: catalog, shelf: hubShelf, configuration: hub) }
    #endif
}

/// The user's folders according to the XDG base directory specification.
package struct XDGFolders {
    package let home: URL
    /// `$XDG_DATA_HOME/chatterbox`, by default `~/.local/share/chatterbox`.
    package let data: URL
    /// `$XDG_CACHE_HOME`, by default `~/.cache`.
    package let caches: URL

    package init(environment: [String: String]) {
        let home = URL(filePath: environment["HOME"] ?? NSHomeDirectory())
        // According to the specification a relative path is ignored.
        func base(_ name: String, orElse path: String) -> URL {
            environment[name].flatMap { $0.hasPrefix("/") ? URL(filePath: $0) : nil } ?? home.appending(path: path)
        }
        self.home = home
        data = base("XDG_DATA_HOME", orElse: ".local/share").appending(path: "chatterbox")
        caches = base("XDG_CACHE_HOME", orElse: ".cache")
    }
}
