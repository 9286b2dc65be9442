import Logging
import SpeechAudio
import SpeechText

/// The lines about one request. What quotes its text is written at the level trace alone.
struct SpeechLog: Sendable {
    private let logger: Logger

    /// - Parameters:
    ///   - logger: nil for none.
    ///   - request: its number, which every line has.
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

    /// What was asked for and cannot be done is refused; whoever leaves, cancels; all else is a failure.
    func ends(_ error: any Error) {
        guard !(error is CancellationError) else { return logger.debug("speech cancelled") }
        let isRefusal = error.isRefusal
        logger.log(level: isRefusal ? .info : .error, isRefusal ? "speech refused" : "speech failed", metadata: error.metadata)
    }
}

extension Logger {
    /// Writes nothing: where a caller hands in none.
    static let silent = Logger(label: "chatterbox", factory: { _ in SwiftLogNoOpLogHandler() })
}

extension Error {
    /// Whether it tells that a request asks for what cannot be done, rather than that something broke.
    fileprivate var isRefusal: Bool {
        switch self as any Error {
        case is SpeechOptionsError, is SamplingError, is TextError, is ForeignTextError, is VoiceError, is AdapterError, is AudioError: true
        case is SpeechJudgeError, is WordTimesError, is AdmissionError: true
        case CheckpointError.noBuiltInVoice, CheckpointError.builtInVoiceOfOthers, CheckpointError.unsupportedLanguage: true
        default: false
        }
    }

    /// Its code and its sentence, but for sentences that quote a text.
    var metadata: Logger.Metadata {
        var metadata: Logger.Metadata = [:]
        metadata["code"] = (self as? any CodedError).map { "\($0.code)" }
        if !(self is TextError || self is ForeignTextError) { metadata["error"] = "\(self)" }
        return metadata
    }
}

extension Double {
    /// Seconds as they are logged, to the millisecond.
    var inMilliseconds: Double { (self * 1000).rounded() / 1000 }
}
