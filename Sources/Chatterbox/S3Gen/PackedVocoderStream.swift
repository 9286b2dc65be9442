import Kernels
import Torch

/// A ``PackedVocoder`` at work on one utterance, whose frames and source come some at a time.
///
/// Every layer goes on where it stopped, with the last of the rows it saw: nothing is computed twice, memory does not grow
/// with the utterance, and the samples are those of all frames at once, bit for bit. What comes out ends at most 18 frames before
/// what has gone in with int8 weights, and 28 with float32 ones, whose convolutions wait until their tiles are full.
struct PackedVocoderStream {
    private let vocoder: PackedVocoder
    private let configuration: VocoderConfiguration
    private var mel, spectrum, parts, waves: RowWindow
    private var input, output, synthesis: LayerStream
    private var stages: [HiFTStageStream]
    /// What the first stage is given.
    private var signal: RowWindow
    /// The source with its mirrored beginning, samples as rows, and the spectral frames made of it.
    private var samples = RowWindow(width: 1)
    private var (analysed, spoken) = (0, 0)

    init(_ vocoder: PackedVocoder) {
        self.vocoder = vocoder
        configuration = vocoder.configuration
        mel = RowWindow(width: configuration.melBins)
        let values = 2 * configuration.transformBins
        (spectrum, parts, waves) = (RowWindow(width: values), RowWindow(width: values), RowWindow(width: values))
        (input, output, synthesis) = (LayerStream(vocoder.input), LayerStream(vocoder.output), LayerStream(vocoder.synthesis))
        stages = vocoder.stages.map(HiFTStageStream.init)
        signal = RowWindow(width: input.outputs)
    }

    /// Bytes that are kept for the next frames.
    var keptBytes: Int {
        [mel, signal, spectrum, parts, waves, samples].reduce(0) { $0 + $1.byteCount } + stages.reduce(0) { $0 + $1.keptBytes }
    }

    /// The samples `[1, samples]` that are certain by now and have not come out yet; none, maybe.
    ///
    /// - Parameters:
    ///   - frames: `[1, bins, frames]`, following those of the last call.
    ///   - source: their excitation, `[1, 1, samples]`.
    ///   - isLast: whether the utterance ends with them.
    ///   - pause: called after each pair of convolutions; what it throws ends the work.
    mutating func callAsFunction(_ frames: Tensor, source: Tensor, isLast: Bool, pause: () throws -> Void = {}) throws -> Tensor {
        try mel.append(frames.transposed(1, 2))
        let total = isLast ? mel.rows.upperBound : nil
        try analyse(source, isLast: isLast)

        let first = total ?? input.ready(after: mel.complete)
        try signal.extend(to: first)
        try input(mel, to: first, into: signal[input.made..<first])
        signal.complete(to: first)
        try mel.forget(before: input.needed)
        for index in stages.indices {
            let given = index == 0 ? signal : stages[index - 1].sum
            try stages[index](given, spectrum, isLast: isLast, pause)
            if index == 0 { try signal.forget(before: stages[0].needed) } else { try stages[index - 1].forget(before: stages[index].needed) }
        }
        try spectrum.forget(before: stages.map(\.neededSpectrum).min() ?? 0)

        let last = stages.count - 1, sum = stages[last].sum
        let end = isLast ? sum.complete : output.ready(after: sum.complete)
        try parts.extend(to: end)
        try output(sum, to: end, into: parts[output.made..<end])
        parts.complete(to: end)
        try stages[last].forget(before: output.needed)
        return try speak(isLast: isLast)
    }

    /// Appends the source's spectrum as far as it is known: the samples around its end are mirrored there.
    private mutating func analyse(_ source: Tensor, isLast: Bool) throws {
        let (size, hop) = (configuration.transformSize, configuration.transformHop), reach = size / 2
        let new = try source.reshaped([1, -1, 1])
        if samples.rows.upperBound == 0 {
            guard new.size(1) > reach else {
                throw VocoderError.shape(argument: "source", found: source.shape, expected: "more than \(reach) samples to begin with")
            }
            try samples.append(new.narrow(axis: 1, from: 1, count: reach).flipped([1]))
        }
        try samples.append(new)
        if isLast {
            let end = samples.rows.upperBound
            try samples.append(samples[end - reach - 1..<end - 1].flipped([1]))
        }
        let count = max(analysed, (samples.complete - size) / hop + 1)
        guard count > analysed else { return }
        let heard = try samples[analysed * hop..<(count - 1) * hop + size].squeezed(2).unfolded(axis: 1, size: size, step: hop)
        try spectrum.extend(to: count)
        try vocoder.analysis(heard, into: spectrum[analysed..<count])
        spectrum.complete(to: count)
        analysed = count
        // The last samples are what the end is mirrored from.
        try samples.forget(before: min(analysed * hop, samples.rows.upperBound - reach - 1))
    }

    /// Log magnitudes and arcsines of phases as samples.
    private mutating func speak(isLast: Bool) throws -> Tensor {
        let bins = configuration.transformBins, new = waves.complete..<parts.complete
        if !new.isEmpty {
            let values = try parts[new]
            let magnitude = try values.narrow(axis: 2, from: 0, count: bins).exp().clamped(max: Vocoder.magnitudeLimit)
            let phase = try values.narrow(axis: 2, from: bins, count: bins).sin()
            try waves.append(Tensor.cat([magnitude * phase.cos(), magnitude * phase.sin()], axis: 2))
            try parts.forget(before: new.upperBound)
        }
        // A transform of n hops has n + 1 frames.
        let hop = configuration.transformHop, frames = waves.complete
        let end = isLast ? frames - 1 : synthesis.ready(after: frames)
        let sound = try Tensor.empty([1, max(0, end - synthesis.made), hop])
        try synthesis(waves, to: end, into: sound)
        try waves.forget(before: synthesis.needed)
        try completeEdges(of: sound, from: spoken, total: isLast ? end * hop : nil)
        spoken = end * hop
        return try sound.reshaped([1, -1]).clamped(min: -configuration.amplitudeLimit, max: configuration.amplitudeLimit)
    }

    /// Makes up for the frames that are missing beyond an utterance's ends, where the windows' squares add up to less.
    ///
    /// - Parameters:
    ///   - start: the number of the first of the samples.
    ///   - total: samples of the utterance, where it ends here.
    private func completeEdges(of sound: Tensor, from start: Int, total: Int?) throws {
        let (size, hop) = (configuration.transformSize, configuration.transformHop), reach = size / 2, window = vocoder.window
        func squares(_ sample: Int, _ frames: Range<Int>) -> Double {
            frames.reduce(0) { sum, frame in
                let place = sample + reach - frame * hop
                return (0..<size).contains(place) ? sum + window[place] * window[place] : sum
            }
        }
        try sound.withElements(of: Float.self) { samples in
            for index in samples.indices where start + index < reach || start + index >= (total ?? .max) - reach {
                let sample = start + index, nearest = (sample + reach) / hop
                let all = squares(sample, nearest - size / hop..<nearest + 1)
                let there = squares(sample, max(0, nearest - size / hop)..<min(nearest, total.map { $0 / hop } ?? nearest) + 1)
                samples[index] *= Float(all / there)
            }
        }
    }
}

/// A ``PackedHiFTStage`` at work.
private struct HiFTStageStream {
    private let stage: PackedHiFTStage
    private var upsample, downsample: LayerStream
    private var signal, source: RowWindow
    /// The results so far.
    private(set) var sum: RowWindow
    private var sourceBlock: HiFTBlockStream
    private var blocks: [HiFTBlockStream]

    init(_ stage: PackedHiFTStage) {
        self.stage = stage
        (upsample, downsample) = (LayerStream(stage.upsample), LayerStream(stage.sourceDownsample))
        (signal, source, sum) = (RowWindow(width: stage.channels), RowWindow(width: stage.channels), RowWindow(width: stage.channels))
        sourceBlock = HiFTBlockStream(stage.sourceBlock, channels: stage.channels)
        blocks = stage.blocks.map { HiFTBlockStream($0, channels: stage.channels) }
    }

    /// The first row of the input, and the first spectral frame, that are still to be seen.
    var needed: Int { upsample.needed }
    var neededSpectrum: Int { downsample.needed }

    var keptBytes: Int {
        [signal, source, sum].reduce(0) { $0 + $1.byteCount } + (blocks + [sourceBlock]).reduce(0) { $0 + $1.keptBytes }
    }

    /// Lets go of results that nobody needs any more.
    mutating func forget(before row: Int) throws { try sum.forget(before: row) }

    /// Rows of the signal `[1, time, 2 · channels]` and of the source's spectrum `[1, spectral frames, 2 · bins]` → rows
    /// `[1, rate · time, channels]`, with one more at the front after the last stage.
    mutating func callAsFunction(_ input: RowWindow, _ spectrum: RowWindow, isLast: Bool, _ pause: () throws -> Void) throws {
        let (rate, extra) = (stage.rate, stage.isLast ? 1 : 0)
        let start = upsample.made, end = isLast ? input.complete : upsample.ready(after: input.complete)
        if end > start {
            try signal.extend(to: extra + rate * end)
            let rows = try signal[extra + rate * start..<extra + rate * end].viewed([1, end - start, rate * stage.channels])
            try upsample(input, to: end, into: rows)
            // The signal mirrored at its first row.
            if extra > 0, start == 0 { try signal[0..<1].assign(signal[2..<3]) }
        }

        let total = isLast ? signal.rows.upperBound : nil
        let heard = total ?? downsample.ready(after: spectrum.complete)
        try source.extend(to: heard)
        try downsample(spectrum, to: heard, into: source[downsample.made..<heard])
        source.complete(to: heard)
        try sourceBlock(source, total: total, limit: signal.rows.upperBound, into: signal, share: 1, pause)
        try source.forget(before: sourceBlock.needed)
        signal.complete(to: sourceBlock.made)

        let known = sum.rows.upperBound
        try sum.extend(to: signal.complete)
        try sum[known..<sum.rows.upperBound].fill(0)
        for index in blocks.indices {
            try blocks[index](signal, total: total, limit: .max, into: sum, share: 1 / Double(blocks.count), pause)
        }
        sum.complete(to: blocks.map(\.made).min() ?? 0)
        try signal.forget(before: blocks.map(\.needed).min() ?? 0)
    }
}

/// A ``PackedHiFTBlock`` at work.
private struct HiFTBlockStream {
    private var layers: [(dilated: LayerStream, plain: LayerStream)]
    /// What each layer's first convolution makes, and what each layer but the last makes.
    private var inner, outer: [RowWindow]

    init(_ block: PackedHiFTBlock, channels: Int) {
        layers = block.layers.map { (LayerStream($0.dilated), LayerStream($0.plain)) }
        inner = layers.map { _ in RowWindow(width: channels) }
        outer = inner.dropLast()
    }

    var keptBytes: Int { (inner + outer).reduce(0) { $0 + $1.byteCount } }
    /// Results that are added to the output.
    var made: Int { layers[layers.count - 1].plain.made }
    /// The first row of the input that is still to be seen.
    var needed: Int { min(layers[0].dilated.needed, layers[0].plain.made) }

    /// Rows `[1, time, channels]`, of whose results `share` is added to `output`.
    ///
    /// - Parameters:
    ///   - total: rows in all, where they end with these.
    ///   - limit: rows that the output has.
    mutating func callAsFunction(
        _ x: RowWindow, total: Int?, limit: Int, into output: RowWindow, share: Double, _ pause: () throws -> Void
    ) throws {
        for index in layers.indices {
            let isLast = index == layers.count - 1
            let input = index == 0 ? x : outer[index - 1]
            let half = total ?? layers[index].dilated.ready(after: input.complete)
            try inner[index].extend(to: half)
            try layers[index].dilated(input, to: half, into: inner[index][layers[index].dilated.made..<half])
            inner[index].complete(to: half)

            let end = total ?? layers[index].plain.ready(after: isLast ? min(half, limit) : half)
            let place = layers[index].plain.made..<end
            if isLast {
                try layers[index].plain(inner[index], to: end, into: output[place], residual: input, share: share)
            } else {
                try outer[index].extend(to: end)
                try layers[index].plain(inner[index], to: end, into: outer[index][place], residual: input)
                outer[index].complete(to: end)
            }
            try inner[index].forget(before: layers[index].plain.needed)
            if index > 0 { try outer[index - 1].forget(before: min(layers[index].dilated.needed, layers[index].plain.made)) }
            try pause()
        }
    }
}
