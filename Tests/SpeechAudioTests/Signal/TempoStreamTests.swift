import Foundation
import SpeechAudio
import TestSupport
import Testing

@Suite("Changing speed without changing pitch")
struct TempoStreamTests {
    /// Three seconds of a voice's overtones.
    let voice = Audio(samples: (0..<72_000).map(overtones), sampleRate: 24_000)

    private static func overtones(at sample: Int) -> Float {
        let phase = 2 * Float.pi * 120 * Float(sample) / 24_000
        return (1...5).reduce(Float(0)) { sum, overtone in sum + 0.2 / Float(overtone) * sin(phase * Float(overtone)) }
    }

    private func changed(_ sound: Audio, speed: Double) throws -> Audio {
        let stream = try TempoStream(speed: speed, sampleRate: sound.sampleRate)
        return Audio(samples: try stream.process(sound.samples) + stream.finish(), sampleRate: sound.sampleRate)
    }

    @Test("the duration follows from the speed; pitch and level do not change", arguments: [0.25, 0.5, 0.8, 1.1, 1.5, 2, 3, 4])
    func speeds(speed: Double) throws {
        let sound = try changed(voice, speed: speed)
        #expect(sound.frames == Int((72_000 / speed).rounded()))
        #expect(abs(sound.pitch - voice.pitch) < 3, "\(sound.pitch), \(voice.pitch)")
        #expect(abs(sound.level - voice.level) < 1)
    }

    @Test("results do not depend on how the sound is divided", arguments: [0.4, 0.9, 1.3, 2.5]) func pieces(speed: Double) throws {
        let stream = try TempoStream(speed: speed, sampleRate: 24_000)
        let joined = try voice.inPieces().flatMap { try stream.process($0.samples) } + stream.finish()
        #expect(try joined == changed(voice, speed: speed).samples)
    }

    @Test("at most 0.05 s is held back", arguments: [0.5, 1.5, 3]) func waiting(speed: Double) throws {
        let stream = try TempoStream(speed: speed, sampleRate: 24_000)
        var given = 0
        for (number, start) in stride(from: 0, to: 72_000, by: 1200).enumerated() {
            given += try stream.process(Array(voice.samples[start..<start + 1200])).count
            #expect(Double(given) * speed >= Double((number + 1) * 1200) - 0.05 * 24_000, "\(number)")
        }
    }

    @Test("samples beyond full scale are clipped, not wrapped") func clipping() throws {
        let loud = try changed(Audio(samples: voice.samples.map { $0 * 10 }, sampleRate: 24_000), speed: 1.5)
        let jumps = zip(loud.samples, loud.samples.dropFirst()).map { abs($0 - $1) }.max()!
        #expect(jumps < 1.5)
    }

    @Test("very short and empty sounds work", arguments: [0, 1, 100]) func short(frames: Int) throws {
        #expect(
            try changed(Audio(samples: Array(voice.samples.prefix(frames)), sampleRate: 24_000), speed: 2).frames
                == Int((Double(frames) / 2).rounded()))
    }
}
