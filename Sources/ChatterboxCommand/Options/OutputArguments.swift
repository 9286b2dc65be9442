import ArgumentParser
import Chatterbox
import Foundation
import SpeechAudio
import Torch

/// Where speech goes and in which form.
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

    /// Decides and checks the place, so that hours of speaking do not end in a typing error.
    ///
    /// - Parameters:
    ///   - stem: what a file is called that has no name.
    ///   - takesMPEG4: whether a name may end in m4a or m4b.
    /// - Throws: ``UsageError``; `AudioError` where nothing can be written there.
    func destination(stem: String, takesMPEG4: Bool = false) throws -> OutputDestination {
        guard let output else {
            if play { return .nowhere }
            return .file(Self.freeName(stem, (format ?? .wav).rawValue), .sound(format ?? .wav))
        }
        if output == "-" {
            guard !json else { throw UsageError("-o - and --json both write to standard output; give one of them") }
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

    /// A name that nothing has yet: the user did not choose it, so nothing is overwritten.
    private static func freeName(_ stem: String, _ ending: String) -> URL {
        let names = ["\(stem).\(ending)"] + (2...9999).map { "\(stem)-\($0).\(ending)" }
        return URL(filePath: names.first { !FileManager.default.fileExists(atPath: $0) } ?? names[0])
    }
}

/// Where speech goes.
enum OutputDestination {
    case file(URL, BookFormat)
    case standardOutput(AudioFormat)
    case nowhere

    /// Whether somebody listens while speech is made, and no file is to hold it.
    var isStream: Bool { if case .file = self { false } else { true } }

    /// Opens the place.
    ///
    /// - Parameters:
    ///   - sampleRate: of the speech, in hertz.
    ///   - playing: what the speech is played by meanwhile.
    /// - Throws: `AudioError` where nothing can be written there.
    func open(sampleRate: Int, playing: Playing? = nil) throws -> SpeechOutput { try SpeechOutput(self, sampleRate: sampleRate, playing: playing) }
}

/// Takes speech as it is made, so that its length does not matter: to the place that the user chose, and where it is to
/// be played, to a player. What is not finished leaves no file.
final class SpeechOutput {
    /// What to call the place in a report; nil for nowhere.
    let name: String?
    /// Seconds of speech so far.
    private(set) var seconds = 0.0
    private let file: AudioFileWriter?
    private let stream: SoundEncoder?
    private let playing: Playing?
    /// What the player is given.
    private let played: SoundEncoder?
    /// Why the player plays no more, while speech is still kept.
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

    /// - Throws: `AudioError` where the place takes no more; ``PlayerError`` where there is nothing but a player, which has ended.
    func take(_ piece: Audio) throws {
        seconds += piece.duration
        try file?.append(piece)
        if let stream { try StandardOutput.write(Data(stream.encode(piece))) }
        guard let played, let playing, playerError == nil else { return }
        do { try playing.write(played.encode(piece)) } catch let error as PlayerError where name != nil { playerError = error }
    }

    /// Completes the file.
    ///
    /// - Throws: `AudioError`; no part of a file is left then.
    func finish() throws {
        try file?.finish()
        if let stream { try StandardOutput.write(Data(stream.finish())) }
    }

    /// Waits until all has been played, where it is.
    ///
    /// - Throws: ``PlayerError``; `CancellationError`.
    func finishPlaying() throws {
        if let playerError { throw playerError }
        guard let played, let playing else { return }
        try playing.write(played.finish())
        try playing.finish()
    }
}

/// Whether a file can be made somewhere, as far as can be told without making it.
enum OutputPlace {
    /// - Throws: `AudioError.unwritable`.
    static func check(_ url: URL) throws {
        let path = url.path
        var status = stat()
        func refuse(_ reason: String) -> AudioError { .unwritable(name: path, reason: reason) }
        let exists = stat(path, &status) == 0
        if exists, status.st_mode & S_IFMT == S_IFDIR { throw refuse("it is a folder") }
        // A device is written into; a file is replaced, for which its folder must take a new one.
        let isReplaced = !exists || status.st_mode & S_IFMT == S_IFREG
        let place = isReplaced ? url.resolvingSymlinksInPath().deletingLastPathComponent().path : path
        guard access(place, W_OK) == 0 else {
            throw refuse(isReplaced ? "\(place): \(String(cString: strerror(errno)))" : String(cString: strerror(errno)))
        }
    }
}

extension AudioFormat: ExpressibleByArgument {}

/// Whether the times of words are kept.
struct TimestampArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Write word times: subtitles as .srt or .vtt, or a list as .json; not Turbo and Nano.", valueName: "file"))
    var timestamps: String?

    /// Where they go and in which form, checked before anything is spoken; nil where they are not asked for.
    ///
    /// - Throws: ``UsageError`` for a name that tells no format; `AudioError.unwritable`.
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

/// Whether what every stage computed is kept.
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
