import Chatterbox
import ChatterboxModels
import ChatterboxTraining
import Moonshine
import SpeechAudio
import SpeechText
import Torch

#if Hub
    import ChatterboxHub
#endif
#if Server
    import ChatterboxServer
#endif

/// What a user of the command line can do about an error. The libraries' errors contain only facts and do not name options.
enum Remedy {
    /// The error's sentence in the terms of the command line, and what to do.
    static func sentence(_ error: any Error) -> String {
        switch error {
        case let SamplingError.outOfRange(option, _, _): return named(option, "\(error)")
        case let error as SpeechOptionsError: return named(error.option, "\(error)")
        default: return remedy(error).map { "\(error)\(separator(error))\($0)" } ?? "\(error)"
        }
    }

    /// A warning in the terms of the command line.
    static func sentence(_ warning: SpeechWarning) -> String {
        if warning.kind == .noWatermark { return WatermarkCommand.missing }
        return warning.option.map { named($0, warning.description) } ?? warning.description
    }

    /// A sentence that begins with an option's name, with the option's name on the command line.
    private static func named(_ option: String, _ sentence: String) -> String {
        guard sentence.hasPrefix(option) else { return sentence }
        return "--" + (words[option] ?? option) + sentence.dropFirst(option.count)
    }

    private static let words = [
        "topP": "top-p", "topK": "top-k", "minP": "min-p", "repetitionPenalty": "repetition-penalty", "guidance": "cfg-weight",
        "maximumTokens": "max-tokens", "pauses": "pause",
    ]

    /// The separator after a text, which may or may not be a whole sentence.
    private static func separator(_ error: any Error) -> String { "\(error)".hasSuffix(".") ? " " : "; " }

    private static func remedy(_ error: any Error) -> String? {
        switch error {
        case DeviceError.absent(_, available: 0): "use --device cpu"
        case ComputeError.exactQuantization: "leave --exact or --quantize out"
        case ComputeError.exactTF32: "leave --exact or --tf32 out"
        case ComputeError.quantization: "leave --quantize out, or use --device cpu and --dtype float32"
        case CheckpointError.noBuiltInVoice, CheckpointError.builtInVoiceOfOthers: "give one with --voice"
        case CheckpointError.noFastFlow: "get one for the Llama models with `chatterbox models pull fast-flow`, or leave --flow out"
        case ModelLocatorError.notHere(let name): "get it with `chatterbox models pull \(name)`"
        case ModelLocatorError.noModel: "get one with `chatterbox models pull chatterbox`, or give a model's folder with --model DIR"
        case VoiceLibraryError.unknown(let name, _, _): "make one with `chatterbox voice make recording.wav --name \(name)`"
        case VoiceError.version: "update the program, or make the voice again with `chatterbox voice make`"
        case VoiceError.otherOrigin:
            "give the recording with --voice, or prepare it for this model with `chatterbox voice make RECORDING --model …`"
        case is VoiceError: "make the voice again with `chatterbox voice make`"
        case AudioError.needsFFmpeg(let name, _):
            "install it (on Debian: apt-get install ffmpeg), or convert the recording on a machine that has it: ffmpeg -i \(name) recording.wav"
        case AudioError.cancelling(let name): "ffmpeg -i \(name) -af 'pan=mono|c0=c0' recording.wav"
        case MoonshineError.missing: "`chatterbox judge --fetch` gets it, once"
        case SpeechJudgeError.language, SpeechJudgeError.inChunks: "leave --judge out"
        case TextError.tooLong: "that is --split sentences"
        case TextError.unsureLanguage: "as with --language fr"
        case TextError.unknownSpeakers(let names, _): "add --voice \(names[0])=FILE"
        case TrainingError.missing(_, .speechTokens): "`chatterbox train tokens` writes it"
        case TrainingError.missing(_, .speakerEmbeddings): "`chatterbox train speakers` writes it"
        case TrainingError.otherRecordings: "`chatterbox train features` or `train tokens`, or `train mels` for the flow's mels, makes it again"
        default: hubRemedy(error) ?? servingRemedy(error)
        }
    }

    private static func servingRemedy(_ error: any Error) -> String? {
        #if Server
            switch error as? StartError {
            case .portTaken(let listener, _, _): "stop that, or give another port with \(listener == .http ? "--port" : "--wyoming")"
            case .cannotListen: "give an address of this machine with --host, and a port that you may use"
            case .unreadable: "give PEM files with --tls-certificate and --tls-key"
            case .otherKey: "give a certificate and the key that was made for it"
            case nil: nil
            }
        #else
            nil
        #endif
    }

    private static func hubRemedy(_ error: any Error) -> String? {
        #if Hub
            switch error as? HubError {
            case .notCached: "fetch them without HF_HUB_OFFLINE"
            case .noRepository: "set HF_TOKEN if it is private"
            case .refused(_, hasToken: true, _): "check the token in HF_TOKEN and accept the model's terms on its page"
            case .refused(_, hasToken: false, _): "set HF_TOKEN to an access token of yours"
            case .unreachable: "check the network, HF_ENDPOINT and HTTPS_PROXY"
            case .proxy: "set HTTPS_PROXY to an http:// or socks5:// proxy, or NO_PROXY to the hub's name"
            case .status: "try again later"
            case .notAHub: "check HF_ENDPOINT"
            case .interrupted: "run the command again"
            case .diskFull: "make room, or set HF_HUB_CACHE to a folder on another disk"
            case .unwritable: "set HF_HUB_CACHE (files) and XDG_CACHE_HOME (models' folders) to folders of yours"
            case .occupied: "move the folder away, or remove it with `chatterbox models remove`"
            default: nil
            }
        #else
            nil
        #endif
    }
}
