import Kernels
import SpeechAudio
import SpeechText
import Torch

/// An error with a stable code.
///
/// Its type, its case and the associated values are the facts. ``code`` names the case for logs, network responses and programs in other languages,
/// and stays the same within a major version. The description is a sentence for a person: what went wrong, where, what was expected and what was
/// found. It does not mention options of the program. <doc:Errors> lists all codes.
public protocol CodedError: Error, CustomStringConvertible {
    /// A domain and a name, as `voice.otherOrigin`.
    var code: String { get }
}

// MARK: text

extension TextError: CodedError {
    public var code: String {
        switch self {
        case .empty: "text.empty"
        case .nothingToSpeak: "text.nothingToSpeak"
        case .tooLong: "text.tooLong"
        case .pause: "text.pause"
        case .unknownSpeakers: "text.unknownSpeakers"
        case .unsureLanguage: "text.unsureLanguage"
        }
    }
}

extension ForeignTextError: CodedError {
    public var code: String { "text.foreign" }
}

extension TextEncodingError: CodedError {
    public var code: String { "text.encoding" }
}

extension LexiconError: CodedError {
    public var code: String { "lexicon.line" }
}

extension LanguageToolError: CodedError {
    public var code: String {
        switch self {
        case .cannotStart: "languageTool.cannotStart"
        case .ended: "languageTool.ended"
        case .silent: "languageTool.silent"
        case .refused: "languageTool.refused"
        }
    }
}

extension TokenizerError: CodedError {
    public var code: String {
        switch self {
        case .unreadable: "tokenizer.unreadable"
        case .malformed: "tokenizer.malformed"
        }
    }
}

// MARK: requests

extension SpeechOptionsError: CodedError {
    public var code: String { "options.invalid" }
}

extension SamplingError: CodedError {
    public var code: String {
        switch self {
        case .outOfRange: "sampling.outOfRange"
        }
    }
}

extension SpeechJudgeError: CodedError {
    public var code: String {
        switch self {
        case .inChunks: "judge.inChunks"
        case .language: "judge.language"
        }
    }
}

extension WordTimesError: CodedError {
    public var code: String {
        switch self {
        case .noAlignmentHeads: "wordTimes.noAlignmentHeads"
        }
    }
}

extension AdmissionError: CodedError {
    public var code: String { "engine.noRoom" }
}

// MARK: voices

extension VoiceError: CodedError {
    public var code: String {
        switch self {
        case .missing: "voice.missing"
        case .version: "voice.version"
        case .shape: "voice.shape"
        case .token: "voice.token"
        case .notFinite: "voice.notFinite"
        case .metadata: "voice.metadata"
        case .otherOrigin: "voice.otherOrigin"
        }
    }
}

extension VoiceLibraryError: CodedError {
    public var code: String {
        switch self {
        case .badName: "voices.badName"
        case .unknown: "voices.unknown"
        case .unwritable: "voices.unwritable"
        case .exists: "voices.exists"
        }
    }
}

// MARK: sound

extension AudioError: CodedError {
    public var code: String {
        switch self {
        case .missing: "audio.missing"
        case .unreadable: "audio.unreadable"
        case .empty: "audio.empty"
        case .truncated: "audio.truncated"
        case .notAudio: "audio.notAudio"
        case .needsFFmpeg: "audio.needsFFmpeg"
        case .noSamples: "audio.noSamples"
        case .tooLong: "audio.tooLong"
        case .notFinite: "audio.notFinite"
        case .silent: "audio.silent"
        case .noSpeech: "audio.noSpeech"
        case .cancelling: "audio.cancelling"
        case .tooShort: "audio.tooShort"
        case .unwritable: "audio.unwritable"
        case .exists: "audio.exists"
        case .diskFull: "audio.diskFull"
        case .notEncodable: "audio.notEncodable"
        case .unknownFormat: "audio.unknownFormat"
        case .processing: "audio.processing"
        }
    }
}

extension WatermarkError: CodedError {
    public var code: String {
        switch self {
        case .configuration: "watermark.configuration"
        case .tooShort: "watermark.tooShort"
        }
    }
}

// MARK: models

extension CheckpointError: CodedError {
    public var code: String {
        switch self {
        case .noFolder: "model.noFolder"
        case .notAModel: "model.notAModel"
        case .missingFile: "model.missingFile"
        case .unsupportedLanguage: "model.unsupportedLanguage"
        case .configuration: "model.configuration"
        case .noBuiltInVoice: "model.noBuiltInVoice"
        case .builtInVoiceOfOthers: "model.builtInVoiceOfOthers"
        case .noFastFlow: "model.noFastFlow"
        case .notMeanFlow: "model.notMeanFlow"
        case .unwritable: "model.unwritable"
        }
    }
}

extension WeightsError: CodedError {
    public var code: String {
        switch self {
        case .missing: "weights.missing"
        case .shape: "weights.shape"
        case .superfluous: "weights.superfluous"
        }
    }
}

extension SafetensorsError: CodedError {
    public var code: String {
        switch self {
        case .unreadable: "safetensors.unreadable"
        case .tooShort: "safetensors.tooShort"
        case .headerLength: "safetensors.headerLength"
        case .header: "safetensors.header"
        case .tensor: "safetensors.tensor"
        case .length: "safetensors.length"
        case .unwritable: "safetensors.unwritable"
        case .exists: "safetensors.exists"
        }
    }
}

extension ArchiveError: CodedError {
    public var code: String {
        switch self {
        case .unreadable: "archive.unreadable"
        case .notAnArchive: "archive.notAnArchive"
        case .damaged: "archive.damaged"
        case .foreign: "archive.foreign"
        }
    }
}

extension AdapterError: CodedError {
    public var code: String {
        switch self {
        case .notAnAdapter: "adapter.notAnAdapter"
        case .unsupported: "adapter.unsupported"
        case .configuration: "adapter.configuration"
        case .unknownLayers: "adapter.unknownLayers"
        case .shape: "adapter.shape"
        case .otherBase: "adapter.otherBase"
        case .noLayers: "adapter.noLayers"
        case .otherPart: "adapter.otherPart"
        case .noSuchModules: "adapter.noSuchModules"
        case .noSuchLayers: "adapter.noSuchLayers"
        case .rank: "adapter.rank"
        case .noAdapters: "adapter.noAdapters"
        }
    }
}

extension AdapterLibraryError: CodedError {
    public var code: String {
        switch self {
        case .badName: "adapters.badName"
        case .unwritable: "adapters.unwritable"
        case .exists: "adapters.exists"
        }
    }
}

extension WeightSelectionError: CodedError {
    public var code: String {
        switch self {
        case .expression: "selection.expression"
        case .nothing: "selection.nothing"
        }
    }
}

// MARK: computing

extension ComputeError: CodedError {
    public var code: String {
        switch self {
        case .threads: "compute.threads"
        case .exactQuantization: "compute.exactQuantization"
        case .exactTF32: "compute.exactTF32"
        case .quantization: "compute.quantization"
        }
    }
}

extension DeviceError: CodedError {
    public var code: String {
        switch self {
        case .unknown: "device.unknown"
        case .absent: "device.absent"
        }
    }
}

extension TorchError: CodedError {
    public var code: String {
        switch kind {
        case .invalid: "torch.invalid"
        case .outOfMemory: "torch.outOfMemory"
        case .unavailable: "torch.unavailable"
        }
    }
}

extension KernelError: CodedError {
    public var code: String {
        switch self {
        case .unknownInstructions: "kernel.unknownInstructions"
        case .noThreads: "kernel.noThreads"
        case .outOfMemory: "kernel.outOfMemory"
        case .shape: "kernel.shape"
        }
    }
}

extension T3Error: CodedError {
    public var code: String {
        switch self {
        case .emptyText: "t3.emptyText"
        case .unframedText: "t3.unframedText"
        case .textTooLong: "t3.textTooLong"
        case .budgetOutOfRange: "t3.budgetOutOfRange"
        case .promptTooLong: "t3.promptTooLong"
        case .unknownToken: "t3.unknownToken"
        case .missingCondition: "t3.missingCondition"
        case .sequenceTooLong: "t3.sequenceTooLong"
        case .noFreeSlots: "t3.noFreeSlots"
        case .unusableLogits: "t3.unusableLogits"
        case .cannotPack: "t3.cannotPack"
        case .unevenHeads: "t3.unevenHeads"
        }
    }
}

extension FlowError: CodedError {
    public var code: String {
        switch self {
        case .configuration: "flow.configuration"
        case .noTokens: "flow.noTokens"
        case .tokenOutOfRange: "flow.tokenOutOfRange"
        case .promptLength: "flow.promptLength"
        case .shape: "flow.shape"
        case .steps: "flow.steps"
        }
    }
}

extension VocoderError: CodedError {
    public var code: String {
        switch self {
        case .configuration: "vocoder.configuration"
        case .shape: "vocoder.shape"
        }
    }
}
