import ArgumentParser
import Chatterbox
import Foundation
import SpeechAudio

struct VoiceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "voice",
        abstract: "Prepare voices from recordings and store them by name.",
        discussion: """
            A prepared voice contains what the networks compute from a recording, so that speaking starts at once; digests of the networks \
            that made it; and up to 30 s of the recording. A model with other networks computes the voice again from the recording, or \
            refuses it if it contains none.

            Examples:
              chatterbox voice make interview.wav --name ada
              chatterbox say "Good morning." --voice ada
              chatterbox voice make interview.wav -o ada.voice.safetensors
            """,
        subcommands: [Make.self, List.self, Show.self, Remove.self])
}

extension VoiceCommand {
    struct Make: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prepare a voice from a recording.",
            usage: """
                chatterbox voice make RECORDING --name NAME [--model NAME|DIR]
                chatterbox voice make RECORDING -o FILE.voice.safetensors [--model NAME|DIR]
                """,
            discussion: """
                Use about ten seconds of one person, clear and without music, in WAV, FLAC, MP3, Ogg or Opus at any sample rate.

                A prepared voice may be given in place of the recording that it contains, to prepare it for another model.

                Examples:
                  chatterbox voice make interview.wav --name ada
                  chatterbox voice make interview.wav -o ada.voice.safetensors --model turbo
                  chatterbox voice make ada.voice.safetensors -o ada-nano.voice.safetensors --model nano
                """)

        @Argument(help: ArgumentHelp("The recording.", valueName: "recording")) var recording: String
        @Option(help: ArgumentHelp("Store the voice under this name.", valueName: "name")) var name: String?
        @Option(name: .shortAndLong, help: ArgumentHelp("Write the voice to this file (.safetensors).", valueName: "file")) var output: String?
        @Flag(help: "Leave the recording out of the file. The voice then works only with models that have the same networks.")
        var noRecording = false
        @OptionGroup(title: "Model") var model: ModelArguments
        @OptionGroup var progress: ProgressArguments

        func run() async throws {
            let library = UserFolders().voiceLibrary
            guard name != nil || output != nil else { throw UsageError("where should the voice be kept? Give --name NAME or -o FILE") }
            if let output {
                guard output.hasSuffix(".safetensors") else {
                    throw UsageError("-o \(output): a prepared voice is a safetensors file; end its name in .safetensors")
                }
                try OutputPlace.check(URL(filePath: output))
            }
            if let name { _ = try library.file(named: name) }
            try model.check()
            let source = try VoiceSource(recording, library)
            let display = progress.display
            defer { display.clear() }
            let synthesizer = try await model.load(display)
            let made = try await source.load(synthesizer, display)
            let voice = noRecording ? made.withoutRecording : made
            if let output {
                try voice.save(to: URL(filePath: output))
                display.finish("\(output): speak with `chatterbox say … --voice \(output)`")
            }
            if let name {
                try library.store(voice, as: name)
                display.finish("\(name): speak with `chatterbox say … --voice \(name)`")
            }
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the voices that have a name.")
        @Flag(help: "Print a JSON array.") var json = false

        func run() throws {
            let library = UserFolders().voiceLibrary
            let entries = library.entries()
            if json { return try StandardOutput.print(json: entries.map { VoiceDescription($0) }) }
            if entries.isEmpty {
                StandardError.print("No voices yet in \(library.folder.path); make one with `chatterbox voice make recording.wav --name NAME`")
            }
            let width = entries.map(\.name.count).max() ?? 0
            for entry in entries {
                try StandardOutput.print(
                    "\(entry.name.padding(toLength: width, withPad: " ", startingAt: 0))  \(entry.bytes / 1024) KiB  \(entry.file.path)")
            }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the contents and origin of a prepared voice, or the quality of a recording.")
        @Argument(help: ArgumentHelp("A name or a file.", valueName: "name|file")) var voice: String
        @Flag(help: "Print a JSON object.") var json = false

        func run() throws {
            let file = try VoiceSource.file(voice, UserFolders().voiceLibrary)
            if file.pathExtension != "safetensors", (try? VoiceSummary(of: file)) == nil {
                let description = try RecordingDescription(file)
                if json { return try StandardOutput.print(json: description) }
                return try StandardOutput.print(description.lines)
            }
            let description = try VoiceDescription(summarising: file)
            if json { return try StandardOutput.print(json: description) }
            try StandardOutput.print(description.lines)
        }
    }

    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Delete a named voice.")
        @Argument(help: ArgumentHelp("The voice's name.", valueName: "name")) var name: String

        func run() throws {
            try UserFolders().voiceLibrary.remove(name)
        }
    }
}
