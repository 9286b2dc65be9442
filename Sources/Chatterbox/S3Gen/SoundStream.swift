import Foundation
import Kernels
import Torch

/// The waveform of an utterance whose mel arrives chunk by chunk: the sines of its source continue where they stopped, and so does
/// the vocoder. Joined, the samples are those of all of the mel at once, up to the rounding of phases.
struct SoundStream {
    private let vocoder: Vocoder
    private var source: SourceStream
    private var network: any VocoderStream
    /// The gain of the first samples.
    private let gains: [Float]
    /// The frames without a waveform yet, preceded by those on which their pitch depends, `[1, frames, bins]`.
    private var mel: Tensor?
    /// How many of those frames already have a waveform.
    private var spoken = 0
    /// The number of samples so far.
    private var made = 0

    /// - Parameter fade: of the beginning; nil for none.
    init(_ vocoder: Vocoder, fade: VocoderFade? = nil, noise: FrameNoise) throws {
        self.vocoder = vocoder
        source = try SourceStream(vocoder.sourceModule, samplesPerFrame: vocoder.configuration.samplesPerFrame, noise: noise)
        network = try vocoder.stream()
        gains = try fade?.gains.array(of: Float.self) ?? []
    }

    /// The samples that are final and have not been returned yet; there may be none.
    ///
    /// - Parameters:
    ///   - frames: `[1, frames, bins]`, following those of the last call.
    ///   - isLast: whether the utterance ends with them.
    ///   - pause: called between units of the work; what it throws ends it.
    mutating func callAsFunction(_ frames: Tensor, isLast: Bool, pause: () throws -> Void = {}) throws -> [Float] {
        let mel = try self.mel.map { try Tensor.cat([$0, frames], axis: 1) } ?? frames
        let count = mel.size(1), ready = isLast ? count : max(spoken, count - PitchPredictor.depth)
        var samples: [Float] = []
        if ready > spoken {
            // F0 of a frame depends on a few neighbouring frames.
            let pitch = try vocoder.pitchPredictor(mel.transposed(1, 2)).narrow(axis: 1, from: spoken, count: ready - spoken)
            let excitation = try source(pitch)
            try pause()
            samples = try network(mel.narrow(axis: 1, from: spoken, count: ready - spoken), source: excitation, isLast: isLast, pause: pause).array()
        }
        for index in samples.indices.prefix(max(0, gains.count - made)) { samples[index] *= gains[made + index] }
        made += samples.count
        let gone = max(0, ready - PitchPredictor.depth)
        self.mel = try mel.narrow(axis: 1, from: gone, count: count - gone).clone()
        spoken = ready - gone
        return samples
    }
}

/// The network of a ``Vocoder`` during one utterance whose frames and source arrive some at a time.
protocol VocoderStream {
    /// The samples `[1, samples]` that are final and have not been returned yet; there may be none.
    ///
    /// - Parameters:
    ///   - frames: `[1, frames, bins]`, following those of the last call.
    ///   - source: their excitation, `[1, 1, samples]`.
    ///   - isLast: whether the utterance ends with them.
    ///   - pause: called between units of the work; what it throws ends it.
    mutating func callAsFunction(_ frames: Tensor, source: Tensor, isLast: Bool, pause: () throws -> Void) throws -> Tensor
}

/// Libtorch's operations decode each piece together with as many frames on either side as the convolutions need, and discard those.
struct ExactVocoderStream: VocoderStream {
    /// Frames on either side that a waveform's sample depends on.
    static let reach = 24

    private let vocoder: Vocoder
    private var mel, source: Tensor?
    private var spoken = 0

    init(_ vocoder: Vocoder) { self.vocoder = vocoder }

    mutating func callAsFunction(_ frames: Tensor, source new: Tensor, isLast: Bool, pause: () throws -> Void) throws -> Tensor {
        let perFrame = vocoder.configuration.samplesPerFrame
        let mel = try self.mel.map { try Tensor.cat([$0, frames], axis: 1) } ?? frames
        let source = try self.source.map { try Tensor.cat([$0, new], axis: 2) } ?? new
        let count = mel.size(1), ready = isLast ? count : max(spoken, count - Self.reach)
        let samples =
            try ready == spoken
            ? Tensor.empty([1, 0])
            : vocoder.decode(mel.transposed(1, 2), source: source, pause: pause)
                .narrow(axis: 1, from: spoken * perFrame, count: (ready - spoken) * perFrame).contiguous()
        let gone = max(0, ready - Self.reach)
        self.mel = try mel.narrow(axis: 1, from: gone, count: count - gone).clone()
        self.source = try source.narrow(axis: 2, from: gone * perFrame, count: source.size(2) - gone * perFrame).clone()
        spoken = ready - gone
        return samples
    }
}

// MARK: packed

/// The filter of a ``Vocoder`` on the CPU with packed weights, and the transforms before and after it.
///
/// Frames are rows throughout, and a transposed convolution is a convolution that computes all samples of a frame at once. So are the
/// short-time Fourier transform of the source, which is a product with overlapping rows of samples, and its inverse. Speech is computed by a
/// ``PackedVocoderStream``, some frames at a time.
struct PackedVocoder: Sendable {
    let configuration: VocoderConfiguration
    let filter: HiFTFilter<PackedArithmetic>
    /// Samples of the source `[transform size]` → real parts, then imaginary parts `[2 · bins]`.
    let analysis: PackedLayer
    /// Real parts, then imaginary parts `[2 · bins]` → the samples of a hop.
    let synthesis: PackedLayer
    /// The Hann window that both transforms have.
    let window: [Double]

    /// - Parameter format: of the filter's inner convolutions.
    /// - Throws: ``KernelError``; ``TorchError`` where the weights are not float32 on the CPU.
    init(_ vocoder: Vocoder, format: WeightFormat, team: ThreadTeam) throws {
        let pack = LayerPacking(format: format, team: team)
        configuration = vocoder.configuration
        filter = try HiFTFilter(vocoder.filter, pack)
        window = Vocoder.hannWindow(configuration.transformSize).map(Double.init)
        (analysis, synthesis) = try Self.transforms(configuration, window: window, pack.float32)
    }

    /// Frames that are computed at a time: as many as leave the widest activations in a processor's cache, whatever the
    /// network's width.
    var piece: Int {
        let bytes = configuration.upsampleRates.indices.map { stage in
            configuration.upsampleRates[...stage].reduce(configuration.channels(after: stage), *) * MemoryLayout<Float>.size
        }
        return max(1, Self.nearBytes / (bytes.max() ?? 1))
    }

    private static let nearBytes = 2 << 20

    /// The transforms as layers, which include the window, and in the inverse transform also the sum of its squares.
    private static func transforms(
        _ configuration: VocoderConfiguration, window: [Double], _ pack: LayerPacking
    ) throws -> (analysis: PackedLayer, synthesis: PackedLayer) {
        let (size, hop, bins) = (configuration.transformSize, configuration.transformHop, configuration.transformBins)
        func angle(_ bin: Int, _ sample: Int) -> Double { 2 * .pi * Double(bin * sample % size) / Double(size) }
        let basis = (0..<2 * bins).flatMap { row in
            (0..<size).map { sample in
                Float(window[sample] * (row < bins ? cos(angle(row, sample)) : -sin(angle(row - bins, sample))))
            }
        }
        let squares = (0..<hop).map { sample in
            stride(from: sample, to: size, by: hop).reduce(0) { $0 + window[$1] * window[$1] }
        }
        let spoken = (0..<2 * bins).flatMap { row in
            // Bins between the lowest and the highest also count for their mirror images.
            let bin = row % bins, weight = (bin == 0 || bin == bins - 1 ? 1 : 2) / Double(size)
            return (0..<size).map { sample in
                let wave = row < bins ? cos(angle(bin, sample)) : -sin(angle(bin, sample))
                return Float(weight * wave * window[sample] / squares[sample % hop])
            }
        }
        // The extremes have no imaginary part: their sines are zero.
        let analysis = try pack.matrix(.init(Tensor(basis, shape: [2 * bins, size])))
        let synthesis = try pack.transposed(
            Tensor(spoken, shape: [2 * bins, 1, size]), bias: nil, stride: hop, padding: size / 2, in: .plain, winograd: false)
        return (PackedLayer(analysis), synthesis)
    }
}

/// A ``PackedVocoder`` during one utterance, whose frames and source arrive some at a time: its filter as a ``PackedRun``. The output
/// is at most 18 frames behind the input with int8 weights, and 28 with float32 ones, whose convolutions wait until their
/// tiles are full.
final class PackedVocoderStream: VocoderStream {
    private let vocoder: PackedVocoder
    private let configuration: VocoderConfiguration
    private let run = PackedRun()
    private let mel, spectrum, parts: PackedSignal
    private var waves: RowWindow
    private var synthesis: LayerStream
    /// The source with its mirrored beginning, samples as rows, and its spectral frames.
    private var samples = RowWindow(width: 1)
    private var (analysed, spoken) = (0, 0)

    init(_ vocoder: PackedVocoder) throws {
        self.vocoder = vocoder
        configuration = vocoder.configuration
        let values = 2 * configuration.transformBins
        (mel, spectrum) = (run.signal(width: configuration.melBins), run.signal(width: values))
        parts = try vocoder.filter(mel, spectrum: spectrum)
        (waves, synthesis) = (RowWindow(width: values), LayerStream(vocoder.synthesis))
    }

    /// The number of bytes kept for the next frames.
    var keptBytes: Int { run.keptBytes + waves.byteCount + samples.byteCount }

    /// - Parameter pause: called after each pair of convolutions.
    func callAsFunction(_ frames: Tensor, source: Tensor, isLast: Bool, pause: () throws -> Void) throws -> Tensor {
        let count = frames.size(1), perFrame = configuration.samplesPerFrame
        // Some frames at a time, so that memory grows only with the sound.
        let pieces = try stride(from: 0, to: count, by: vocoder.piece).map { start in
            let length = min(vocoder.piece, count - start)
            return try piece(
                frames.narrow(axis: 1, from: start, count: length), source.narrow(axis: 2, from: start * perFrame, count: length * perFrame),
                isLast: isLast && start + length == count, pause)
        }
        return try pieces.count == 1 ? pieces[0] : Tensor.cat(pieces, axis: 1)
    }

    private func piece(_ frames: Tensor, _ source: Tensor, isLast: Bool, _ pause: () throws -> Void) throws -> Tensor {
        try run.give(frames.to(.float32), to: mel)
        try analyse(source, isLast: isLast)
        try run(isLast: isLast, pause)
        return try speak(isLast: isLast)
    }

    /// Appends the available part of the source's spectrum: at the end of the source its samples are mirrored.
    private func analyse(_ source: Tensor, isLast: Bool) throws {
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
        let windows = try samples[analysed * hop..<(count - 1) * hop + size].squeezed(2).unfolded(axis: 1, size: size, step: hop)
        let made = try Tensor.empty([1, count - analysed, 2 * configuration.transformBins])
        try vocoder.analysis(windows, into: made)
        try run.give(made, to: spectrum)
        analysed = count
        // The last samples are needed to mirror the end.
        try samples.forget(before: min(analysed * hop, samples.rows.upperBound - reach - 1))
    }

    /// Log magnitudes and arcsines of phases as samples.
    private func speak(isLast: Bool) throws -> Tensor {
        let (real, imaginary) = try Vocoder.transform(of: run.take(parts), bins: configuration.transformBins)
        try waves.append(Tensor.cat([real, imaginary], axis: 2))
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

    /// Corrects the gain at an utterance's ends, where frames are missing and the windows' squares add up to less.
    ///
    /// - Parameters:
    ///   - start: the index of the first of the samples.
    ///   - total: the number of samples of the utterance, if it ends here.
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
