import Torch

/// The waveform of an utterance whose mel comes chunk by chunk: the sines of its source go on where they stopped, and so does
/// the vocoder. Joined, the samples are those of all of the mel at once, up to the rounding of phases.
struct SoundStream {
    private let vocoder: Vocoder
    private var source: SourceStream
    private var network: VocoderPieces
    /// The frames that are not yet spoken, and before them those that their pitch depends on, `[1, bins, frames]`.
    private var mel: Tensor?
    /// How many of those frames are spoken.
    private var spoken = 0

    init(_ vocoder: Vocoder, noise: FrameNoise) throws {
        self.vocoder = vocoder
        source = try SourceStream(vocoder.sourceModule, samplesPerFrame: vocoder.configuration.samplesPerFrame, noise: noise)
        network = vocoder.makePieces()
    }

    /// The samples that are certain by now and have not come out yet; none, maybe.
    ///
    /// - Parameters:
    ///   - frames: `[1, bins, frames]`, following those of the last call.
    ///   - isLast: whether the utterance ends with them.
    ///   - pause: called between units of the work; what it throws ends it.
    mutating func callAsFunction(_ frames: Tensor, isLast: Bool, pause: () throws -> Void = {}) throws -> [Float] {
        let mel = try self.mel.map { try Tensor.cat([$0, frames], axis: 2) } ?? frames
        let count = mel.size(2), ready = isLast ? count : max(spoken, count - PitchPredictor.depth)
        var samples: [Float] = []
        if ready > spoken {
            // F0 of a frame depends on a few beside it.
            let pitch = try vocoder.pitchPredictor(mel).narrow(axis: 1, from: spoken, count: ready - spoken)
            let excitation = try source(pitch)
            try pause()
            samples = try network(mel.narrow(axis: 2, from: spoken, count: ready - spoken), source: excitation, isLast: isLast, pause: pause)
        }
        let gone = max(0, ready - PitchPredictor.depth)
        self.mel = try mel.narrow(axis: 2, from: gone, count: count - gone).contiguous()
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

/// The network of a ``Vocoder`` at work on frames and source that come some at a time.
enum VocoderPieces {
    case packed(PackedVocoderStream, piece: Int)
    case overlapping(OverlappingVocoder)

    /// The samples that are certain by now and have not come out yet.
    ///
    /// - Parameters:
    ///   - frames: `[1, bins, frames]`, following those of the last call.
    ///   - source: their excitation, `[1, 1, samples]`.
    mutating func callAsFunction(_ frames: Tensor, source: Tensor, isLast: Bool, pause: () throws -> Void) throws -> [Float] {
        switch self {
        case .packed(var stream, let piece):
            let count = frames.size(2), perFrame = source.size(2) / count
            var samples: [Float] = []
            for start in stride(from: 0, to: count, by: piece) {
                let length = min(piece, count - start)
                samples += try stream(
                    frames.narrow(axis: 2, from: start, count: length).to(.float32),
                    source: source.narrow(axis: 2, from: start * perFrame, count: length * perFrame), isLast: isLast && start + length == count,
                    pause: pause
                ).array(of: Float.self)
            }
            self = .packed(stream, piece: piece)
            return samples
        case .overlapping(var vocoder):
            defer { self = .overlapping(vocoder) }
            return try vocoder(frames, source: source, isLast: isLast, pause: pause)
        }
    }
}

/// A vocoder that speaks each piece together with as many frames on either side as its convolutions see, and lets those go.
struct OverlappingVocoder {
    private let vocoder: Vocoder
    private var mel, source: Tensor?
    private var spoken = 0

    init(_ vocoder: Vocoder) { self.vocoder = vocoder }

    mutating func callAsFunction(_ frames: Tensor, source new: Tensor, isLast: Bool, pause: () throws -> Void) throws -> [Float] {
        let perFrame = vocoder.configuration.samplesPerFrame
        let mel = try self.mel.map { try Tensor.cat([$0, frames], axis: 2) } ?? frames
        let source = try self.source.map { try Tensor.cat([$0, new], axis: 2) } ?? new
        let count = mel.size(2), ready = isLast ? count : max(spoken, count - VocoderStream.reach)
        var samples: [Float] = []
        if ready > spoken {
            samples = try vocoder.decode(mel, source: source, pause: pause)
                .narrow(axis: 1, from: spoken * perFrame, count: (ready - spoken) * perFrame).contiguous().array(of: Float.self)
        }
        let gone = max(0, ready - VocoderStream.reach)
        self.mel = try mel.narrow(axis: 2, from: gone, count: count - gone).contiguous()
        self.source = try source.narrow(axis: 2, from: gone * perFrame, count: source.size(2) - gone * perFrame).contiguous()
        spoken = ready - gone
        return samples
    }
}

/// Speaks a mel that comes piece by piece, and gives what one call over all of it would give with the same source.
///
/// Each piece is decoded together with as many frames on either side as the network's convolutions see. The harmonics
/// start anew with each piece, which is why pieces begin where speech has no voice; the mel decides where that is.
struct VocoderStream {
    /// Frames on either side that a waveform's sample depends on.
    static let reach = 24
    /// Frames that a piece has about: eight seconds.
    static let piece = 400
    /// Frames within which a piece looks for a place to end.
    static let search = 100

    private let vocoder: Vocoder
    private let makeSource: (Tensor) throws -> Tensor
    /// The frames that are still needed, `[1, bins, frames]`, and how many of them are spoken.
    private var mel: Tensor?
    private var spoken = 0
    /// The source of those frames so far, `[1, 1, samples]`.
    private var source: Tensor?

    init(_ vocoder: Vocoder, generator: Generator) {
        self.init(vocoder) { try vocoder.source(pitch: $0, generator: generator) }
    }

    /// - Parameter source: the excitation `[1, 1, samples]` for F0 `[1, frames]`.
    init(_ vocoder: Vocoder, source makeSource: @escaping (Tensor) throws -> Tensor) {
        self.vocoder = vocoder
        self.makeSource = makeSource
    }

    /// The waveforms `[1, samples]` that are certain by now, in order.
    ///
    /// - Parameters:
    ///   - frames: `[1, bins, frames]`, following those of the last call.
    ///   - isLast: whether the mel ends with them.
    ///   - pause: called between units of the work; what it throws ends it.
    mutating func speak(_ frames: Tensor, isLast: Bool, pause: () throws -> Void = {}) throws -> [Tensor] {
        let perFrame = vocoder.configuration.samplesPerFrame
        mel = try mel.map { try Tensor.cat([$0, frames], axis: 2) } ?? frames
        var waveforms: [Tensor] = []
        while let mel, let piece = try nextPiece(mel, isLast: isLast) {
            let next = try makeSource(pitch(mel, piece))
            let source = try source.map { try Tensor.cat([$0, next], axis: 2) } ?? next
            let isEnd = isLast && piece.upperBound == mel.size(2)
            let ready = max(spoken, isEnd ? piece.upperBound : piece.upperBound - Self.reach)
            let waveform = try vocoder.decode(mel.narrow(axis: 2, from: 0, count: piece.upperBound), source: source, pause: pause)
            waveforms.append(try waveform.narrow(axis: 1, from: spoken * perFrame, count: (ready - spoken) * perFrame))
            // What is spoken is still heard beside the next piece.
            let gone = max(0, ready - Self.reach)
            self.mel = try mel.narrow(axis: 2, from: gone, count: mel.size(2) - gone).contiguous()
            self.source = try source.narrow(axis: 2, from: gone * perFrame, count: source.size(2) - gone * perFrame).contiguous()
            spoken = ready - gone
        }
        return waveforms
    }

    /// The frames of the next piece; nil where all have a source, or where more must be known to choose its end.
    private func nextPiece(_ mel: Tensor, isLast: Bool) throws -> Range<Int>? {
        let start = (source?.size(2) ?? 0) / vocoder.configuration.samplesPerFrame
        let left = mel.size(2) - start
        if left == 0 { return nil }
        if isLast, left <= Self.piece + Self.search { return start..<mel.size(2) }
        guard isLast || left >= Self.piece + Self.search + PitchPredictor.depth else { return nil }
        return start..<(try pieceEnd(mel, from: start))
    }

    /// F0 of some frames, which depends on a few beside them, `[1, frames]`.
    private func pitch(_ mel: Tensor, _ range: Range<Int>) throws -> Tensor {
        let start = max(0, range.lowerBound - PitchPredictor.depth)
        let end = min(mel.size(2), range.upperBound + PitchPredictor.depth)
        let pitch = try vocoder.pitchPredictor(mel.narrow(axis: 2, from: start, count: end - start))
        return try pitch.narrow(axis: 1, from: range.lowerBound - start, count: range.count)
    }

    /// Where the piece that begins at a frame ends best: between two frames without voice, else in the quietest.
    private func pieceEnd(_ mel: Tensor, from start: Int) throws -> Int {
        let wanted = start + Self.piece
        let choices = wanted - Self.search..<wanted + Self.search
        let pitch = try pitch(mel, choices).array(of: Float.self)
        let threshold = Float(vocoder.configuration.voicedThreshold)
        let voiceless = choices.dropFirst().filter {
            pitch[$0 - choices.lowerBound] <= threshold && pitch[$0 - choices.lowerBound - 1] <= threshold
        }
        if let nearest = voiceless.min(by: { abs($0 - wanted) < abs($1 - wanted) }) { return nearest }
        let level = try mel.narrow(axis: 2, from: choices.lowerBound, count: choices.count).mean(axis: 1).array(of: Float.self)
        return choices.min { level[$0 - choices.lowerBound] < level[$1 - choices.lowerBound] }!
    }
}
