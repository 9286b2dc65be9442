import ArgumentParser
import Chatterbox
import Foundation
import Torch

/// Words on the command line that cannot be followed: exit status 64.
struct UsageError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    /// For an option whose feature this version lacks.
}

/// How the program ends after a failure.
enum ExitStatus {
    /// Says on standard error what went wrong and gives the status that scripts look at: 64 for a command line that
    /// cannot be followed, 130 or 143 after a signal, 1 for everything else. Nil leaves it to the parser, whose own
    /// error it is.
    static func report(_ error: any Error, _ interruption: Interruption) -> Int32? {
        switch error {
        case is ExitCode, is CleanExit, is ValidationError: return nil
        case is CancellationError:
            StandardError.print("Stopped.")
            return interruption.exitStatus
        default:
            StandardError.print("Error: \(sentence(error))")
            return isUsage(error) ? 64 : 1
        }
    }

    private static func isUsage(_ error: any Error) -> Bool {
        switch error {
        case is UsageError, is SpeechOptionsError, is SamplingError, DeviceError.unknown: true
        default: false
        }
    }

    /// Errors of this package speak for themselves; Foundation's know a sentence.
    private static func sentence(_ error: any Error) -> String {
        error is any CustomStringConvertible && !(type(of: error) is NSError.Type) ? "\(error)" : error.localizedDescription
    }
}
