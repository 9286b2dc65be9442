import ArgumentParser
import Chatterbox
import Foundation
import Torch

/// The program, with one subcommand in each file.
@main
struct ChatterboxCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chatterbox",
        abstract: "Text-to-speech with voice cloning, on this machine.",
        discussion: """
            Examples:
              chatterbox say "The ship was late." -o ship.wav
              chatterbox say --file chapter.txt --voice me.wav -o chapter.mp3
              chatterbox voice make me.wav --name me
              chatterbox say "It is me." --voice me --play
            """,
        version: Release.version,
        subcommands: [
            SayCommand.self,
            BatchCommand.self,
            ConvertCommand.self,
            VoiceCommand.self,
            ModelsCommand.self,
            WatermarkCommand.self,
            JudgeCommand.self,
            BenchCommand.self,
            BenchWorker.self,
            CheckCommand.self,
            TrainCommand.self,
        ] + serving)

    #if Server
        private static let serving: [any ParsableCommand.Type] = [ServeCommand.self, MCPCommand.self]
    #else
        private static let serving: [any ParsableCommand.Type] = []
    #endif

    /// Like the parser's own `main`, with the program's exit statuses, and with Ctrl-C cancelling the task.
    static func main() async {
        // A file that exceeds the size limit then causes a write error, which leaves no incomplete file, instead of a signal.
        signal(SIGXFSZ, SIG_IGN)
        if CommandLine.arguments.dropFirst().first == "train" { Memory.keepFreed() }
        let interruption = Interruption()
        let status = await interruption.cancelling {
            do {
                var command = try await asyncParseAsRoot()
                if var asynchronous = command as? any AsyncParsableCommand { try await asynchronous.run() } else { try command.run() }
                return EXIT_SUCCESS
            } catch {
                if let status = ExitStatus(error, interruption: interruption.exitStatus) {
                    StandardError.print(status.message)
                    return status.code
                }
                let code = exitCode(for: error), message = fullMessage(for: error)
                if !message.isEmpty { code.isSuccess ? print(message) : StandardError.print(message) }
                return code.rawValue
            }
        }
        end(status)
    }

    /// Ends the process without `exit`, which destroys libtorch's static objects while threads may still be releasing tensors.
    private static func end(_ status: Int32) -> Never {
        fflush(nil)
        _exit(status)
    }
}
