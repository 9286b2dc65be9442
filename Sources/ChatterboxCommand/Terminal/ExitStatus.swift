import ArgumentParser
import Chatterbox
import Foundation
import Torch

/// Words on the command line that cannot be followed: exit status 64.
struct UsageError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

}

/// How the program ends after a failure.
struct ExitStatus {
    /// What scripts look at: 64 for a command line that cannot be followed, 130 or 143 after a signal, 1 for everything else.
    let code: Int32
    /// What stands on standard error.
    let message: String

    /// Nil leaves it to the parser, whose own error it is.
    init?(_ error: any Error, interruption: Int32) {
        // Of errors that are not its own the parser knows only that they are failures. Its own are usage, help and the like.
        guard !(error is ExitCode), ChatterboxCommand.exitCode(for: error) == .failure else { return nil }
        switch error {
        case is CancellationError: (code, message) = (interruption, "Stopped.")
        default: (code, message) = (Self.isUsage(error) ? 64 : 1, "Error: \(Self.sentence(error))")
        }
    }

    private static func isUsage(_ error: any Error) -> Bool {
        switch error {
        case is UsageError, is SpeechOptionsError, is SamplingError, is ComputeError, is WordTimesError, is SpeechJudgeError, DeviceError.unknown:
            true
        default: false
        }
    }

    /// Errors of this package tell facts, to which the remedy is added; Foundation's know a sentence.
    private static func sentence(_ error: any Error) -> String {
        switch error {
        case is CocoaError, is POSIXError: error.localizedDescription
        default: Remedy.sentence(error)
        }
    }
}
