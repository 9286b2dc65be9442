import Chatterbox
import Testing

@testable import ChatterboxEvaluation

@Suite("Measuring load") struct SpeechLoadTests {
    private func requests(_ count: Int) -> [LoadRequest] { (0..<count).map { LoadRequest("\($0)", seed: UInt64($0)) } }

    private func run(
        _ requests: [LoadRequest], _ pattern: LoadPattern, _ speaker: FakeSpeaker, _ time: VirtualTime
    ) async throws -> [SpokenRequest] {
        try await time.run { try await SpeechLoad(speaker, clock: time).run(requests, pattern) }
    }

    @Test("one listener requests one text after the other") func serial() async throws {
        let time = VirtualTime(), speaker = FakeSpeaker(time, own: 1, work: [0.5, 0.5])
        let spoken = try await run(requests(3), .closed(listeners: 1), speaker, time)
        #expect(spoken.map(\.start) == [0, 2, 4] && spoken.map(\.end) == [2, 4, 6])
        #expect(spoken.map(\.firstAudioSeconds) == [1.5, 1.5, 1.5])
        #expect(spoken.allSatisfy { $0.realTimeFactor == 1 && $0.listener.audioSeconds == 2 })
        #expect(speaker.mostOpen == 1 && speaker.texts == ["0", "1", "2"])
        let figures = LoadFigures(spoken)
        #expect(figures.audioPerSecond == 1 && figures.openRequests == 1 && figures.wallSeconds == 6)
    }

    @Test("there are as many open requests as listeners, until no texts are left") func closed() async throws {
        let time = VirtualTime(), speaker = FakeSpeaker(time, own: 1, work: [1])
        let spoken = try await run(requests(7), .closed(listeners: 3), speaker, time)
        #expect(speaker.mostOpen == 3 && Set(speaker.texts).count == 7)
        // The seven share the exclusive second, and the first waits for its own seconds.
        #expect(LoadFigures(spoken).wallSeconds == 8)
        #expect(spoken.map(\.end).sorted() == [2, 3, 4, 5, 6, 7, 8])
        #expect(LoadFigures(spoken).openRequests > 2)
    }

    @Test("in an open loop a request's time counts from its arrival, however large the backlog is") func open() async throws {
        let time = VirtualTime(), speaker = FakeSpeaker(time, work: [2])
        let spoken = try await run(requests(20), .open(rate: 4, seed: 3), speaker, time)
        let arrivals = Array(PoissonArrivals(rate: 4, seed: 3).prefix(20))
        #expect(spoken.map(\.start) == arrivals)
        // Arrivals come faster than they are served, so the last waits for all of them.
        let last = arrivals[0] + 40
        #expect(abs(spoken[19].end - last) < 1e-9 && abs(spoken[19].firstAudioSeconds! - (last - arrivals[19])) < 1e-9)
        #expect(speaker.mostOpen > 10)
    }

    @Test("a refused request is repeated when allowed, counted, and its time continues") func refusals() async throws {
        let time = VirtualTime(), speaker = FakeSpeaker(time, work: [1], refused: 3, pause: 2)
        let spoken = try await run(requests(2), .closed(listeners: 1), speaker, time)
        #expect(spoken.map(\.refusals) == [3, 0] && spoken.map(\.firstAudioSeconds) == [7, 1] && LoadFigures(spoken).refusals == 3)
    }

    @Test("requests are not repeated forever, and do not wait for an hour") func endlessRefusals() async throws {
        let time = VirtualTime(), speaker = FakeSpeaker(time, work: [1], refused: .max, pause: 3600)
        await #expect(throws: FakeSpeaker.Failure.self) { try await run(requests(1), .closed(listeners: 1), speaker, time) }
        #expect(speaker.texts.count == 30 && time.now.sinceStart == .seconds(290))
    }

    @Test("an error ends the measurement") func failure() async throws {
        let time = VirtualTime(), speaker = FakeSpeaker(time, work: [1])
        await #expect(throws: FakeSpeaker.Failure.self) {
            try await run(requests(2) + [LoadRequest("fail", seed: 0)], .closed(listeners: 2), speaker, time)
        }
    }

    @Test("arrivals are a Poisson process with the requested rate, the same for the same seed") func arrivals() {
        let times = Array(PoissonArrivals(rate: 5, seed: 1).prefix(20_000))
        #expect(times == Array(PoissonArrivals(rate: 5, seed: 1).prefix(20_000)))
        #expect(times != Array(PoissonArrivals(rate: 5, seed: 2).prefix(20_000)))
        let gaps = zip(times.dropFirst(), times).map { $0 - $1 }, mean = gaps.reduce(0, +) / Double(gaps.count)
        let variance = gaps.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(gaps.count)
        // For 20,000 gaps the mean's standard deviation is 0.7 % and the variance's 2 %; five times that is allowed.
        #expect(abs(mean * 5 - 1) < 0.035 && abs(variance * 25 - 1) < 0.1)
        #expect(gaps.allSatisfy { $0 > 0 })
    }
}

@Suite("Listening") struct ListenerTests {
    @Test("a listener who plays at once runs out of sound if more arrives after everything has been played") func underruns() {
        var listener = Listener()
        listener.hear(HeardSound(seconds: 1), at: 3)
        listener.hear(HeardSound(seconds: 1), at: 4)
        listener.hear(HeardSound(seconds: 0.5), at: 5.25)
        listener.hear(HeardSound(seconds: 0.5), at: 5.5)
        listener.hear(HeardSound(seconds: 1), at: 8.25)
        #expect(listener.firstAudio == 3 && listener.audioSeconds == 4)
        // Everything had been played at 5 and, with a delay of a quarter of a second, at 6.25.
        #expect(listener.underruns == 2 && listener.drySeconds == 0.25 + 2)
    }

    @Test("inaudible sound does not count as the first sound, and is not waited for before it") func silence() {
        var listener = Listener()
        listener.hear(HeardSound(seconds: 1, silence: 1), at: 1)
        #expect(listener.firstAudio == nil)
        listener.hear(HeardSound(seconds: 1, silence: 0.75), at: 5)
        #expect(listener.firstAudio == 5 && listener.underruns == 0)
        // Silence after the first sound is played like other sound.
        listener.hear(HeardSound(seconds: 1, silence: 1), at: 5.25)
        listener.hear(HeardSound(seconds: 1), at: 6.25)
        #expect(listener.underruns == 0)
        listener.hear(HeardSound(seconds: 1), at: 7.5)
        #expect(listener.underruns == 1 && listener.drySeconds == 0.25 && listener.audioSeconds == 5)
    }

    @Test("sound counts as audible above −60 dB") func threshold() {
        let sound = HeardSound(.init(samples: [0, 0.0009, -0.0009, -0.0011, 0, 1], sampleRate: 2))
        #expect(sound == HeardSound(seconds: 3, silence: 1.5))
        #expect(HeardSound(.init(samples: [0, 0.0009], sampleRate: 2)) == HeardSound(seconds: 1, silence: 1))
    }
}

@Suite("Figures of load") struct LoadFiguresTests {
    @Test("percentiles are by rank") func percentiles() {
        let values = Percentiles((1...20).map(Double.init).shuffled())
        #expect(values[50] == 10 && values[95] == 19 && values[96] == 20 && values[100] == 20 && values[0] == 1)
        #expect(Percentiles([7])[95] == 7 && Percentiles([])[50] == nil)
    }

    @Test("inaudible sound has no first sound") func silent() {
        var quiet = Listener(), heard = Listener()
        quiet.hear(HeardSound(seconds: 2, silence: 2), at: 1)
        heard.hear(HeardSound(seconds: 2), at: 3)
        let silent = LoadFigures([SpokenRequest(start: 0, end: 1, listener: quiet)])
        #expect(silent.firstAudioMedian == nil && silent.firstAudio95 == nil && silent.audioPerSecond == 2)
        let both = LoadFigures([SpokenRequest(start: 0, end: 1, listener: quiet), SpokenRequest(start: 1, end: 3, listener: heard)])
        #expect(both.firstAudioMedian == 2 && both.realTimeFactorLeast == 1 && both.realTimeFactorMedian == 1)
        #expect(both.openRequests == 1 && both.audioSeconds == 4)
    }

    @Test("the limit is Amdahl's: the shared part once for all, the rest for each") func limit() {
        let work = ShareableWork(serialSeconds: 10, shareableSeconds: 6)
        #expect(work.limit(requests: 1) == 1 && work.limit(requests: 0) == 1)
        #expect(work.limit(requests: 2) == 10.0 / 7 && work.limit(requests: 6) == 2)
        #expect(ShareableWork(serialSeconds: 10, shareableSeconds: 0).limit(requests: 8) == 1)
    }

    @Test("in decoding, reading weights is shared; keys and values are not") func shareable() throws {
        let t3 = ModelConfiguration.turbo.t3
        var report = SpeechReport()
        (report.textTokens, report.speechTokens) = (20, 250)
        report.stages.decode = 4
        report.stages.flow = 2
        let spoken = SpokenRequest(start: 0, end: 7, listener: Listener(), report: report)
        func share(_ quantization: Quantization, prompt: Int) throws -> Double {
            let work = try #require(ShareableWork([spoken], of: t3, prompt: prompt, isGuided: false, quantization: quantization))
            #expect(work.serialSeconds == 7)
            return work.shareableSeconds / 4
        }
        // Each of about 320 positions has 49 KB of keys and values in 8 bits, and 3 of scales; in 32 bits 197 KB.
        #expect(try abs(share(.int8, prompt: 175) - 309.0 / (309 + 16.7)) < 0.01)
        #expect(try share(.int8, prompt: 375) < share(.int8, prompt: 175))
        #expect(try abs(share(.none, prompt: 175) - 1209.0 / (1209 + 63)) < 0.01)
        #expect(
            ShareableWork([SpokenRequest(start: 0, end: 7, listener: Listener())], of: t3, prompt: 1, isGuided: false, quantization: .none) == nil)
    }
}
