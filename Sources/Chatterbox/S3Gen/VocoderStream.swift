import Torch

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
