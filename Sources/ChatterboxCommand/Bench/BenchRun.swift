import Chatterbox
import Foundation

/// What one process measured: it loaded a model, prepared the voice twice and spoke a text a few times.
struct BenchRun: Codable, Sendable {
    var loadSeconds = 0.0
    /// Preparing the voice; the second time, when everything has been used once.
    var voiceSeconds = 0.0
    /// Tokens of the voice that T3 and S3Gen hear.
    var conditioningTokens = 0
    var promptTokens = 0
    /// Each time the text was spoken; the first time is not yet warm.
    var spoken: [Spoken] = []
    var memory = MemoryFigures()
    /// Seconds from the start of the process to the first sound; the watching process measures it.
    var startSeconds: Double?

    struct Spoken: Codable, Sendable {
        var textTokens = 0
        var speechTokens = 0
        var audioSeconds = 0.0
        var wallSeconds = 0.0
        var firstAudioSeconds = 0.0
        var prefill = 0.0
        var decode = 0.0
        var flow = 0.0
        var vocoder = 0.0
        var watermark = 0.0
    }

    /// Bytes; of the process, and of the GPU where there is one.
    struct MemoryFigures: Codable, Sendable {
        var afterLoad = 0
        /// The most held while a stage ran: load, voice, T3, flow, vocoder.
        var peaks: [String: Int] = [:]
        var devicePeak: Int?
        /// The same by stage, of the GPU's tensors; and what it holds after each stage's memory is given back.
        var devicePeaks: [String: Int]? = nil
        var deviceRest: Int? = nil

        var peak: Int { peaks.values.max() ?? 0 }
    }

    /// The speaking that counts: the last, when everything is warm.
    var steady: Spoken { spoken.last ?? Spoken() }
}

extension BenchRun.Spoken {
    init(_ report: SpeechReport) {
        textTokens = report.textTokens
        speechTokens = report.speechTokens
        audioSeconds = report.audioSeconds
        wallSeconds = report.wallSeconds
        firstAudioSeconds = report.firstAudioSeconds
        prefill = report.stages.prefill
        decode = report.stages.decode
        flow = report.stages.flow
        vocoder = report.stages.vocoder
        watermark = report.stages.watermark
    }
}

/// The middle of several measurements, and how far they lie apart.
struct Spread: Codable, Hashable, Sendable {
    let median, least, most: Double

    init?(_ values: [Double]) {
        let sorted = values.filter(\.isFinite).sorted()
        guard let first = sorted.first, let last = sorted.last else { return nil }
        let middle = sorted.count / 2
        median = sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
        (least, most) = (first, last)
    }

    init?(_ runs: [BenchRun], _ figure: (BenchRun) -> Double?) { self.init(runs.compactMap(figure)) }

    /// Half the distance between the ends as a share of the middle.
    var share: Double { median > 0 ? (most - least) / 2 / median : 0 }
}
