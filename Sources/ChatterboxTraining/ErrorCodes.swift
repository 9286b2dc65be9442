import Chatterbox

extension TrainingError: CodedError {
    public var code: String {
        switch self {
        case .manifest: "training.manifest"
        case .noExamples: "training.noExamples"
        case .checkpoint: "training.checkpoint"
        case .diverged: "training.diverged"
        case .missing: "training.missing"
        case .memory: "training.memory"
        case .halfPrecision: "training.halfPrecision"
        case .otherRecordings: "training.features"
        }
    }
}

extension RecordingListError: CodedError {
    public var code: String {
        switch self {
        case .missing: "recordings.missing"
        case .empty: "recordings.empty"
        case .nothingSpoken: "recordings.nothingSpoken"
        case .unreadable: "recordings.unreadable"
        case .unknownColumns: "recordings.unknownColumns"
        case .tooFew: "recordings.tooFew"
        }
    }
}

extension SpeechRecogniserError: CodedError {
    public var code: String {
        switch self {
        case .noProgram: "recogniser.noProgram"
        case .failed: "recogniser.failed"
        }
    }
}
