import Kernels
import SpeechAudio
import TestSupport
import Testing
import Torch

@testable import Chatterbox

/// The packed implementation against the exact one, which equals upstream.
@Suite("Watermark with packed weights") struct PackedWatermarkTests {
    let exact, packed: Watermarker
    let recording: Audio

    init() throws {
        let tests = try WatermarkerTests()
        (exact, recording) = (tests.watermarker, tests.recording)
        packed = try exact.packed(team: ThreadTeam(threads: 2))
    }

    /// With the released network's window; with a shorter one resampling rings where a sound begins.
    @Test("it adds the same as the exact path, within 1e-6 of full scale", arguments: [16_000, 24_000, 48_000])
    func mark(rate: Int) throws {
        let configuration = WatermarkConfiguration(hiddenSize: 32)
        let exact = try quiet(configuration)
        let packed = try exact.packed(team: ThreadTeam(threads: 2))
        // A sound that begins and ends like speech, between silences.
        let silence = [Float](repeating: 0, count: rate / 5), count = recording.frames
        let faded = recording.samples.enumerated().map { $1 * min(1, Float(min($0, count - 1 - $0)) / 2400) }
        let sound = Audio(samples: silence + faded + silence, sampleRate: rate)
        // The exact path marks the sound after resampling to the networks' rate and back.
        let input = try sound.resampled(to: configuration.sampleRate).resampled(to: rate).prefix(frames: sound.frames)
        let expected = try exact.markedAtOnce(sound).tensor() - input.tensor()
        let added = try packed.markedAtOnce(sound).tensor() - sound.tensor()
        let mark = try expected.abs().max().item(Float.self)
        #expect(mark > 3e-3 && mark < 0.3)
        let error = try (added - expected).abs().max().item(Float.self)
        #expect(error < 1e-6)
    }

    /// Networks with random weights that change levels by a few decibels, like the released one.
    private func quiet(_ configuration: WatermarkConfiguration) throws -> Watermarker {
        let weights = Weights(initialising: try Generator(seed: 2))
        _ = try Watermarker(weights, configuration)
        var parameters = weights.parameters
        for name in ["weight", "bias"].map({ "encoder.layers.6.conv." + $0 }) { parameters[name] = try parameters[name]! * 0.05 }
        return try Watermarker(Weights(tensors: parameters, named: "quiet"), configuration)
    }

    @Test("its watermark is detected with the same confidence") func detection() throws {
        let expected = try exact.confidence(in: exact.marked(recording))
        #expect(abs(try exact.confidence(in: packed.marked(recording)) - expected) < 1e-3)
    }

    @Test("at a sample rate without a whole number of samples per window the exact path is used", arguments: [22_050, 44_100])
    func otherRates(rate: Int) throws {
        let sound = Audio(samples: recording.samples, sampleRate: rate)
        #expect(try packed.marked(sound) == exact.marked(sound))
    }

    @Test("speech marked in pieces equals speech marked as a whole, with any number of threads") func stream() throws {
        let long = Audio(samples: (0..<36).flatMap { _ in recording.samples }, sampleRate: 24_000)
        #expect(long.duration > Double(2 * packed.longestStretch))
        let marked = try packed.marked(long)
        try expectClose(marked.tensor(), packed.markedAtOnce(long).tensor(), relative: 1e-5)
        #expect(try exact.packed(team: ThreadTeam(threads: 1)).marked(long) == marked)
    }
}
