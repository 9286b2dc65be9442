import FileSupport
import Foundation

/// A program of this machine that plays sound from its standard input.
struct Player {
    let executable: URL
    /// That make it take mono samples of 16 bits.
    let arguments: (_ sampleRate: Int) -> [String]

    /// The known ones, each with the Debian package that has it.
    private static let known: [(name: String, package: String, arguments: @Sendable (Int) -> [String])] = [
        ("pw-play", "pipewire-bin", { ["--rate", "\($0)", "--channels", "1", "--format", "s16", "-"] }),
        ("paplay", "pulseaudio-utils", { ["--raw", "--rate=\($0)", "--channels=1", "--format=s16le"] }),
        ("aplay", "alsa-utils", { ["-q", "-t", "raw", "-f", "S16_LE", "-r", "\($0)", "-c", "1"] }),
        ("ffplay", "ffmpeg", { ["-nodisp", "-autoexit", "-loglevel", "error", "-f", "s16le", "-sample_rate", "\($0)", "-i", "-"] }),
        ("play", "sox", { ["-q", "-t", "raw", "-r", "\($0)", "-e", "signed", "-b", "16", "-c", "1", "-"] }),
    ]

    /// - Parameter path: the folders to look in, as PATH names them.
    /// - Throws: ``UsageError`` where none is installed.
    static func find(path: String = ProcessInfo.processInfo.environment["PATH"] ?? "") throws -> Player {
        for (name, _, arguments) in known {
            if let found = Executable.find(name, in: path).map({ URL(filePath: $0) }) {
                // PipeWire's takes headers from its input unless told otherwise; before it did, it had no such option.
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

/// A player at work while speech is made. Its pipe holds about a second; who writes more waits.
final class Playing: Sendable {
    private let process = Process()
    private let input = Pipe()
    private let name: String
    private let ended = DispatchSemaphore(value: 0)

    /// Starts the player.
    ///
    /// - Throws: what starting a program throws.
    init(_ player: Player, sampleRate: Int) throws {
        name = player.executable.lastPathComponent
        process.executableURL = player.executable
        process.arguments = player.arguments(sampleRate)
        process.standardInput = input
        process.standardOutput = FileHandle.nullDevice
        process.terminationHandler = { [ended] _ in ended.signal() }
        try process.run()
        // A player that ends early is an error to tell, not a signal to die of.
        signal(SIGPIPE, SIG_IGN)
        try? input.fileHandleForReading.close()
    }

    /// Gives the player samples of 16 bits.
    ///
    /// - Throws: ``PlayerError`` where the player has ended; `CancellationError`.
    func write(_ samples: some DataProtocol) throws {
        do { try input.fileHandleForWriting.write(contentsOf: samples) } catch { try fail() }
    }

    /// Waits until all has been played.
    ///
    /// - Throws: ``PlayerError`` where the player fails, as without a sound device; `CancellationError`.
    func finish() throws {
        try? input.fileHandleForWriting.close()
        ended.wait()
        ended.signal()
        if process.terminationStatus != 0 { try fail() }
    }

    /// Stops the player where it is.
    func stop() { process.terminate() }

    private func fail() throws -> Never {
        ended.wait()
        ended.signal()
        // A player that was stopped is no trouble.
        try Task.checkCancellation()
        throw PlayerError(player: name, status: process.terminationStatus)
    }
}

struct PlayerError: Error, CustomStringConvertible {
    let player: String
    let status: Int32

    var description: String { "\(player) could not play the speech (status \(status)); its reason stands above. Write a file with -o instead" }
}
