import Foundation
import TestSupport
import Testing

@testable import ChatterboxTraining

@Suite("Recognisers for training") struct SpeechRecogniserTests {
    @Test("a recogniser gets the file's path as its last argument and prints the transcript") func recogniser() throws {
        let place = try TemporaryFolder()
        let program = place.url.appending(path: "hear")
        try Data("#!/bin/sh\n[ \"$1\" = --quick ] || exit 3\n[ -f \"$2\" ] || exit 4\necho heard $(cat \"$2\")\n".utf8).write(to: program)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program.path)
        let sound = place.url.appending(path: "a sound.wav")
        try Data("words".utf8).write(to: sound)
        #expect(try SpeechRecogniser("\(program.path) --quick", in: "").words(in: sound) == "heard words\n")
        #expect(try SpeechRecogniser("hear --quick", in: "/nowhere:\(place.url.path)").words(in: sound) == "heard words\n")
        #expect(throws: SpeechRecogniserError.failed("hear", sound, reason: "it ended with status 3")) {
            try SpeechRecogniser("hear", in: place.url.path).words(in: sound)
        }
        #expect(throws: SpeechRecogniserError.noProgram("listen")) { try SpeechRecogniser("listen", in: place.url.path) }
        #expect(throws: SpeechRecogniserError.noProgram(" ")) { try SpeechRecogniser(" ", in: place.url.path) }
    }

    @Test("a recogniser that does not end is stopped") func late() throws {
        let place = try TemporaryFolder(), program = place.url.appending(path: "hear")
        try Data("#!/bin/sh\nsleep 120\n".utf8).write(to: program)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program.path)
        var recogniser = try SpeechRecogniser(program.path, in: "")
        recogniser.seconds = 0.2
        let start = ContinuousClock.now
        let error = try #require(throws: SpeechRecogniserError.self) { try recogniser.words(in: place.url) }
        #expect(error.description.contains("it ended by signal 9"))
        #expect(start.duration(to: .now) < .seconds(60))
    }

    @Test("the report has word errors before, after and of the recordings, and a failing recogniser does not end the training") func report()
        async throws
    {
        let data = try TonesToLearn()
        for (name, script, isCounted) in [("counted", "echo number one", true), ("failed", "exit 1", false)] {
            let program = data.place.url.appending(path: name)
            try Data("#!/bin/sh\n\(script)\n".utf8).write(to: program)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program.path)
            var training = FineTuning(
                data.model, output: data.place.url.appending(path: "\(name).adapter.safetensors"), t3: data.options(steps: 4))
            training.sampleInterval = 0
            training.recogniser = try SpeechRecogniser(program.path, in: "")
            let list = try RecordingList(data.recordings)
            let result = try await training.run(RecordingCheck(data.model)(list), of: list) { _ in }
            let page = try String(contentsOf: training.report, encoding: .utf8)
            #expect((result.wordErrors != nil) == isCounted)
            #expect(page.contains("Word errors by <code>\(program.path)</code> in 2 validation sentences") == isCounted)
            if let errors = result.wordErrors {
                // Two sentences of two words, of which this recogniser finds at most one.
                #expect(errors.recordings.words == 4 && (1...2).contains(errors.recordings.wrong))
            }
        }
    }
}
