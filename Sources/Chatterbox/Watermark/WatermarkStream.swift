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
    /// The number of samples in a whole number of the transform's frames; pieces begin at multiples of it.
    private let grid: Int
    /// The number of samples on either side on which the watermark depends.
    private let reach: Int
    /// The largest number of new samples that are marked together.
    private let block: Int

    /// The number of samples in `pending` that have already been returned and are kept only as context.
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
        // The shortest duration with a whole number of samples at both rates.
        let common = configuration.transformHop * sampleRate
        grid = common / greatestCommonDivisor(common, configuration.sampleRate)
        // Two windows around the networks' context, and a margin for the resampler.
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

    /// Marks the next `count` samples, with the known samples on either side as context.
    private mutating func emit(_ count: Int) throws -> [Float] {
        let known = min(pending.count, done + count + reach)
        let input = Array(pending[..<known])
        var marked = try watermarker.markedAtOnce(Audio(samples: input, sampleRate: sampleRate)).samples
        for pause in silences(input) { marked.replaceSubrange(pause, with: input[pause]) }
        let result = Array(marked[done..<done + count])
        hasMarked = true
        done += count
        let forgotten = max(0, done - reach)
        pending.removeFirst(forgotten)
        done -= forgotten
        return result
    }

    /// Parts of digital silence that are longer than a window of the transform; they are not changed.
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
