import FileSupport
import Foundation
import Torch

extension AudioFile {
    /// Writes a sound file atomically: into a new file in the same folder, which is then renamed. For sound that is still being computed use an
    /// ``AudioFileWriter``.
    ///
    /// A path that exists and is not a regular file (`/dev/stdout`, a pipe) is written directly.
    /// - Parameters:
    ///   - audio: the whole sound.
    ///   - url: where to write.
    ///   - format: nil for that of the file's extension.
    ///   - encoding: the encoding of WAV, FLAC and PCM samples.
    /// - Throws: ``AudioError`` if the sound cannot be encoded, the file cannot be written, or the disk is full; no new file remains in that case.
    public static func write(
        _ audio: Audio, to url: URL, format: AudioFormat? = nil, encoding: SampleEncoding = .int16
    ) throws {
        let file = try AudioFileWriter(url, format: format, sampleRate: audio.sampleRate, channels: audio.channels, encoding: encoding)
        try file.append(audio)
        try file.finish()
    }

    /// The bytes of a sound file. MP3, AAC and Opus store it at the next higher rate that they support.
    ///
    /// - Parameters:
    ///   - audio: the whole sound: at least one sample, all of them finite.
    ///   - format: the format of the bytes.
    ///   - encoding: the encoding of WAV, FLAC and PCM samples.
    /// - Throws: ``AudioError`` for no samples, NaN or infinities, or if the format does not support such a sound.
    public static func encode(_ audio: Audio, as format: AudioFormat, encoding: SampleEncoding = .int16) throws -> Data {
        let store = MemoryStore()
        let encoder = try SoundWriter(SoundFormat(format, encoding: encoding), sampleRate: audio.sampleRate, channels: audio.channels, into: store)
        try encoder.append(audio)
        try encoder.finish()
        return store.bytes
    }
}

/// Writes a sound file while its sound is being computed, atomically: into a new file in the same folder, which is renamed when it is finished.
///
/// ```swift
/// let file = try AudioFileWriter(url, sampleRate: 24_000)
/// for try await chunk in speech { try file.append(chunk.audio) }
/// try file.finish()
/// ```
/// Memory does not grow with the sound. A path that exists and is not a regular file (`/dev/stdout`, a pipe) is written directly, as by a
/// ``SoundEncoder``. A writer that is released before ``finish()`` leaves no file.
public final class AudioFileWriter {
    private let destination: Destination

    private enum Destination {
        case file(ReplacementFile, FileStore, SoundWriter, name: String)
        case stream(ReplacementFile, SoundEncoder, name: String)
    }

    /// - Parameters:
    ///   - url: where to write.
    ///   - format: by the file's extension where nil.
    ///   - sampleRate: of all sound to write, in hertz. MP3, AAC and Opus store it at the next higher rate that they have.
    ///   - channels: of all sound to write.
    ///   - encoding: of WAV, FLAC and PCM samples.
    /// - Throws: ``AudioError`` if the format does not support such a sound, or the place cannot be written.
    public convenience init(_ url: URL, format: AudioFormat? = nil, sampleRate: Int, channels: Int = 1, encoding: SampleEncoding = .int16) throws {
        guard let format = format ?? AudioFormat(fileExtension: url.pathExtension) else { throw AudioError.unknownFormat(name: url.path) }
        try self.init(url, SoundFormat(format, encoding: encoding), sampleRate: sampleRate, channels: channels)
    }

    /// - Parameters:
    ///   - url: where to write.
    ///   - sound: the format and its settings.
    ///   - sampleRate: the sample rate of the sound, in hertz.
    ///   - channels: the number of channels.
    ///   - replaces: whether an existing file is replaced; otherwise there must be none, now and when the file is finished.
    /// - Throws: ``AudioError`` if the format does not support such a sound or has no such rate, or the file cannot be written.
    public init(_ url: URL, _ sound: SoundFormat, sampleRate: Int, channels: Int = 1, replaces: Bool = true) throws {
        let name = url.path
        let file = try Self.naming(name, bytes: 0) { try ReplacementFile(url, replaces: replaces) }
        if file.isSeekable {
            let store = FileStore(file.descriptor, named: name)
            let encoder = try SoundWriter(sound, sampleRate: sampleRate, channels: channels, into: store)
            destination = .file(file, store, encoder, name: name)
        } else {
            let encoder = try SoundEncoder(sound, sampleRate: sampleRate, channels: channels)
            destination = .stream(file, encoder, name: name)
        }
    }

    /// Writes the next piece of sound, which may be empty.
    ///
    /// - Throws: ``AudioError`` for NaN or infinities, or if the file cannot be written or the disk is full.
    /// - Precondition: the sound has the sample rate and number of channels given to the initialiser.
    public func append(_ audio: Audio) throws {
        switch destination {
        case .file(_, let store, let encoder, _): try store.writing { try encoder.append(audio) }
        case .stream(let file, let encoder, let name): try Self.append(encoder.encode(audio), to: file, name)
        }
    }

    /// Completes the file and gives it its name.
    ///
    /// - Throws: ``AudioError`` if no sound was written, the file cannot be written, or the disk is full.
    public func finish() throws {
        switch destination {
        case .file(let file, let store, let encoder, let name):
            try store.writing { try encoder.finish() }
            try Self.naming(name, bytes: store.count) { try file.complete() }
        case .stream(let file, let encoder, let name): try Self.append(encoder.finish(), to: file, name)
        }
    }

    private static func append(_ bytes: [UInt8], to file: ReplacementFile, _ name: String) throws {
        try naming(name, bytes: bytes.count) { try bytes.withUnsafeBytes { try file.append($0) } }
    }

    /// Converts the system's errors into errors with the file's name.
    private static func naming<Result>(_ name: String, bytes: Int, _ body: () throws -> Result) throws -> Result {
        do { return try body() } catch let error as SystemError { throw AudioError(error, name: name, bytes: bytes) }
    }
}

/// Writes a file atomically.
package enum AtomicWriter {
    /// - Throws: ``AudioError/unwritable(name:reason:)`` or ``AudioError/diskFull(name:bytes:)``; no file remains in that case.
    package static func write(_ data: Data, to url: URL) throws {
        do {
            try ReplacementFile.write(url) { append in try data.withUnsafeBytes { try append($0) } }
        } catch let error as SystemError {
            throw AudioError(error, name: url.path, bytes: data.count)
        }
    }
}

extension AudioError {
    /// From the system's error after writing this many bytes.
    init(_ error: SystemError, name: String, bytes: Int) {
        switch error.code {
        case _ where error.isDiskFull: self = .diskFull(name: name, bytes: bytes)
        case EEXIST: self = .exists(name: name)
        default: self = .unwritable(name: name, reason: error.description)
        }
    }
}
