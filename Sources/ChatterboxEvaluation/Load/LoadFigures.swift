import Chatterbox
import Kernels

/// The results of a load measurement.
public struct LoadFigures: Sendable, Hashable, Codable {
    public let requests: Int
    /// Mean number of open requests.
    public let openRequests: Double
    /// Seconds from the first request to the last sound.
    public let wallSeconds: Double
    /// Seconds of sound in all.
    public let audioSeconds: Double
    /// Seconds from a request to its first audible sound: the median and the 95th percentile; nil if nothing is audible.
    public let firstAudioMedian, firstAudio95: Double?
    /// Seconds of sound per second of a request: the median and the slowest.
    public let realTimeFactorMedian, realTimeFactorLeast: Double
    /// Number of underruns of listeners who start playing immediately, and their total seconds.
    public let underruns: Int
    public let drySeconds: Double
    /// Number of refusals before requests were spoken.
    public let refusals: Int

    /// Seconds of sound per second, of all requests together.
    public var audioPerSecond: Double { wallSeconds > 0 ? audioSeconds / wallSeconds : 0 }

    public init(_ spoken: [SpokenRequest]) {
        let begin = spoken.map(\.start).min() ?? 0, end = spoken.map(\.end).max() ?? 0
        let first = Percentiles(spoken.compactMap(\.firstAudioSeconds)), factors = Percentiles(spoken.map(\.realTimeFactor))
        requests = spoken.count
        wallSeconds = end - begin
        openRequests = end > begin ? spoken.reduce(0) { $0 + $1.end - $1.start } / (end - begin) : 0
        audioSeconds = spoken.reduce(0) { $0 + $1.listener.audioSeconds }
        (firstAudioMedian, firstAudio95) = (first[50], first[95])
        (realTimeFactorMedian, realTimeFactorLeast) = (factors[50] ?? 0, factors[0] ?? 0)
        underruns = spoken.reduce(0) { $0 + $1.listener.underruns }
        drySeconds = spoken.reduce(0) { $0 + $1.listener.drySeconds }
        refusals = spoken.reduce(0) { $0 + $1.refusals }
    }
}

/// Numbers by rank.
public struct Percentiles: Sendable, Hashable {
    private let sorted: [Double]

    public init(_ values: [Double]) { sorted = values.sorted() }

    /// The smallest number that this percentage of all numbers does not exceed; nil if there are no numbers.
    public subscript(_ percent: Double) -> Double? {
        guard !sorted.isEmpty else { return nil }
        let rank = (percent / 100 * Double(sorted.count)).rounded(.up)
        return sorted[min(sorted.count, max(1, Int(rank))) - 1]
    }
}

/// The part of the work of sequential requests that simultaneous requests can share: reading T3's weights. The rest (flow, vocoder, attention,
/// arithmetic) cannot be shared. The largest possible speed-up follows from Amdahl's law.
public struct ShareableWork: Sendable, Hashable, Codable {
    /// Seconds that all requests took one after the other, and the shareable part of them.
    public let serialSeconds, shareableSeconds: Double

    public init(serialSeconds: Double, shareableSeconds: Double) {
        (self.serialSeconds, self.shareableSeconds) = (serialSeconds, shareableSeconds)
    }

    /// Assumes that the time of decoding steps is the time for reading weights, keys and values from memory.
    ///
    /// - Parameters:
    ///   - spoken: requests that were spoken one after the other.
    ///   - t3: the model's sizes.
    ///   - prompt: the number of speech tokens of the voice's prompt in T3.
    ///   - isGuided: whether a step computes two rows, with text and without.
    ///   - quantization: the quantisation of the weights that a step reads.
    /// - Returns: nil if a request's stages are not known.
    public init?(_ spoken: [SpokenRequest], of t3: T3Configuration, prompt: Int, isGuided: Bool, quantization: Quantization) {
        let reports = spoken.compactMap(\.report)
        guard !reports.isEmpty, reports.count == spoken.count else { return nil }
        serialSeconds = LoadFigures(spoken).wallSeconds
        shareableSeconds = reports.reduce(0) { sum, report in
            let length = t3.prefixLength(text: report.textTokens, prompt: prompt) + report.speechTokens / 2
            func bytes(_ length: Int) -> Double { t3.stepCost(length: length, rows: isGuided ? 2 : 1, quantization: quantization).bytes }
            return sum + report.stages.decode * bytes(0) / bytes(length)
        }
    }

    /// The largest possible speed of this many simultaneous requests, relative to one after the other.
    public func limit(requests: Double) -> Double {
        let requests = max(1, requests)
        return serialSeconds / (serialSeconds - shareableSeconds + shareableSeconds / requests)
    }
}
