import Foundation
import TestSupport
import Testing
import Torch

@testable import ChatterboxTraining

@Suite("Measured F0") struct PitchTrackerTests {
    private let tracker = PitchTracker()

    /// A tone with overtones that fall off, `[1, samples]`; `frequency` gives hertz for a time in seconds.
    private func tone(seconds: Double, overtones: Int = 8, _ frequency: (Double) -> Double) throws -> Tensor {
        var phase = 0.0
        let samples = (0..<Int(seconds * 24_000)).map { index -> Float in
            phase += 2 * .pi * frequency(Double(index) / 24_000) / 24_000
            var sum = 0.0
            for number in 1...overtones { sum += sin(Double(number) * phase + Double(number * number)) / Double(number) }
            return Float(0.1 * sum)
        }
        return try Tensor(samples, shape: [1, samples.count])
    }

    @Test("a steady tone with overtones is found within half a percent", arguments: [65.0, 110, 163.7, 220, 333, 480])
    func steady(frequency: Double) throws {
        let pitch = try tracker(tone(seconds: 0.6) { _ in frequency }).array(of: Double.self)
        #expect(pitch.count == 30)
        for found in pitch.dropFirst(2).dropLast(2) {
            #expect(abs(found / frequency - 1) < 0.005, "\(found) instead of \(frequency)")
        }
    }

    @Test("the pitch of a tone without its fundamental is found")
    func missingFundamental() throws {
        let samples = (0..<12_000).map { index -> Float in
            let phase = 2 * Double.pi * 150 * Double(index) / 24_000
            var sum = 0.0
            for number in 3...8 { sum += 0.05 * sin(Double(number) * phase) }
            return Float(sum)
        }
        let pitch = try tracker(Tensor(samples, shape: [1, samples.count])).array(of: Double.self)
        for found in pitch.dropFirst(2).dropLast(2) { #expect(abs(found / 150 - 1) < 0.005) }
    }

    @Test("a gliding tone is followed, each frame the middle of its hop")
    func glide() throws {
        let pitch = try tracker(tone(seconds: 1) { 120 + 100 * $0 }).array(of: Double.self)
        for (frame, found) in pitch.enumerated().dropFirst(3).dropLast(3) {
            let expected = 120 + 100 * (Double(frame) + 0.5) / 50
            #expect(abs(found - expected) < 1.5, "frame \(frame): \(found) instead of \(expected)")
        }
    }

    @Test("noise and silence are unvoiced")
    func unvoiced() throws {
        let noise = try Tensor.randn([1, 24_000], generator: Generator(seed: 1)) * 0.05
        #expect(try tracker(noise).greater(than: 0).to(.float32).mean().item(Double.self) < 0.1)
        #expect(try tracker(Tensor.zeros([1, 24_000])).max().item(Double.self) == 0)
    }

    @Test("voice between silences is found at its place, and a batch equals its parts")
    func parts() throws {
        let silence = try Tensor.zeros([1, 9600])
        let one = try Tensor.cat([silence, tone(seconds: 0.4) { _ in 200 }, silence], axis: 1)
        let other = try tone(seconds: 1.2) { _ in 100 }
        let pitch = try tracker(one)
        let voiced = try pitch.greater(than: 0).array(of: Int.self)
        #expect(voiced[..<19].reduce(0, +) == 0)
        #expect(voiced[22..<38].reduce(0, +) == 16)
        #expect(voiced[42...].reduce(0, +) == 0)
        let both = try tracker(Tensor.cat([one, other]))
        try expectClose(both, Tensor.cat([pitch, tracker(other)]), relative: 1e-5)
    }
}
