import Foundation
import SpeechAudio

/// A recording that the user gives.
enum Recording {
    /// Reads every format that can be read here: those of telephones and browsers where ffmpeg is installed.
    ///
    /// - Throws: `AudioError`.
    static func read(_ file: URL) throws -> Audio {
        try AudioFile.read(file, ffmpeg: .installed(in: ProcessInfo.processInfo.environment["PATH"] ?? ""))
    }
}
