import ArgumentParser
import Chatterbox
import Foundation

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
