import Foundation
import Kernels
import Torch

/// The network of a ``Vocoder`` on the CPU with packed weights, and the transforms before and behind it.
///
/// Frames are rows throughout; activations happen on the way into a convolution, sums on the way out, and a transposed
/// convolution is a convolution that makes all samples of a frame at once. So are the short-time Fourier transform of the
/// source, which is a product with overlapping rows of samples, and its inverse. Speech is made by a
/// ``PackedVocoderStream``, some frames at a time.
struct PackedVocoder: Sendable {
    let configuration: VocoderConfiguration
    let input, output: PackedLayer
    let stages: [PackedHiFTStage]
    /// Samples of the source `[transform size]` → real parts, then imaginary parts `[2 · bins]`.
    let analysis: PackedLayer
    /// Real parts, then imaginary parts `[2 · bins]` → the samples of a hop.
    let synthesis: PackedLayer
    /// The Hann window that both transforms have.
    let window: [Double]

    /// - Parameter format: of the convolutions after the first and before the last.
    /// - Throws: ``KernelError``; ``TorchError`` where the weights are not float32 on the CPU.
    init(_ vocoder: Vocoder, format: WeightFormat, team: ThreadTeam) throws {
        let pack = LayerPacking(format: format, team: team), ends = pack.float32
        configuration = vocoder.configuration
        input = try ends(vocoder.input)
        stages = try vocoder.stages.map { try PackedHiFTStage($0, pack) }
        output = try ends(vocoder.output, in: WayIn(activation: .leakyReLU(slope: Vocoder.outputSlope)))
        window = Vocoder.hannWindow(configuration.transformSize).map(Double.init)
        (analysis, synthesis) = try Self.transforms(configuration, window: window, ends)
    }

    /// Frames that are computed at a time: as many as leave the widest activations in a processor's cache, whatever the
    /// network's width.
    var piece: Int {
        let bytes = (0..<stages.count).map { stage in
            configuration.upsampleRates[...stage].reduce(configuration.channels(after: stage), *) * MemoryLayout<Float>.size
        }
        return max(1, Self.nearBytes / (bytes.max() ?? 1))
    }

    private static let nearBytes = 2 << 20

    /// The transforms as layers, in which the window is contained, and on the way back the sum of its squares.
    private static func transforms(
        _ configuration: VocoderConfiguration, window: [Double], _ pack: LayerPacking
    ) throws -> (analysis: PackedLayer, synthesis: PackedLayer) {
        let (size, hop, bins) = (configuration.transformSize, configuration.transformHop, configuration.transformBins)
        func angle(_ bin: Int, _ sample: Int) -> Double { 2 * .pi * Double(bin * sample % size) / Double(size) }
        let heard = (0..<2 * bins).flatMap { row in
            (0..<size).map { sample in
                Float(window[sample] * (row < bins ? cos(angle(row, sample)) : -sin(angle(row - bins, sample))))
            }
        }
        let squares = (0..<hop).map { sample in
            stride(from: sample, to: size, by: hop).reduce(0) { $0 + window[$1] * window[$1] }
        }
        let spoken = (0..<2 * bins).flatMap { row in
            // Bins between the lowest and the highest stand for their mirror images too.
            let bin = row % bins, weight = (bin == 0 || bin == bins - 1 ? 1 : 2) / Double(size)
            return (0..<size).map { sample in
                let wave = row < bins ? cos(angle(bin, sample)) : -sin(angle(bin, sample))
                return Float(weight * wave * window[sample] / squares[sample % hop])
            }
        }
        // The extremes have no imaginary part: their sines are zero.
        let analysis = try pack.matrix(.init(Tensor(heard, shape: [2 * bins, size])))
        let synthesis = try pack.transposed(
            Tensor(spoken, shape: [2 * bins, 1, size]), bias: nil, stride: hop, padding: size / 2, in: .plain, winograd: false)
        return (PackedLayer(analysis), synthesis)
    }
}

/// ``HiFTStage`` with packed weights.
struct PackedHiFTStage: Sendable {
    let upsample, sourceDownsample: PackedLayer
    let rate, channels: Int
    /// Whether a row that mirrors the signal at its first stands before it.
    let isLast: Bool
    let sourceBlock: PackedHiFTBlock
    let blocks: [PackedHiFTBlock]

    init(_ stage: HiFTStage, _ pack: LayerPacking) throws {
        rate = stage.upsample.stride
        channels = stage.upsample.weight.size(1)
        isLast = stage.isLast
        upsample = try pack(stage.upsample, in: WayIn(activation: .leakyReLU(slope: stage.leakySlope)))
        sourceDownsample = try pack.float32(stage.sourceDownsample)
        sourceBlock = try PackedHiFTBlock(stage.sourceBlock, pack)
        blocks = try stage.blocks.map { try PackedHiFTBlock($0, pack) }
    }
}

/// ``HiFTResidualBlock`` with packed weights.
struct PackedHiFTBlock: Sendable {
    let layers: [(dilated: PackedLayer, plain: PackedLayer)]

    init(_ block: HiFTResidualBlock, _ pack: LayerPacking) throws {
        func way(_ snake: Snake) throws -> WayIn { WayIn(activation: .snake(frequency: try snake.frequency.flattened().contiguous())) }
        layers = try block.layers.map { layer in
            (try pack(layer.dilated, in: way(layer.dilatedActivation)), try pack(layer.plain, in: way(layer.plainActivation)))
        }
    }
}

/// A ``PackedVocoder`` at work on one utterance, whose frames and source come some at a time.
///
/// Every layer goes on where it stopped, with the last of the rows it saw: nothing is computed twice, memory does not grow
/// with the utterance, and the samples are those of all frames at once, bit for bit. What comes out ends at most 18 frames before
/// what has gone in with int8 weights, and 28 with float32 ones, whose convolutions wait until their tiles are full.
struct PackedVocoderStream: VocoderStream {
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

    /// - Parameter pause: called after each pair of convolutions.
    mutating func callAsFunction(_ frames: Tensor, source: Tensor, isLast: Bool, pause: () throws -> Void) throws -> Tensor {
        let count = frames.size(1), perFrame = configuration.samplesPerFrame
        // Some frames at a time, so that memory grows with the sound alone.
        let pieces = try stride(from: 0, to: count, by: vocoder.piece).map { start in
            let length = min(vocoder.piece, count - start)
            return try piece(
                frames.narrow(axis: 1, from: start, count: length), source.narrow(axis: 2, from: start * perFrame, count: length * perFrame),
                isLast: isLast && start + length == count, pause)
        }
        return try pieces.count == 1 ? pieces[0] : Tensor.cat(pieces, axis: 1)
    }

    private mutating func piece(_ frames: Tensor, _ source: Tensor, isLast: Bool, _ pause: () throws -> Void) throws -> Tensor {
        try mel.append(frames.to(.float32))
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
