import ChatterboxModels
import ChatterboxTraining
import Foundation
import SpeechText
import Testing
import Torch

@testable import Chatterbox
@testable import ChatterboxCommand

#if Hub
    import ChatterboxHub
#endif

@Suite("What to do about an error") struct RemedyTests {
    private static let folder = URL(filePath: "/models/mine")

    @Test(
        "the libraries' errors have facts, and the program adds what to do",
        arguments: [
            (DeviceError.absent("cuda", available: 0), "--device cpu"),
            (CheckpointError.noBuiltInVoice(folder), "--voice"),
            (ModelLocatorError.noModel(shelves: [folder]), "`chatterbox models pull chatterbox`"),
            (VoiceLibraryError.unknown("ada", known: [], folder: folder), "`chatterbox voice make recording.wav --name ada`"),
            (VoiceError.missing(source: "ada.safetensors", tensor: "xvector"), "`chatterbox voice make`"),
            (TextError.tooLong(characters: 9000, tokens: 3000, limit: 2048), "--split sentences"),
            (TrainingError.missing(folder, .speechTokens), "`chatterbox train tokens`"),
            (TrainingError.otherRecordings(folder), "`chatterbox train features`"),
            (ComputeError.quantization(.int8, dtype: .bfloat16, device: .cpu), "--quantize"),
        ] as [(any Error, String)])
    func remedies(error: any Error, words: String) { expect(words, of: error) }

    #if Hub
        @Test(
            "the same for the hub's errors",
            arguments: [
                (HubError.refused(repository: "Org/model", hasToken: false, reason: nil), "HF_TOKEN"),
                (HubError.unwritable(path: "/models", reason: "Read-only file system"), "HF_HUB_CACHE"),
                (HubError.occupied(folder: "/models", files: ["ve.pt"]), "`chatterbox models remove`"),
            ])
        func hub(error: HubError, words: String) { expect(words, of: error) }
    #endif

    /// The error itself contains only facts; the sentence continues with these words.
    private func expect(_ words: String, of error: any Error) {
        let fact = "\(error)"
        #expect(!fact.contains("--") && !fact.contains("`") && !fact.contains("HF_"))
        let sentence = Remedy.sentence(error)
        #expect(sentence.hasPrefix(fact) && sentence.contains(words))
    }

    @Test("options have their names on the command line") func options() throws {
        let error = #expect(throws: SpeechOptionsError.self) { try SpeechOptions(maximumTokens: 0).check() }
        #expect(error?.description.hasPrefix("maximumTokens is 0") == true)
        #expect(Remedy.sentence(try #require(error)) == "--max-tokens is 0; allowed is 1 to 4096, 25 a second")
        let sampling = #expect(throws: SpeechOptionsError.self) { try SpeechOptions(sampling: SamplingChanges(topP: 2)).check() }
        #expect(Remedy.sentence(try #require(sampling)) == "--top-p is 2.0; allowed is 0 to 1")
        let warning = SpeechWarning(.ignoredOption, "guidance is ignored: Chatterbox Turbo has no use for it", option: "guidance")
        #expect(Remedy.sentence(warning) == "--cfg-weight is ignored: Chatterbox Turbo has no use for it")
    }
}
