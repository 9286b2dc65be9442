import Foundation
import Kernels
import Torch

/// The waveform of an utterance whose mel comes chunk by chunk: the sines of its source go on where they stopped, and so does
/// the vocoder. Joined, the samples are those of all of the mel at once, up to the rounding of phases.
struct SoundStream {
    private let vocoder: Vocoder
    private var source: SourceStream
    private var network: any VocoderStream
    /// What the first samples are multiplied by.
    private let gains: [Float]
    /// The frames that are not yet spoken, and before them those that their pitch depends on, `[1, frames, bins]`.
    private var mel: Tensor?
    /// How many of those frames are spoken.
    private var spoken = 0
    /// Samples so far.
    private var made = 0

    /// - Parameter fade: of the beginning; nil for none.
    init(_ vocoder: Vocoder, fade: VocoderFade? = nil, noise: FrameNoise) throws {
        self.vocoder = vocoder
        source = try SourceStream(vocoder.sourceModule, samplesPerFrame: vocoder.configuration.samplesPerFrame, noise: noise)
        network = try vocoder.stream()
        gains = try fade?.gains.array(of: Float.self) ?? []
    }

    /// The samples that are certain by now and have not come out yet; none, maybe.
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
            // F0 of a frame depends on a few beside it.
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

/// The network of a ``Vocoder`` at work on an utterance whose frames and source come some at a time.
protocol VocoderStream {
    /// The samples `[1, samples]` that are certain by now and have not come out yet; none, maybe.
    ///
    /// - Parameters:
    ///   - frames: `[1, frames, bins]`, following those of the last call.
    ///   - source: their excitation, `[1, 1, samples]`.
    ///   - isLast: whether the utterance ends with them.
    ///   - pause: called between units of the work; what it throws ends it.
    mutating func callAsFunction(_ frames: Tensor, source: Tensor, isLast: Bool, pause: () throws -> Void) throws -> Tensor
}

/// Libtorch's operations decode each piece together with as many frames on either side as the convolutions see, and let those go.
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

/// The filter of a ``Vocoder`` on the CPU with packed weights, and the transforms before and behind it.
///
/// Frames are rows throughout, and a transposed convolution is a convolution that makes all samples of a frame at once. So are the
/// short-time Fourier transform of the source, which is a product with overlapping rows of samples, and its inverse. Speech is made by a
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

/// A ``PackedVocoder`` at work on one utterance, whose frames and source come some at a time: its filter as a ``PackedRun``. What comes
/// out ends at most 18 frames before what has gone in with int8 weights, and 28 with float32 ones, whose convolutions wait until their
/// tiles are full.
final class PackedVocoderStream: VocoderStream {
    private let vocoder: PackedVocoder
    private let configuration: VocoderConfiguration
    private let run = PackedRun()
    private let mel, spectrum, parts: PackedSignal
    private var waves: RowWindow
    private var synthesis: LayerStream
    /// The source with its mirrored beginning, samples as rows, and the spectral frames made of it.
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

    /// Bytes that are kept for the next frames.
    var keptBytes: Int { run.keptBytes + waves.byteCount + samples.byteCount }

    /// - Parameter pause: called after each pair of convolutions.
    func callAsFunction(_ frames: Tensor, source: Tensor, isLast: Bool, pause: () throws -> Void) throws -> Tensor {
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

    private func piece(_ frames: Tensor, _ source: Tensor, isLast: Bool, _ pause: () throws -> Void) throws -> Tensor {
        try run.give(frames.to(.float32), to: mel)
        try analyse(source, isLast: isLast)
        try run(isLast: isLast, pause)
        return try speak(isLast: isLast)
    }

    /// Appends the source's spectrum as far as it is known: the samples around its end are mirrored there.
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
        let heard = try samples[analysed * hop..<(count - 1) * hop + size].squeezed(2).unfolded(axis: 1, size: size, step: hop)
        let made = try Tensor.empty([1, count - analysed, 2 * configuration.transformBins])
        try vocoder.analysis(heard, into: made)
        try run.give(made, to: spectrum)
        analysed = count
        // The last samples are what the end is mirrored from.
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
