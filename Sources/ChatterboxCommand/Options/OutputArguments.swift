import ArgumentParser
import Chatterbox
import Foundation
import SpeechAudio
import Torch

/// The destination of speech, and its format.
struct OutputArguments: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "The file to write; - is standard output. (default: speech.wav in the current folder, or the text file's name with the format's extension)",
            valueName: "file"))
    var output: String?

    @Option(help: "Format of the sound. (default: by the file's extension, else wav)")
    var format: AudioFormat?

    @Flag(help: "Play the speech while it is computed (with pw-play, paplay, aplay, ffplay or play); without -o no file is written.")
    var play = false

    @Flag(help: "Print the figures as one JSON object on standard output.")
    var json = false

    /// Chooses and checks the destination, so that a mistyped name is reported before hours of computing.
    ///
    /// - Parameters:
    ///   - stem: the name of a file if none is given.
    ///   - takesMPEG4: whether the extensions m4a and m4b are allowed.
    /// - Throws: ``UsageError``; `AudioError` if the destination cannot be written.
    func destination(stem: String, takesMPEG4: Bool = false) throws -> OutputDestination {
        guard let output else {
            if play { return .nowhere }
            return .file(Self.freeName(stem, (format ?? .wav).rawValue), .sound(format ?? .wav))
        }
        if output == "-" {
            guard !json else { throw UsageError("-o - and --json both write to standard output; give only one of them") }
            guard !StandardOutput.isTerminal else {
                throw UsageError("-o - would write sound to the terminal; give a file, a pipe, or --play")
            }
            return .standardOutput(format ?? .wav)
        }
        let url = URL(filePath: output)
        if takesMPEG4, format == nil, let format = BookFormat.mpeg4(named: output) {
            try OutputPlace.check(url)
            return .file(url, format)
        }
        guard let format = format ?? AudioFormat(fileExtension: url.pathExtension) ?? (Self.isDevice(output) ? .wav : nil) else {
            throw UsageError("\(AudioError.unknownFormat(name: output)), or give --format")
        }
        try OutputPlace.check(url)
        return .file(url, .sound(format))
    }

    private static func isDevice(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && ![S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT)
    }

    /// A name that does not exist yet: the user did not choose it, so that nothing may be overwritten.
    private static func freeName(_ stem: String, _ ending: String) -> URL {
        let names = ["\(stem).\(ending)"] + (2...9999).map { "\(stem)-\($0).\(ending)" }
        return URL(filePath: names.first { !FileManager.default.fileExists(atPath: $0) } ?? names[0])
    }
}

/// The destination of speech.
enum OutputDestination {
    case file(URL, BookFormat)
    case standardOutput(AudioFormat)
    case nowhere

    /// Whether the speech is sent on while it is computed, and not written to a file.
    var isStream: Bool { if case .file = self { false } else { true } }

    /// Opens the destination.
    ///
    /// - Parameters:
    ///   - sampleRate: the sample rate of the speech, in hertz.
    ///   - playing: the player that plays the speech at the same time.
    /// - Throws: `AudioError` if the destination cannot be written.
    func open(sampleRate: Int, playing: Playing? = nil) throws -> SpeechOutput { try SpeechOutput(self, sampleRate: sampleRate, playing: playing) }
}

/// Writes speech while it is computed, so that memory does not grow with its length: to the destination, and to a player if it is played. If it is
/// not completed, no file remains.
final class SpeechOutput {
    /// The destination's name in a report; nil if there is none.
    let name: String?
    /// Seconds of speech so far.
    private(set) var seconds = 0.0
    private let file: AudioFileWriter?
    private let stream: SoundEncoder?
    private let playing: Playing?
    /// The encoder for the player.
    private let played: SoundEncoder?
    /// Why the player has stopped, while the speech is still written.
    private var playerError: (any Error)?

    fileprivate init(_ destination: OutputDestination, sampleRate: Int, playing: Playing?) throws {
        self.playing = playing
        played = try playing == nil ? nil : SoundEncoder(.pcm, sampleRate: sampleRate)
        switch destination {
        case .file(let url, let format):
            guard case .sound(let format) = format else { preconditionFailure("MPEG-4 is put together from what is kept") }
            (name, stream) = (url.relativePath, nil)
            file = try AudioFileWriter(url, format: format, sampleRate: sampleRate)
        case .standardOutput(let format):
            (name, file) = ("-", nil)
            stream = try SoundEncoder(format, sampleRate: sampleRate)
        case .nowhere: (name, file, stream) = (nil, nil, nil)
        }
    }

    /// - Throws: `AudioError` if writing fails; ``PlayerError`` if there is only a player, and it has ended.
    func take(_ piece: Audio) throws {
        seconds += piece.duration
        try file?.append(piece)
        if let stream { try StandardOutput.write(Data(stream.encode(piece))) }
        guard let played, let playing, playerError == nil else { return }
        do { try playing.write(played.encode(piece)) } catch let error as PlayerError where name != nil { playerError = error }
    }

    /// Completes the file.
    ///
    /// - Throws: `AudioError`; no file remains in that case.
    func finish() throws {
        try file?.finish()
        if let stream { try StandardOutput.write(Data(stream.finish())) }
    }

    /// Waits until everything has been played, if there is a player.
    ///
    /// - Throws: ``PlayerError``; `CancellationError`.
    func finishPlaying() throws {
        if let playerError { throw playerError }
        guard let played, let playing else { return }
        try playing.write(played.finish())
        try playing.finish()
    }
}

/// Checks whether a file can be created, as far as possible without creating it.
enum OutputPlace {
    /// - Throws: `AudioError.unwritable`.
    static func check(_ url: URL) throws {
        let path = url.path
        var status = stat()
        func refuse(_ reason: String) -> AudioError { .unwritable(name: path, reason: reason) }
        let exists = stat(path, &status) == 0
        if exists, status.st_mode & S_IFMT == S_IFDIR { throw refuse("it is a folder") }
        // A device is opened for writing; a file is replaced, for which its folder must be writable.
        let isReplaced = !exists || status.st_mode & S_IFMT == S_IFREG
        let place = isReplaced ? url.resolvingSymlinksInPath().deletingLastPathComponent().path : path
        guard access(place, W_OK) == 0 else {
            throw refuse(isReplaced ? "\(place): \(String(cString: strerror(errno)))" : String(cString: strerror(errno)))
        }
    }
}

extension AudioFormat: ExpressibleByArgument {}

/// Options for word times.
struct TimestampArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Write word times: subtitles as .srt or .vtt, or a list as .json; not Turbo and Nano.", valueName: "file"))
    var timestamps: String?

    /// The file and format of word times, checked before anything is spoken; nil if they are not requested.
    ///
    /// - Throws: ``UsageError`` for a name without a known extension; `AudioError.unwritable`.
    func destination() throws -> (url: URL, format: TimedText)? {
        guard let timestamps else { return nil }
        let url = URL(filePath: timestamps)
        guard let format = TimedText(fileExtension: url.pathExtension) else {
            throw UsageError("--timestamps \(timestamps): expected a name that ends in .srt, .vtt or .json")
        }
        try OutputPlace.check(url)
        return (url, format)
    }
}

/// Options for the results of every stage.
struct TraceArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Write the results of every stage into a safetensors file, for comparison or for a bug report; implies --split none.", valueName: "file"))
    var trace: String?

    var file: URL? { trace.map { URL(filePath: $0) } }

    /// - Throws: `AudioError.unwritable`.
    func check() throws {
        if let file { try OutputPlace.check(file) }
    }

    /// - Throws: `SafetensorsError.unwritable`.
    static func write(_ trace: SpeechTrace, of text: String, _ speech: Speech, to file: URL) throws {
        let metadata = ["format": "chatterbox-trace", "text": text, "seed": String(speech.seed)]
        try SafetensorsWriter.write(trace, metadata: metadata, to: file)
    }
}
