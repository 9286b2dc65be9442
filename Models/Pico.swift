import Foundation

/// The model that comes with this package.
///
/// SwiftPM puts a copy of it beside every program that is built with this module. `Models/pico/README.md` tells what it
/// learned from, what it can do and what not.
public enum Pico {
    /// Pico's folder, for `Synthesizer.load`; nil where the program was moved without the folder that was built beside it.
    public static var folder: URL? { shelf?.appending(path: "pico") }

    /// The folder in which Pico's lies: beside the program, as it is built, or in `../share/chatterbox/models`, as it is
    /// installed; nil where it is in neither.
    public static var shelf: URL? {
        guard let program = Bundle.main.executableURL?.resolvingSymlinksInPath() else { return nil }
        let home = program.deletingLastPathComponent()
        let places = ["Chatterbox_Pico.resources", "../share/chatterbox/models"]
        return places.map { home.appending(path: $0).standardizedFileURL }.first {
            FileManager.default.fileExists(atPath: $0.appending(path: "pico/config.json").path)
        }
    }
}
