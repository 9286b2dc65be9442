import FileSupport
import Foundation

/// A program that plays sound from its standard input.
struct Player {
    let executable: URL
    /// The arguments for mono 16-bit samples.
    let arguments: (_ sampleRate: Int) -> [String]

    /// The supported players, each with its Debian package.
    private static let known: [(name: String, package: String, arguments: @Sendable (Int) -> [String])] = [
        ("pw-play", "pipewire-bin", { ["--rate", "\($0)", "--channels", "1", "--format", "s16", "-"] }),
        ("paplay", "pulseaudio-utils", { ["--raw", "--rate=\($0)", "--channels=1", "--format=s16le"] }),
        ("aplay", "alsa-utils", { ["-q", "-t", "raw", "-f", "S16_LE", "-r", "\($0)", "-c", "1"] }),
        ("ffplay", "ffmpeg", { ["-nodisp", "-autoexit", "-loglevel", "error", "-f", "s16le", "-sample_rate", "\($0)", "-i", "-"] }),
        ("play", "sox", { ["-q", "-t", "raw", "-r", "\($0)", "-e", "signed", "-b", "16", "-c", "1", "-"] }),
    ]

    /// - Parameter path: the folders to search, as in PATH.
    /// - Throws: ``UsageError`` if none is installed.
    static func find(path: String = ProcessInfo.processInfo.environment["PATH"] ?? "") throws -> Player {
        for (name, _, arguments) in known {
            if let found = Executable.find(name, in: path).map({ URL(filePath: $0) }) {
                // PipeWire's player expects a header unless this option is given; older versions expect none and do not have the option.
                let isTold = name == "pw-play" && help(of: found).contains("--raw")
                return Player(executable: found) { (isTold ? ["--raw"] : []) + arguments($0) }
            }
        }
        let names = known.map { "\($0.name) (package \($0.package))" }.formatted(.list(type: .or, width: .standard).locale(Locale(identifier: "en")))
        throw UsageError("--play needs \(names), and none is on PATH; install one, or write a file with -o instead")
    }

    private static func help(of program: URL) -> String {
        let process = Process(), output = Pipe()
        process.executableURL = program
        process.arguments = ["--help"]
        process.standardOutput = output
        process.standardError = output
        guard (try? process.run()) != nil else { return "" }
        let text = (try? output.fileHandleForReading.readToEnd()) ?? Data()
        process.waitUntilExit()
        return String(decoding: text, as: UTF8.self)
    }
}

/// A running player. Its pipe holds about a second of sound; writing more blocks.
final class Playing: Sendable {
    private let process = Process()
    private let input = Pipe()
    private let name: String
    private let ended = DispatchSemaphore(value: 0)

    /// Starts the player.
    ///
    /// - Throws: errors of starting a program.
    init(_ player: Player, sampleRate: Int) throws {
        name = player.executable.lastPathComponent
        process.executableURL = player.executable
        process.arguments = player.arguments(sampleRate)
        process.standardInput = input
        process.standardOutput = FileHandle.nullDevice
        process.terminationHandler = { [ended] _ in ended.signal() }
        try process.run()
        // If the player ends early, writing must cause an error and not a signal.
        signal(SIGPIPE, SIG_IGN)
        try? input.fileHandleForReading.close()
    }

    /// Passes 16-bit samples to the player.
    ///
    /// - Throws: ``PlayerError`` if the player has ended; `CancellationError`.
    func write(_ samples: some DataProtocol) throws {
        do { try input.fileHandleForWriting.write(contentsOf: samples) } catch { try fail() }
    }

    /// Waits until everything has been played.
    ///
    /// - Throws: ``PlayerError`` if the player fails, for example without a sound device; `CancellationError`.
    func finish() throws {
        try? input.fileHandleForWriting.close()
        ended.wait()
        ended.signal()
        if process.terminationStatus != 0 { try fail() }
    }

    /// Stops the player immediately.
    func stop() { process.terminate() }

    private func fail() throws -> Never {
        ended.wait()
        ended.signal()
        // Stopping the player is not an error.
        try Task.checkCancellation()
        throw PlayerError(player: name, status: process.terminationStatus)
    }
}

struct PlayerError: Error, CustomStringConvertible {
    let player: String
    let status: Int32

    var description: String { "\(player) could not play the speech (status \(status)); see its message above, or write a file with -o instead" }
}
