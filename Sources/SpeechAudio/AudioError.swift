import Foundation

/// An error of a sound or of the file from which it is read or to which it is written. `name` is the file's path or another name.
public enum AudioError: Error, Hashable, Sendable, CustomStringConvertible {
    /// There is no such file.
    case missing(name: String)
    /// The file exists but cannot be opened.
    case unreadable(name: String, reason: String)
    /// No bytes.
    case empty(name: String)
    /// The header declares more than the file contains; `unit` is the unit of the counts.
    case truncated(name: String, declared: Int, found: Int, unit: String)
    /// The bytes are in none of the known formats, or are damaged.
    case notAudio(name: String, bytes: Int, reason: String)
    /// The container format is read through ffmpeg, which is not available.
    case needsFFmpeg(name: String, container: String)
    /// A valid file without samples.
    case noSamples(name: String)
    /// More samples than can be read at once.
    case tooLong(name: String, limitSamples: Int)
    /// NaN or an infinity.
    case notFinite(name: String, sample: Int)
    /// No sample is above the threshold.
    case silent(name: String, peak: Double, floor: Double)
    /// The recording contains sound, but no speech.
    case noSpeech(name: String)
    /// The channels cancel each other when they are mixed.
    case cancelling(name: String)
    /// Shorter than needed.
    case tooShort(name: String, seconds: Double, needed: Double)
    /// The file cannot be created or written.
    case unwritable(name: String, reason: String)
    /// The file exists and may not be replaced.
    case exists(name: String)
    /// The device is full.
    case diskFull(name: String, bytes: Int)
    /// The format cannot store this sound.
    case notEncodable(format: AudioFormat, reason: String)
    /// The file name's extension is not that of a known format.
    case unknownFormat(name: String)
    /// A signal operation failed.
    case processing(reason: String)

    public var description: String {
        func seconds(_ value: Double) -> String { String(format: "%.2f s", value) }
        switch self {
        case .missing(let name):
            return "\(name): no such file; check the path"
        case .unreadable(let name, let reason):
            return "\(name): cannot be read (\(reason)); check the path"
        case .empty(let name):
            return "\(name): an empty file of 0 bytes; record or download it again"
        case .truncated(let name, let declared, let found, let unit):
            return "\(name): cut short: its header declares \(declared) \(unit), \(found) are there; copy or download it again"
        case .notAudio(let name, let bytes, let reason):
            return
                "\(name): not a readable audio file (\(bytes) bytes; \(reason)); expected WAV, FLAC, MP3, Ogg Vorbis, Opus or AIFF, or with ffmpeg m4a, mp4, WebM, caf or AAC"
        case .needsFFmpeg(let name, let container):
            return "\(name): \(container), which is read through ffmpeg, and ffmpeg was not found"
        case .noSamples(let name):
            return "\(name): an audio file with no samples in it; record it again"
        case .tooLong(let name, let limit):
            return "\(name): longer than the \(limit) samples that are taken at once; cut it first"
        case .notFinite(let name, let sample):
            return "\(name): sample \(sample) is NaN or infinite; export it again as 16-bit or 24-bit audio"
        case .cancelling(let name):
            return "\(name): its channels cancel each other, probably because one has inverted polarity; keep only one channel"
        case .silent(let name, let peak, let floor):
            let found = peak.isFinite ? String(format: "a peak of %.0f dB", peak) : "only zeros"
            return "\(name): silent: \(found), at least \(String(format: "%.0f", floor)) dB is needed; check the microphone or the channel"
        case .noSpeech(let name):
            return
                "\(name): no speech found: its sound is steady, like a tone, hum or noise; give a recording of a person speaking"
        case .tooShort(let name, let found, let needed):
            return "\(name): too short: \(seconds(found)), at least \(seconds(needed)) is needed; use a longer recording"
        case .unwritable(let name, let reason):
            return "\(name): cannot be written (\(reason)); choose another place"
        case .exists(let name):
            return "\(name): exists already; give another name"
        case .diskFull(let name, let bytes):
            return "\(name): no room for \(bytes) bytes on that disk; free some or choose another place"
        case .notEncodable(let format, let reason):
            return "this sound cannot be written as \(format.rawValue): \(reason)"
        case .unknownFormat(let name):
            return
                "\(name): the format cannot be derived from the name; end it in \(AudioFormat.allCases.map { "." + $0.rawValue }.joined(separator: ", "))"
        case .processing(let reason):
            return "audio processing failed: \(reason)"
        }
    }
}
