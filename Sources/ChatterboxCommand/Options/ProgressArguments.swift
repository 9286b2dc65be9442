import ArgumentParser

/// How much is said on standard error.
struct ProgressArguments: ParsableArguments {
    @Flag(name: .shortAndLong, help: "Print errors only.")
    var quiet = false

    var display: ProgressDisplay { ProgressDisplay(quiet ? .silent : StandardError.isTerminal ? .bar : .lines) }
}
