import Foundation

/// A program of this machine that plays sound.
struct Player {
    let executable: URL
    let arguments: [String]

    private static let known: [(name: String, arguments: [String])] = [
        ("aplay", ["-q"]), ("paplay", []), ("ffplay", ["-nodisp", "-autoexit", "-loglevel", "error"]),
    ]

    /// - Throws: ``UsageError`` where none is installed.
    static func find(path: String = ProcessInfo.processInfo.environment["PATH"] ?? "") throws -> Player {
        let folders = path.split(separator: ":").map { URL(filePath: String($0)) }
        for (name, arguments) in known {
            if let found = folders.map({ $0.appending(path: name) }).first(where: { access($0.path, X_OK) == 0 }) {
                return Player(executable: found, arguments: arguments)
            }
        }
        throw UsageError("--play needs aplay, paplay or ffplay, and none is installed; write a file with -o instead")
    }

    /// Plays a sound file to its end.
    ///
    /// - Throws: ``PlayerError`` where the player fails, as without a sound device; `CancellationError`.
    func play(_ file: URL) async throws {
        let process = Process()
        process.executableURL = executable
        process.arguments = arguments + [file.path]
        process.standardOutput = FileHandle.nullDevice
        let status = try await process.runToEnd()
        guard status == 0 else { throw PlayerError(player: executable.lastPathComponent, status: status) }
    }
}

struct PlayerError: Error, CustomStringConvertible {
    let player: String
    let status: Int32

    var description: String { "\(player) could not play the speech (status \(status)); its reason stands above. Write a file with -o instead" }
}
