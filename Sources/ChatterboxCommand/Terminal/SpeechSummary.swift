import Chatterbox
import Foundation
import SpeechText
import Torch

/// The result of speaking a text: the object printed by `--json`. Its keys do not change.
struct SpeechSummary: Encodable {
    let model, device, dtype, quantize: String
    /// The file of the S3Gen that was used.
    let s3Gen: String
    let seed: UInt64
    let textTokens, speechTokens: Int
    let end: String?
    let audioSeconds, wallSeconds, realTimeFactor, firstAudioSeconds: Double
    /// Peak memory of the process: after loading, and in all.
    let loadPeakMemoryBytes, peakMemoryBytes: Int
    /// Whether all of the speech has the watermark.
    let watermark: Bool
    let stages: Stages
    let output: String?
    let pieces: [SpokenPiece]
    let judge: String?
    /// The word errors of the takes that were kept; nil without a judge.
    let wordErrors: WordErrors?
    let warnings: [SpeechWarning]

    struct Stages: Encodable {
        let load, voice, listening, prefill, decode, flow, vocoder, watermark, judging: Double
    }

    enum CodingKeys: String, CodingKey {
        case model, device, dtype, quantize, seed, end, watermark, stages, output, pieces, warnings, judge, words
        case wordErrors = "word_errors"
        case s3Gen = "s3gen"
        case textTokens = "text_tokens", speechTokens = "speech_tokens"
        case audioSeconds = "audio_seconds", wallSeconds = "wall_seconds", realTimeFactor = "real_time_factor"
        case firstAudioSeconds = "first_audio_seconds"
        case loadPeakMemoryBytes = "load_peak_memory_bytes", peakMemoryBytes = "peak_memory_bytes"
    }

    /// - Parameter voiceSeconds: the time for preparing the voice.
    init(_ report: SpeechReport, seed: UInt64, _ model: Model, voiceSeconds: Double, output: String?) {
        self.model = model.folder.standardizedFileURL.lastPathComponent
        device = model.device.description
        dtype = model.dtype.rawValue
        quantize = model.quantization.rawValue
        s3Gen = model.s3GenFile.path
        self.seed = seed
        textTokens = report.textTokens
        speechTokens = report.speechTokens
        end = report.end?.rawValue
        audioSeconds = report.audioSeconds
        wallSeconds = report.wallSeconds
        realTimeFactor = report.realTimeFactor
        firstAudioSeconds = report.firstAudioSeconds
        loadPeakMemoryBytes = model.loadingPeakBytes
        peakMemoryBytes = (try? Memory.statistics().peak) ?? 0
        stages = Stages(
            load: model.loadingSeconds, voice: voiceSeconds, listening: report.stages.listening, prefill: report.stages.prefill,
            decode: report.stages.decode,
            flow: report.stages.flow, vocoder: report.stages.vocoder, watermark: report.stages.watermark, judging: report.stages.judging)
        watermark = report.isWatermarked
        self.output = output
        pieces = report.pieces
        (judge, wordErrors) = (report.judge, report.wordErrors)
        warnings = report.warnings
    }

    func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(model, forKey: .model)
        try values.encode(device, forKey: .device)
        try values.encode(dtype, forKey: .dtype)
        try values.encode(quantize, forKey: .quantize)
        try values.encode(s3Gen, forKey: .s3Gen)
        try values.encode(seed, forKey: .seed)
        try values.encode(textTokens, forKey: .textTokens)
        try values.encode(speechTokens, forKey: .speechTokens)
        // Every key is always present; its value may be null.
        try values.encode(end, forKey: .end)
        try values.encode(audioSeconds, forKey: .audioSeconds)
        try values.encode(wallSeconds, forKey: .wallSeconds)
        try values.encode(realTimeFactor, forKey: .realTimeFactor)
        try values.encode(firstAudioSeconds, forKey: .firstAudioSeconds)
        try values.encode(loadPeakMemoryBytes, forKey: .loadPeakMemoryBytes)
        try values.encode(peakMemoryBytes, forKey: .peakMemoryBytes)
        try values.encode(watermark, forKey: .watermark)
        try values.encode(stages, forKey: .stages)
        try values.encode(output, forKey: .output)
        try values.encode(judge, forKey: .judge)
        try values.encode(wordErrors?.wrong, forKey: .wordErrors)
        try values.encode(wordErrors?.words, forKey: .words)
        try values.encode(pieces.map(Piece.init), forKey: .pieces)
        try values.encode(warnings, forKey: .warnings)
    }

    /// A piece of the text.
    private struct Piece: Encodable {
        let piece: SpokenPiece

        private enum CodingKeys: String, CodingKey {
            case number, text, start, end, draws, ending, takes
            case speechTokens = "speech_tokens", keptDraw = "kept_draw"
        }

        init(_ piece: SpokenPiece) { self.piece = piece }

        func encode(to encoder: any Encoder) throws {
            var values = encoder.container(keyedBy: CodingKeys.self)
            try values.encode(piece.number, forKey: .number)
            try values.encode(piece.text, forKey: .text)
            try values.encode(piece.start, forKey: .start)
            try values.encode(piece.end, forKey: .end)
            try values.encode(piece.speechTokens, forKey: .speechTokens)
            try values.encode(piece.draws, forKey: .draws)
            try values.encode(piece.keptDraw, forKey: .keptDraw)
            try values.encode(piece.ending, forKey: .ending)
            try values.encode(piece.judged.map(JudgedTakeLine.init), forKey: .takes)
        }
    }

    /// The figures in a sentence for a person.
    var sentence: String {
        let place = output.map { $0 == "-" ? "" : "\($0): " } ?? ""
        let speed = String(format: "%.1f s of speech in %.1f s (%.2f times real time)", audioSeconds, wallSeconds, realTimeFactor)
        let judgement = judge.flatMap { judge in wordErrors.map { "; \(judge) transcribed \($0.wrong) of \($0.words) words differently" } } ?? ""
        return "\(place)\(speed), seed \(seed)\(judgement)"
    }
}
