import ArgumentParser

/// The program: one subcommand a file.
@main
struct ChatterboxCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chatterbox", abstract: "Speech from text in any voice, on this machine.",
        subcommands: [TrainCommand.self])
}
