import ArgumentParser
import Chatterbox
import Foundation
import Torch

/// Invalid arguments: exit status 64.
struct UsageError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

}

/// The exit status and message of the program after a failure.
struct ExitStatus {
    /// For scripts: 64 for invalid arguments, 130 or 143 after a signal, 1 for everything else.
    let code: Int32
    /// The message on standard error.
    let message: String

    /// nil for errors of the argument parser, which has a status and a message for them.
    init?(_ error: any Error, interruption: Int32) {
        // The parser maps all errors other than its own to failure. Its own are usage errors, help and the like.
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

    /// Errors of this package contain facts, to which the remedy is added; Foundation's errors have a sentence.
    private static func sentence(_ error: any Error) -> String {
        switch error {
        case is CocoaError, is POSIXError: error.localizedDescription
        default: Remedy.sentence(error)
        }
    }
}
