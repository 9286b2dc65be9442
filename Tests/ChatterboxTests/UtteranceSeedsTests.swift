import Testing

@testable import Chatterbox

@Suite("Seeds of utterances") struct UtteranceSeedsTests {
    private func seeds(_ texts: [String], seed: UInt64 = 7) -> [UInt64] {
        var seeds = UtteranceSeeds(seed)
        return texts.map { seeds.next(for: $0) }
    }

    @Test("the first utterance has the request's seed") func first() {
        #expect(seeds(["One."]) == [7])
        #expect(seeds(["Two."], seed: 8) == [8])
    }

    @Test("later seeds depend on the text and how often it occurred before, not on the position") func later() {
        let all = seeds(["One.", "Two.", "Three.", "Two."])
        let inserted = seeds(["One.", "New.", "Two.", "Three.", "Two."])
        #expect([all[1], all[2], all[3]] == [inserted[2], inserted[3], inserted[4]])
        #expect(Set(all.map { $0 & 0xffff_ffff }).count == 4)
        #expect(seeds(["One.", "Two."], seed: 8)[1] != all[1])
    }
}
