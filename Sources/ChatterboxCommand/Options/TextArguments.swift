import ArgumentParser
import Chatterbox
import Foundation
import SpeechText

/// The text to speak.
struct TextArguments: ParsableArguments {
    @Argument(help: ArgumentHelp("The text; - reads it from standard input. Put -- before a text that begins with a dash.", valueName: "text"))
    var words: [String] = []

    @Option(
        name: [.customShort("f"), .long],
        help: ArgumentHelp("Read the text from a file (UTF-8, or UTF-16 with a byte order mark).", valueName: "file"))
    var file: String?

    /// Reads the text; reading standard input waits until it ends or the task is cancelled.
    ///
    /// - Throws: ``UsageError`` for none or two sources; ``TextSourceError`` or `TextError` if the text cannot be read or is empty.
    func text() throws -> String {
        let text = try source()
        guard !text.allSatisfy(\.isWhitespace) else { throw TextError.empty }
        return text
    }

    /// The name of the output file if none is given.
    var stem: String {
        file.map { URL(filePath: $0).deletingPathExtension().lastPathComponent } ?? "speech"
    }

    private func source() throws -> String {
        if let file {
            guard words.isEmpty else { throw UsageError("both a text and --file \(file) are given; give only one") }
            return try TextSource.text(ofFile: file)
        }
        guard !words.isEmpty else {
            throw UsageError("no text to speak; give it in quotes, with --file FILE, or - for standard input")
        }
        return words == ["-"] ? try TextSource.decoded(StandardInput.read(), named: "standard input") : words.joined(separator: " ")
    }
}

/// Reads a text from a file.
enum TextSource {
    /// - Parameters:
    ///   - path: the file's path.
    ///   - name: the name in errors, if it differs from the path.
    /// - Throws: ``TextSourceError``.
    static func text(ofFile path: String, named name: String? = nil) throws -> String {
        let data: Data
        do { data = try Data(contentsOf: URL(filePath: path)) } catch { throw TextSourceError.unreadable(name ?? path, error) }
        return try decoded(data, named: name ?? path)
    }

    static func decoded(_ data: Data, named name: String) throws -> String {
        do { return try PlainText.decoded(data) } catch let error as TextEncodingError { throw TextSourceError.notText(name, error) }
    }
}

/// Why a text cannot be read.
enum TextSourceError: Error, CustomStringConvertible {
    case unreadable(String, any Error)
    case notText(String, TextEncodingError)

    var description: String {
        switch self {
        case .unreadable(let file, let error): "\(file): cannot be read (\(error.reason)); check the path"
        case .notText(let name, let error):
            "\(name): \(error); convert it to UTF-8: iconv -f ENCODING -t UTF-8 FILE, where ENCODING is the file's, one of `iconv -l`"
        }
    }
}
