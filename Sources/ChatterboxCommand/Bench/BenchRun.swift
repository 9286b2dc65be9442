import Chatterbox
import Foundation

/// The measurements of one process, which loaded a model, prepared the voice twice and spoke a text several times.
struct BenchRun: Codable, Sendable {
    var loadSeconds = 0.0
    /// Seconds for preparing the voice the second time, when everything has been used once.
    var voiceSeconds = 0.0
    /// The voice's tokens that T3 and S3Gen get.
    var conditioningTokens = 0
    var promptTokens = 0
    /// The measurements of each time the text was spoken; the first one is not warm.
    var spoken: [Spoken] = []
    var memory = MemoryFigures()
    /// Seconds from the start of the process to the first sound, measured by the parent process.
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

    /// In bytes; of the process, and of the GPU if there is one.
    struct MemoryFigures: Codable, Sendable {
        var afterLoad = 0
        /// The peak of each stage: load, voice, T3, flow, vocoder.
        var peaks: [String: Int] = [:]
        var devicePeak: Int?
        /// The same for the GPU's tensors, and what remains after each stage's memory is released.
        var devicePeaks: [String: Int]? = nil
        var deviceRest: Int? = nil

        var peak: Int { peaks.values.max() ?? 0 }
    }

    /// The last measurement, when everything is warm.
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

/// The median of several measurements, and their range.
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

    /// Half the range, divided by the median.
    var share: Double { median > 0 ? (most - least) / 2 / median : 0 }
}
