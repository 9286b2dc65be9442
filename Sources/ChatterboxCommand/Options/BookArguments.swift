import ArgumentParser
import Foundation
import SpeechAudio

/// Options for storing a long text while it is spoken, and for its chapters.
struct BookArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Store each finished utterance in this folder: when the command is started again, it continues from there. (default for texts of more than 20,000 letters, for chapters, and for m4a and m4b: the output's name with .parts, deleted when the output is complete)",
            valueName: "dir"), completion: .directory)
    var keep: String?

    @Option(
        help: ArgumentHelp(
            "How to write the chapters that begin at the text's headings: as marks in the file (mp3, opus, m4a, m4b), as separate files, or not at all (none). (default: none; for m4a and m4b marks)",
            valueName: "none|marks|files"))
    var chapters: ChapterOutput?

    /// The number of letters above which a text is stored while it is spoken: about twenty minutes of speech.
    static let longText = 20_000

    /// How a text is spoken utterance by utterance.
    struct Choice {
        let output: URL
        let format: BookFormat
        let chapters: ChapterOutput
        let folder: URL
        /// Whether the folder is deleted when the output is complete.
        let isTemporary: Bool
        /// Assembles MPEG-4 files; nil for other formats.
        let ffmpeg: FFmpeg?
    }

    /// - Parameters:
    ///   - letters: the length of the text.
    ///   - obstacle: an option that requires the text to be spoken as a whole, such as `--play`.
    /// - Throws: ``UsageError`` for options that exclude each other, or if a program is missing.
    func choice(_ destination: OutputDestination, letters: Int, obstacle: String?) throws -> Choice? {
        let asked = keep != nil ? "--keep" : chapters.flatMap { $0 == ChapterOutput.none ? nil : "--chapters \($0.rawValue)" }
        guard case .file(let output, let format) = destination else {
            if let asked { throw UsageError("\(asked) needs a file to write; give one with -o") }
            return nil
        }
        let isMPEG4 = if case .mpeg4 = format { true } else { false }
        let needed = asked ?? (isMPEG4 ? "a file of the kind .\(format.fileExtension)" : nil)
        if let obstacle {
            if let needed { throw UsageError("\(needed) and \(obstacle) cannot be combined; remove one of them") }
            return nil
        }
        var status = stat()
        if stat(output.path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
            if let needed { throw UsageError("\(needed) needs a file to write, and \(output.relativePath) is not a file") }
            return nil
        }
        guard needed != nil || letters > Self.longText else { return nil }
        let chapters: ChapterOutput = chapters ?? (isMPEG4 ? ChapterOutput.marks : ChapterOutput.none)
        if chapters == .marks, !format.holdsChapters {
            throw UsageError(
                "--chapters marks is for mp3, opus, m4a and m4b, and the output is \(format.fileExtension); give such a name with -o, or --chapters files"
            )
        }
        let ffmpeg = isMPEG4 ? FFmpeg.installed(in: ProcessInfo.processInfo.environment["PATH"] ?? "") : nil
        if isMPEG4, ffmpeg == nil {
            throw UsageError(
                "\(output.lastPathComponent) is assembled by ffmpeg, which is not installed; install it (on Debian: apt-get install ffmpeg), or give -o a name that ends in mp3 or opus"
            )
        }
        let folder = keep ?? output.relativePath + ".parts"
        return Choice(
            output: output, format: format, chapters: chapters, folder: URL(filePath: folder, directoryHint: .isDirectory), isTemporary: keep == nil,
            ffmpeg: ffmpeg)
    }
}

extension ChapterOutput: ExpressibleByArgument {}
