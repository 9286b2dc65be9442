import Logging
import SpeechAudio
import SpeechText

/// The log messages about one request. Messages that quote its text have the level trace.
struct SpeechLog: Sendable {
    private let logger: Logger

    /// - Parameters:
    ///   - logger: nil for none.
    ///   - request: the request's number, which every message contains.
    init(_ logger: Logger?, request: Int) {
        var logger = logger ?? .silent
        logger[metadataKey: "speech"] = "\(request)"
        self.logger = logger
    }

    func begins(_ request: SpeechRequest, _ text: PreparedText, _ model: Model) {
        let options = request.options
        logger.debug(
            "speech begins",
            metadata: [
                "model": "\(model.variant.name)", "characters": "\(request.text.count)", "pieces": "\(text.pieceCount)",
                "language": "\(text.plan.language.code)", "delivery": "\(options.delivery)", "priority": "\(request.priority)",
                "adapters": "\(request.adapters.count)",
            ])
        logger.trace("text of the speech", metadata: ["text": "\(request.text)"])
    }

    func begins(converting recording: Audio, _ model: Model) {
        logger.debug("conversion begins", metadata: ["model": "\(model.variant.name)", "recording_seconds": "\(recording.duration.inMilliseconds)"])
    }

    func warns(_ warning: SpeechWarning) {
        var metadata: Logger.Metadata = ["kind": "\(warning.kind.rawValue)"]
        metadata["option"] = warning.option.map { "\($0)" }
        logger.warning("speech warning", metadata: metadata)
        logger.trace("speech warning", metadata: ["sentence": "\(warning.description)"])
    }

    func ends(_ report: SpeechReport) {
        var metadata: Logger.Metadata = [
            "speech_tokens": "\(report.speechTokens)", "audio_seconds": "\(report.audioSeconds.inMilliseconds)",
            "seconds": "\(report.wallSeconds.inMilliseconds)", "real_time_factor": "\((report.realTimeFactor * 100).rounded() / 100)",
            "first_audio_seconds": "\(report.firstAudioSeconds.inMilliseconds)",
        ]
        if report.textTokens > 0 { metadata["text_tokens"] = "\(report.textTokens)" }
        if let end = report.end { metadata["end"] = "\(end.rawValue)" }
        logger.debug("speech ends", metadata: metadata)
    }

    /// An invalid request is logged as refused, a cancelled one as cancelled, and any other error as a failure.
    func ends(_ error: any Error) {
        guard !(error is CancellationError) else { return logger.debug("speech cancelled") }
        let isRefusal = error.isRefusal
        logger.log(level: isRefusal ? .info : .error, isRefusal ? "speech refused" : "speech failed", metadata: error.metadata)
    }
}

extension Logger {
    /// A logger that writes nothing, for callers that pass none.
    static let silent = Logger(label: "chatterbox", factory: { _ in SwiftLogNoOpLogHandler() })
}

extension Error {
    /// Whether the error means that the request is invalid, and not that something failed.
    fileprivate var isRefusal: Bool {
        switch self as any Error {
        case is SpeechOptionsError, is SamplingError, is TextError, is ForeignTextError, is VoiceError, is AdapterError, is AudioError: true
        case is SpeechJudgeError, is WordTimesError, is AdmissionError: true
        case CheckpointError.noBuiltInVoice, CheckpointError.builtInVoiceOfOthers, CheckpointError.unsupportedLanguage: true
        default: false
        }
    }

    /// The code and the sentence of an error, without sentences that quote a text.
    var metadata: Logger.Metadata {
        var metadata: Logger.Metadata = [:]
        metadata["code"] = (self as? any CodedError).map { "\($0.code)" }
        if !(self is TextError || self is ForeignTextError) { metadata["error"] = "\(self)" }
        return metadata
    }
}

extension Double {
    /// Seconds rounded to milliseconds for the log.
    var inMilliseconds: Double { (self * 1000).rounded() / 1000 }
}
