import Chatterbox
import Testing

@testable import ChatterboxServer

@Suite("Admission of requests, and the estimate of their first sound") struct SpeechAdmissionTests {
    /// A machine that its requests share evenly, and clients that repeat their requests until they are served, on the test's clock.
    private struct Machine {
        struct Listener {
            let characters: Int
            let asked: Double
            /// The seconds alone to the first sound and to the end, and those received so far.
            let first, whole: Double
            var had = 0.0
            var isSpeaking: Bool
            var isHeard = false
            /// When the client gives up.
            let patience: Double
        }

        var admission: SpeechAdmission
        var random: SplitMix64
        /// Seconds alone to the first sound, and for each character.
        var first = 0.12, perCharacter = 0.009
        /// The machine's speed, relative to its initial one.
        var speed = 1.0
        var time = 0.0
        var listeners: [Int: Listener] = [:]
        var coming: [Double]
        var next = 0
        /// The time of each first sound, and the seconds to it.
        var heard: [(time: Double, seconds: Double)] = []
        var refused = 0, idle = 0.0

        init(_ admission: SpeechAdmission, clients: Int, seed: UInt64) {
            (self.admission, random) = (admission, SplitMix64(seed: seed))
            coming = (0..<clients).map { 0.001 * Double($0) }
        }

        mutating func chance() -> Double { Double(random.next() >> 11) / 9_007_199_254_740_992 }
        mutating func chance(_ range: ClosedRange<Double>) -> Double { range.lowerBound + chance() * (range.upperBound - range.lowerBound) }

        /// Advances the clock by this many seconds.
        mutating func run(_ seconds: Double) {
            let end = time + seconds, tick = 0.02
            while time < end {
                for _ in coming.filter({ $0 <= time }) { ask() }
                coming.removeAll { $0 <= time }
                let speaking = listeners.filter(\.value.isSpeaking).map(\.key).sorted()
                if speaking.isEmpty { idle += tick }
                time += tick
                for id in speaking { speak(id, tick * speed / Double(speaking.count)) }
                for (id, listener) in listeners.sorted(by: { $0.key < $1.key }) where time > listener.asked + listener.patience { leave(id) }
            }
        }

        private mutating func ask() {
            next += 1
            let characters = [18, 22, 38, 44, 52, 66][Int(random.next() % 6)], spread = chance(0.7...1.3)
            let answer = admission.enter(next, characters: characters, at: time)
            switch answer {
            case .refuseFull(let expected), .refuseLate(let expected):
                refused += 1
                coming.append(time + max(1, expected - admission.patience).rounded(.up) * chance(0.5...1.5))
            case .speak, .wait:
                // A quarter of the clients disconnect early.
                listeners[next] = Listener(
                    characters: characters, asked: time, first: first * spread, whole: (first + perCharacter * Double(characters)) * spread,
                    isSpeaking: answer == .speak, patience: chance() < 0.25 ? chance(0...2) : .infinity)
                if answer == .speak { admission.begin(next, at: time) }
            }
        }

        private mutating func speak(_ id: Int, _ seconds: Double) {
            listeners[id]!.had += seconds
            let listener = listeners[id]!
            if !listener.isHeard, listener.had >= listener.first {
                listeners[id]!.isHeard = true
                heard.append((time, time - listener.asked))
                admission.sound(id, at: time)
            }
            guard listener.had >= listener.whole else { return }
            admission.end(id, at: time)
            leave(id)
        }

        private mutating func leave(_ id: Int) {
            guard listeners.removeValue(forKey: id) != nil else { return }
            coming.append(time + 0.01)
            guard let next = admission.leave(id, at: time) else { return }
            listeners[next]!.isSpeaking = true
            admission.begin(next, at: time)
        }

        /// The percentile of the seconds to first sound in a time range.
        func firstSound(_ percent: Double, in times: Range<Double>) -> Double {
            let sorted = heard.filter { times.contains($0.time) }.map(\.seconds).sorted()
            return sorted[Int(Double(sorted.count - 1) * percent / 100)]
        }
    }

    @Test(
        "with many clients that repeat refused requests, 95 % of the admitted ones have their first sound in time, and the machine is never idle",
        arguments: [1, 2, 3] as [UInt64])
    func crowd(seed: UInt64) {
        var machine = Machine(SpeechAdmission(places: 8, length: 64, patience: 5), clients: 100, seed: seed)
        machine.run(240)
        #expect(machine.firstSound(95, in: 0..<240) <= 5)
        // This is not achieved by admitting hardly any requests: waiting is allowed.
        #expect(machine.firstSound(50, in: 30..<240) > 2 && machine.refused > 1000 && machine.idle < 1)
    }

    @Test("the same holds if nothing has been measured and all arrive at the same time") func beginning() {
        var machine = Machine(SpeechAdmission(places: 8, length: 64, patience: 5), clients: 100, seed: 4)
        machine.run(20)
        #expect(machine.firstSound(100, in: 0..<20) <= 5)
    }

    @Test("a machine that becomes half as fast, or texts that take twice as long, are detected", arguments: [(0.5, 0.009), (1, 0.02)])
    func change(speed: Double, perCharacter: Double) {
        var machine = Machine(SpeechAdmission(places: 8, length: 64, patience: 5), clients: 100, seed: 5)
        machine.run(120)
        (machine.speed, machine.perCharacter) = (speed, perCharacter)
        machine.run(180)
        #expect(machine.firstSound(95, in: 150..<300) <= 5)
        #expect(machine.idle < 1)
    }

    /// Speaks a text of this length alone.
    private func teach(_ admission: inout SpeechAdmission, characters: Int, first: Double, whole: Double, at time: Double = 0) {
        _ = admission.enter(-1, characters: characters, at: time)
        admission.begin(-1, at: time)
        admission.sound(-1, at: time + first)
        admission.end(-1, at: time + whole)
        _ = admission.leave(-1, at: time + whole)
    }

    @Test("a request behind long texts waits as long as these are spoken") func longTexts() {
        var admission = SpeechAdmission(places: 2, length: 8, patience: 5)
        teach(&admission, characters: 10, first: 0.1, whole: 0.2)
        var long = admission
        for id in 1...2 {
            #expect(admission.enter(id, characters: 10, at: 1) == .speak)
            #expect(long.enter(id, characters: 10_000, at: 1) == .speak)
            admission.begin(id, at: 1)
            long.begin(id, at: 1)
        }
        #expect(admission.enter(3, characters: 10, at: 1) == .wait)
        guard case .refuseLate(let expected) = long.enter(3, characters: 10, at: 1) else { return #expect(Bool(false), "it waits") }
        // 200 s alone for each, and two of them share the machine.
        #expect(expected > 400)
    }

    @Test("the time in which a model is loaded counts for no request") func loading() {
        var admission = SpeechAdmission(places: 2, length: 8, patience: 5)
        #expect(admission.enter(1, characters: 10, at: 0) == .speak)
        admission.begin(1, at: 100)
        admission.sound(1, at: 100.1)
        admission.end(1, at: 100.2)
        _ = admission.leave(1, at: 100.2)
        #expect((2...5).map { admission.enter($0, characters: 10, at: 101) } == [.speak, .speak, .wait, .wait])
    }

    @Test("a client that reads the last sound slowly keeps its place, but no share of the machine") func slowReader() {
        var admission = SpeechAdmission(places: 2, length: 8, patience: 5)
        teach(&admission, characters: 10, first: 1, whole: 2)
        #expect(admission.enter(1, characters: 10, at: 3) == .speak)
        admission.begin(1, at: 3)
        admission.sound(1, at: 4)
        admission.end(1, at: 5)
        #expect(admission.enter(2, characters: 10, at: 10) == .speak)
        admission.begin(2, at: 10)
        admission.sound(2, at: 11)
        admission.end(2, at: 12)
        // If the first had shared the machine with it, the second's work would count for half.
        #expect(abs(admission.forecast.work(of: 10) - 2) < 1e-9)
    }

    @Test("a single request is always admitted; beside others a late one is refused, with the time to repeat") func company() {
        var admission = SpeechAdmission(places: 8, length: 8, patience: 5)
        teach(&admission, characters: 10, first: 60, whole: 100)
        #expect(admission.enter(1, characters: 10, at: 200) == .speak)
        guard case .refuseLate(let expected) = admission.enter(2, characters: 10, at: 200) else { return #expect(Bool(false), "it is let in") }
        #expect(expected >= 120)
    }

    @Test("beyond the queue's length requests are refused, and a cancelled one makes room") func full() {
        var admission = SpeechAdmission(places: 1, length: 1, patience: 5)
        #expect(admission.enter(1, characters: 10, at: 0) == .speak)
        #expect(admission.enter(2, characters: 10, at: 0) == .wait)
        guard case .refuseFull = admission.enter(3, characters: 10, at: 0) else { return #expect(Bool(false), "it waits") }
        #expect(admission.leave(2, at: 1) == nil)
        #expect(admission.enter(4, characters: 10, at: 1) == .wait)
        #expect(admission.leave(1, at: 2) == 4 && admission.leave(4, at: 3) == nil && admission.load == (0, 0))
    }

    @Test("requests that take longer than estimated raise later estimates, until they are forgotten") func misses() {
        var forecast = SpeechForecast()
        for _ in 0..<200 { forecast.compare(1, with: 1) }
        #expect(abs(forecast.bound(3) - 3) < 1e-9)
        for _ in 0..<3 { forecast.compare(1, with: 2.25) }
        #expect(forecast.bound(3) > 5)
        // An early cancellation is no information.
        forecast.compare(1, with: 0.5, hasCome: false)
        #expect(forecast.bound(3) > 5)
        for _ in 0..<200 { forecast.compare(1, with: 1) }
        #expect(abs(forecast.bound(3) - 3) < 1e-9)
    }
}
