import ArgumentParser
import Foundation
import SpeechAudio

/// Where speech goes and in which form.
struct OutputArguments: ParsableArguments {
    @Option(name: .shortAndLong, help: ArgumentHelp(
        "The file to write; - is standard output. Without it, speech.wav or the text file's name in this folder.", valueName: "file"))
    var output: String?

    @Option(help: "The sound's format; by default what the file's name ends in, else wav.")
    var format: AudioFormat?

    @Flag(help: "Play the speech (with aplay, paplay or ffplay); without -o nothing is kept.")
    var play = false

    @Flag(help: "Print the figures as one JSON object on standard output.")
    var json = false

    /// Decides and checks the place, so that hours of speaking do not end in a typing error.
    ///
    /// - Parameter stem: what a file is called that has no name.
    /// - Throws: ``UsageError``; `AudioError` where nothing can be written there.
    func destination(stem: String) throws -> OutputDestination {
        guard let output else {
            if play { return .nowhere }
            return .file(Self.freeName(stem, (format ?? .wav).rawValue), format ?? .wav)
        }
        if output == "-" {
            guard !json else { throw UsageError("-o - and --json both write to standard output; give one of them") }
            guard !StandardOutput.isTerminal else {
                throw UsageError("-o - would write sound to the terminal; give a file, a pipe, or --play")
            }
            return .standardOutput(format ?? .wav)
        }
        let url = URL(filePath: output)
        guard let format = format ?? AudioFormat(fileExtension: url.pathExtension) ?? (Self.isDevice(output) ? .wav : nil) else {
            throw UsageError("\(AudioError.unknownFormat(name: output)), or give --format")
        }
        try OutputPlace.check(url)
        return .file(url, format)
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
    case file(URL, AudioFormat)
    case standardOutput(AudioFormat)
    case nowhere

    /// Speech as it is made: samples without a header go down a pipe at once.
    ///
    /// - Throws: `AudioError` where nobody takes them.
    func take(_ piece: Audio) throws {
        guard case .standardOutput(.pcm) = self, !piece.samples.isEmpty else { return }
        try StandardOutput.write(AudioFile.encode(piece, as: .pcm))
    }

    /// The whole speech, of which ``take(_:)`` has seen every piece.
    ///
    /// - Returns: what to call the place in a report; nil for nowhere.
    /// - Throws: `AudioError`; no part of a file is left then.
    func finish(_ speech: Audio) throws -> String? {
        switch self {
        case .file(let url, let format):
            try AudioFile.write(speech, to: url, format: format)
            return url.relativePath
        case .standardOutput(let format):
            if format != .pcm { try StandardOutput.write(AudioFile.encode(speech, as: format)) }
            return "-"
        case .nowhere: return nil
        }
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
