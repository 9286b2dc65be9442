import SpeechAudio

/// Adds the watermark to a stream of speech, with a delay of a quarter of a second.
///
/// The networks need 0.2 s of context on either side, so each piece is computed together with parts of its neighbours. The result is the same as
/// for the whole sound at once.
public struct WatermarkStream {
    /// The result of ``finish()``.
    public struct Ending: Sendable {
        /// The remaining samples, with the watermark.
        public let samples: [Float]
        /// False if the whole speech was too short for a watermark.
        public let isMarked: Bool
    }

    private let watermarker: Watermarker
    private let sampleRate: Int
    /// Samples of a whole number of the transform's frames, at which pieces may begin.
    private let grid: Int
    /// Samples on either side that a mark depends on.
    private let reach: Int
    /// Most new samples that are marked at once.
    private let block: Int

    /// Samples in `pending` that have come out already and are only known for their neighbours' sake.
    private var done = 0
    private var pending: [Float] = []
    private var hasMarked = false

    /// - Parameters:
    ///   - watermarker: the watermark's networks.
    ///   - sampleRate: of input and output, in hertz.
    public init(_ watermarker: Watermarker, sampleRate: Int) {
        self.watermarker = watermarker
        self.sampleRate = sampleRate
        let configuration = watermarker.configuration
        // The shortest stretch that is whole at both rates.
        let common = configuration.transformHop * sampleRate
        grid = common / greatestCommonDivisor(common, configuration.sampleRate)
        // Two windows around the networks' reach, and a little for the resampler.
        let frames = WatermarkConvolutions.reach + configuration.transformSize / configuration.transformHop + 4
        let seconds = Double(frames * configuration.transformHop) / Double(configuration.sampleRate)
        reach = (Int(seconds * Double(sampleRate)) / grid + 1) * grid
        block = max(1, watermarker.longestStretch * sampleRate / grid) * grid
    }

    /// Takes samples and returns those whose watermark is complete.
    ///
    /// - Throws: `TorchError`.
    public mutating func mark(_ samples: [Float]) throws -> [Float] {
        pending += samples
        var result: [Float] = []
        while true {
            let ready = min(block, (pending.count - done - reach) / grid * grid)
            guard ready > 0 else { return result }
            result += try emit(ready)
        }
    }

    /// Returns the remaining samples.
    ///
    /// - Throws: `TorchError`.
    public mutating func finish() throws -> Ending {
        let rest = pending.count - done
        guard hasMarked || watermarker.hasRoom(Audio(samples: pending, sampleRate: sampleRate)) else {
            return Ending(samples: pending, isMarked: false)
        }
        return Ending(samples: rest > 0 ? try emit(rest) : [], isMarked: true)
    }

    /// Marks the next `count` samples between what is known on either side.
    private mutating func emit(_ count: Int) throws -> [Float] {
        let known = min(pending.count, done + count + reach)
        let heard = Array(pending[..<known])
        var marked = try watermarker.markedAtOnce(Audio(samples: heard, sampleRate: sampleRate)).samples
        for pause in silences(heard) { marked.replaceSubrange(pause, with: heard[pause]) }
        let result = Array(marked[done..<done + count])
        hasMarked = true
        done += count
        let forgotten = max(0, done - reach)
        pending.removeFirst(forgotten)
        done -= forgotten
        return result
    }

    /// Stretches of digital silence longer than a window of the transform: they stay what they are.
    private func silences(_ samples: [Float]) -> [Range<Int>] {
        let window = watermarker.configuration.transformSize * sampleRate / watermarker.configuration.sampleRate
        var found: [Range<Int>] = []
        var start = 0
        for index in 0...samples.count where index == samples.count || samples[index] != 0 {
            if index - start > window { found.append(start..<index) }
            start = index + 1
        }
        return found
    }
}
