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

/// The excitation of an utterance whose pitch comes some frames at a time.
struct SourceStream {
    private let module: SourceModule
    private let samplesPerFrame: Int
    private let noise: FrameNoise
    private let phases: [Float]
    /// Where each sine stands, in turns.
    private var turns: [Double]
    private var frame = 0

    init(_ module: SourceModule, samplesPerFrame: Int, noise: FrameNoise) throws {
        (self.module, self.samplesPerFrame, self.noise) = (module, samplesPerFrame, noise)
        phases = try module.startPhases(batch: 1, generator: noise.generator(.phases)).array(of: Float.self)
        turns = Array(repeating: 0, count: module.sineCount)
    }

    /// F0 of the next frames in Hz, `[1, frames]` → their excitation, `[1, 1, samples]`, on the pitch's device.
    mutating func callAsFunction(_ pitch: Tensor) throws -> Tensor {
        let frames = frame..<frame + pitch.size(1)
        let noise = try noise.source(frames, sines: module.sineCount, samplesPerFrame: samplesPerFrame)
        frame = frames.upperBound
        let excitation = try module.sineBySine(pitch.to(.cpu), samplesPerFrame: samplesPerFrame, from: phases, turns: &turns) { try noise[$0] }
        // Whole turns say nothing, and later ones would be rounded the more.
        turns = turns.map { $0 - $0.rounded(.down) }
        return try excitation.to(pitch.device)
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
