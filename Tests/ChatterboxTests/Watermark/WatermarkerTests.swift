import Foundation
import SpeechAudio
import TestSupport
import Testing
import Torch

@testable import Chatterbox

@Suite("Watermark") struct WatermarkerTests {
    let fixture: Fixture
    let watermarker: Watermarker
    let recording: Audio

    init() throws {
        fixture = try Fixture("watermark")
        watermarker = try Watermarker(fixture.weights, fixture.config(as: WatermarkConfiguration.self))
        recording = Audio(samples: try fixture.input("recording").array(of: Int16.self).map { Float($0) / 32768 }, sampleRate: 24_000)
    }

    // MARK: upstream's numbers

    @Test("the encoder changes a spectrum as upstream's does, and leaves its quiet frames unchanged")
    func encoder() throws {
        let levels = try fixture.input("levels")
        let marked = try WatermarkEncoder(fixture.weights["encoder"], watermarker.configuration)(levels)
        try expectClose(marked, fixture.output("levels"), relative: 1e-5)
        try expectClose(marked[.all, .all, 0..<3], levels[.all, .all, 0..<3], relative: 0)
    }

    @Test("the decoder's result for a spectrum is upstream's") func decoder() throws {
        let levels = try fixture.input("levels"), band = try levels.narrow(axis: 1, from: 0, count: watermarker.configuration.markedBins)
        let verdict = try WatermarkDecoder(fixture.weights["decoder"], watermarker.configuration)(
            band, carriers: WatermarkSpectrum.carriers(levels), window: 10_000)
        #expect(abs(try #require(verdict) - Double(try fixture.output("verdict").item(Float.self))) < 1e-5)
    }

    @Test("marked speech is upstream's marked speech") func marked() throws {
        let marked = try watermarker.marked(recording)
        #expect(marked.sampleRate == 24_000)
        try expectClose(marked.tensor()[0], fixture.output("marked"), relative: 1e-3)
    }

    @Test("upstream's watermark is detected with upstream's confidence at every sample rate", arguments: [16_000, 24_000, 32_000, 44_100])
    func confidence(rate: Int) throws {
        let marked = Audio(samples: try fixture.output("marked").array(of: Float.self), sampleRate: rate)
        let expected = Double(try fixture.output("confidence_\(rate)").item(Float.self))
        #expect(abs(try watermarker.confidence(in: marked) - expected) < 1e-4)
    }

    @Test("detecting some frames at a time gives the same confidence as detecting all at once", arguments: [7, 20, 40, 111])
    func windows(frames: Int) throws {
        let marked = try watermarker.marked(Audio(samples: recording.samples + recording.samples.reversed(), sampleRate: 24_000))
        let expected = try watermarker.confidence(in: marked, window: 1_000_000)
        #expect(abs(try watermarker.confidence(in: marked, window: frames) - expected) < 1e-5)
    }

    @Test("the detector's resampler is scipy's", arguments: [16_000, 24_000, 32_000, 44_100])
    func polyphase(rate: Int) throws {
        let beginning = Audio(samples: Array(recording.samples.prefix(1000)), sampleRate: rate)
        let input = beginning.resampledByPolyphase(to: 32_000)
        #expect(input.sampleRate == 32_000)
        try expectClose(input.tensor()[0], fixture.output("polyphase_\(rate)"), relative: 1e-6)
    }

    // MARK: any length

    @Test("speech marked in pieces equals speech marked as a whole", arguments: [1, 777, 2400, 9600])
    func stream(piece: Int) throws {
        let long = Audio(samples: recording.samples + recording.samples.reversed() + recording.samples, sampleRate: 24_000)
        var stream = WatermarkStream(watermarker, sampleRate: 24_000)
        var samples: [Float] = []
        for start in stride(from: 0, to: long.frames, by: piece == 1 ? long.frames : piece) {
            let end = piece == 1 ? long.frames : min(long.frames, start + piece)
            samples += try stream.mark(Array(long.samples[start..<end]))
        }
        let ending = try stream.finish()
        samples += ending.samples
        #expect(ending.isMarked)
        #expect(samples.count == long.frames)
        try expectClose(Tensor(samples), watermarker.markedAtOnce(long).tensor()[0], relative: 1e-3)
    }

    @Test("sound keeps its length at every sample rate", arguments: [8000, 11_025, 22_050, 24_000, 44_100, 48_000])
    func length(rate: Int) throws {
        for count in [recording.frames, recording.frames - 1, recording.frames - 123] {
            let audio = Audio(samples: Array(recording.samples.prefix(count)), sampleRate: rate)
            #expect(try watermarker.marked(audio).frames == count)
        }
    }

    @Test("digital silence between words is not changed") func silence() throws {
        let pause = [Float](repeating: 0, count: 4800)
        let marked = try watermarker.marked(Audio(samples: recording.samples + pause + recording.samples, sampleRate: 24_000))
        #expect(Array(marked.samples[recording.frames..<recording.frames + 4800]) == pause)
        #expect(marked.samples.prefix(recording.frames) != recording.samples[...])
    }

    @Test("silence gets no watermark") func silenceHasNoMark() throws {
        let silence = Audio(samples: [Float](repeating: 0, count: 24_000), sampleRate: 24_000)
        #expect(try watermarker.confidence(in: silence) == 0)
        #expect(try watermarker.marked(silence) == silence)
    }

    @Test("sound shorter than one window is refused, and a stream passes it on without claiming a watermark") func tooShort() throws {
        let click = recording.prefix(frames: 96)
        #expect(throws: WatermarkError.tooShort(seconds: 0.004, needed: 0.004)) { try watermarker.marked(click) }
        #expect(throws: WatermarkError.self) { try watermarker.confidence(in: click) }
        var stream = WatermarkStream(watermarker, sampleRate: 24_000)
        #expect(try stream.mark(click.samples).isEmpty)
        let ending = try stream.finish()
        #expect(ending.samples == click.samples)
        #expect(!ending.isMarked)
        #expect(try watermarker.marked(recording.prefix(frames: 97)).frames == 97)
    }

    // MARK: weights

    @Test("the wheel's checkpoint is converted to a safetensors file without the trainer's state") func conversion() throws {
        let folder = try TemporaryFolder()
        let file = WatermarkFile.url(inCache: folder.url)
        try WatermarkFile.convert(checkpoint: fixturesFolder.appending(path: "perth.pth.tar"), to: file, watermarker.configuration)
        let converted = try Watermarker.load(file, watermarker.configuration)
        #expect(try converted.marked(recording) == watermarker.marked(recording))
        let expected = try SafetensorsFile(fixture.url).entries.keys.filter { $0.hasPrefix("weights.") }
        #expect(try SafetensorsFile(file).entries.keys.map { "weights." + $0 }.sorted() == expected.sorted())
    }

    @Test("a checkpoint of another network is refused, and nothing is written") func otherCheckpoint() throws {
        let folder = try TemporaryFolder()
        let file = WatermarkFile.url(inCache: folder.url)
        #expect(throws: WeightsError.self) { try WatermarkFile.convert(checkpoint: fixturesFolder.appending(path: "conds.pt"), to: file) }
        #expect(throws: WeightsError.self) { try WatermarkFile.convert(checkpoint: fixturesFolder.appending(path: "perth.pth.tar"), to: file) }
        #expect(!FileManager.default.fileExists(atPath: file.path))
    }

    @Test("impossible sizes are refused with the reason")
    func badConfiguration() {
        for change in [{ $0.transformHop = 200 }, { $0.highestFrequency = 40_000 }, { $0.hiddenSize = 0 }] as [(inout WatermarkConfiguration) -> Void]
        {
            var configuration = watermarker.configuration
            change(&configuration)
            #expect(throws: WatermarkError.self) { try Watermarker(fixture.weights, configuration) }
        }
    }
}
