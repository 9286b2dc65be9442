import Foundation

/// Why a watermark cannot be made or looked for.
public enum WatermarkError: Error, Equatable, CustomStringConvertible {
    /// The configuration contradicts itself.
    case configuration(String)
    /// Less sound than one window of the network's transform.
    case tooShort(seconds: Double, needed: Double)

    public var description: String {
        switch self {
        case .configuration(let problem):
            "the watermark's configuration does not work: \(problem)"
        case .tooShort(let seconds, let needed):
            String(format: "%.3f s of sound, too short for a watermark; at least %.3f s is needed", seconds, needed)
        }
    }
}
