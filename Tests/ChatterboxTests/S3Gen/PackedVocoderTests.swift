import Kernels
import TestSupport
import Testing
import Torch

@testable import Chatterbox

@Suite("Packed vocoder, some frames at a time") struct PackedVocoderStreamTests {
    let exact: VocoderTests
    let mel, source: Tensor

    init() throws {
        exact = try VocoderTests()
        mel = try exact.fixture.input("longMel").narrow(axis: 2, from: 0, count: 110)
        source = try exact.vocoder.source(
            pitch: exact.fixture.output("longPitch").narrow(axis: 1, from: 0, count: 110), generator: Generator(seed: 8))
    }

    private var frames: Int { mel.size(2) }
    private var perFrame: Int { exact.vocoder.configuration.samplesPerFrame }

    /// The output after each piece of a number of frames.
    private func pieces(_ vocoder: PackedVocoder, of count: Int, held: (PackedVocoderStream) -> Void = { _ in }) throws -> [[Float]] {
        let stream = try PackedVocoderStream(vocoder)
        return try stride(from: 0, to: frames, by: count).map { start in
            let count = min(count, frames - start)
            let sound = try stream(
                mel.narrow(axis: 2, from: start, count: count).transposed(1, 2),
                source: source.narrow(axis: 2, from: start * perFrame, count: count * perFrame), isLast: start + count == frames, pause: {})
            held(stream)
            return try sound.array(of: Float.self)
        }
    }

    @Test("in pieces of any size it gives the same samples as at once, bit for bit", arguments: [WeightFormat.float32, .int8], [1, 2])
    func pieces(format: WeightFormat, threads: Int) throws {
        let vocoder = try PackedVocoder(exact.vocoder, format: format, team: ThreadTeam(threads: threads))
        let whole = try pieces(vocoder, of: frames)[0]
        #expect(whole.count == frames * perFrame)
        for size in [3, 24, 61] {
            #expect(try pieces(vocoder, of: size).flatMap(\.self) == whole, "pieces of \(size) frames")
        }
        let expected = try exact.vocoder.decode(mel, source: source)
        try expectClose(Tensor(whole, shape: expected.shape), expected, relative: format == .float32 ? 1e-5 : 0.05)
    }

    /// Convolutions of float32 weights wait until their tiles are full.
    @Test("it delays a few frames, and its memory does not grow with the speech", arguments: [(WeightFormat.float32, 28), (.int8, 18)])
    func bounded(format: WeightFormat, frames held: Int) throws {
        let vocoder = try PackedVocoder(exact.vocoder, format: format, team: ThreadTeam(threads: 1))
        var kept: [Int] = []
        let sounds = try pieces(vocoder, of: 10) { kept.append($0.keptBytes) }
        var given = 0
        for (index, sound) in sounds.enumerated() {
            given += sound.count
            #expect(given >= (min(frames, 10 * (index + 1)) - held) * perFrame)
        }
        let most = try #require(kept.dropFirst(5).dropLast().max()), early = try #require(kept[3..<6].max())
        #expect(Double(most) < 1.1 * Double(early), "\(kept)")
    }

    @Test("the source computed sine by sine is the same, and so is the generator's state", arguments: [480, 3])
    func sources(samplesPerFrame: Int) throws {
        let pitch = try exact.fixture.output("longPitch"), module = exact.vocoder.sourceModule
        let (one, other) = (try Generator(seed: 4), try Generator(seed: 4))
        let expected = try module(pitch.repeatInterleaved(samplesPerFrame, axis: 1).unsqueezed(1), generator: one)
        try expectClose(module.sineBySine(pitch, samplesPerFrame: samplesPerFrame, generator: other), expected, relative: 1e-5)
        try expectClose(Tensor.randn([4], generator: other), Tensor.randn([4], generator: one), relative: 0)
    }
}
