import Chatterbox
import Foundation

/// Where the program keeps what belongs to the user, by the XDG base directory rules: the one place that reads them
/// from the environment.
struct UserFolders {
    /// `$XDG_DATA_HOME/chatterbox`, by default `~/.local/share/chatterbox`.
    let data: URL

    init(environment: [String: String] = ProcessInfo.processInfo.environment) {
        // The rules say: a relative path is to be ignored.
        let base = environment["XDG_DATA_HOME"].flatMap { $0.hasPrefix("/") ? URL(filePath: $0) : nil }
            ?? URL(filePath: environment["HOME"] ?? NSHomeDirectory()).appending(path: ".local/share")
        data = base.appending(path: "chatterbox")
    }

    var voiceLibrary: VoiceLibrary { VoiceLibrary(folder: data.appending(path: "voices")) }

    var modelLocator: ModelLocator { ModelLocator(shelves: [data.appending(path: "models")]) }
}
