import SpeechText
import TestSupport
import Testing

@testable import Chatterbox

@Suite("Finding words from attention")
struct WordAlignmentTests {
    /// Attention of some heads that follows the given spans of frames, one for each token, plus noise.
    private func attention(
        _ spans: [Range<Int>], frames: Int, heads: Int = 3, noise: Float = 0, resting token: Int? = nil, _ random: inout SeededRandom
    ) -> [ArraySlice<Float>] {
        (0..<frames).map { frame in
            var weights: [Float] = []
            for _ in 0..<heads {
                for (index, span) in spans.enumerated() {
                    let chance = noise > 0 ? Float.random(in: 0...noise, using: &random) : 0
                    weights.append((span.contains(frame) ? 0.5 : 0) + (index == token ? 0.4 : 0) + chance)
                }
            }
            return weights[...]
        }
    }

    @Test("known spans are found, despite noise and a head that attends to the start", arguments: [0, 0.1, 0.2] as [Float])
    func spans(noise: Float) {
        search(rounds: 20) { random in
            // Start, then words of one to four tokens with spaces between them, then a full stop and the end.
            var owners: [Int?] = [nil], spans: [Range<Int>] = [0..<2], frame = 2, expected: [Range<Double>] = []
            for word in 0..<12 {
                let begin = frame
                for _ in 0..<1 + random.below(4) {
                    owners.append(word)
                    let length = 3 + random.below(5)
                    spans.append(frame..<frame + length)
                    frame += length
                }
                expected.append(Double(begin)..<Double(frame))
                owners.append(nil)
                let pause = word % 4 == 3 ? 8 : 0
                spans.append(frame..<frame + pause)
                frame += pause
            }
            owners += [nil]
            spans += [frame..<frame]
            let attention = attention(spans, frames: frame, noise: noise, resting: 0, &random)
            let found = WordAlignment(owners: owners, wordCount: 12).frames(attention)
            for (found, expected) in zip(found, expected) {
                guard abs(found.lowerBound - expected.lowerBound) <= 1, abs(found.upperBound - expected.upperBound) <= 1 else {
                    throw PoorMessage(description: "\(found) instead of \(expected)")
                }
            }
        }
    }

    @Test("a short gap belongs to the word before it, a longer one is a pause")
    func gaps() {
        var random = SeededRandom(seed: 1)
        let owners: [Int?] = [0, nil, 1, nil, 2]
        let spans = [0..<10, 10..<13, 13..<20, 20..<30, 30..<40]
        let found = WordAlignment(owners: owners, wordCount: 3).frames(attention(spans, frames: 40, &random))
        #expect(found == [0..<13, 13..<20, 30..<40])
    }

    @Test("if there are fewer frames than words, they are divided evenly")
    func few() {
        let found = WordAlignment(owners: [0, nil, 1, nil, 2, nil, 3], wordCount: 4).frames([[1, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 1]])
        #expect(found == [0..<0.5, 0.5..<1, 1..<1.5, 1.5..<2])
        #expect(WordAlignment(owners: [nil], wordCount: 0).frames([]).isEmpty)
        #expect(WordAlignment(owners: [nil, 0], wordCount: 1).frames([]) == [0..<0])
    }

    @Test("words without tokens share their neighbour's time")
    func withoutTokens() {
        var random = SeededRandom(seed: 1)
        let found = WordAlignment(owners: [1, 4], wordCount: 5).frames(attention([0..<8, 8..<12], frames: 12, &random))
        #expect(found == [0..<8 / 4.0, 2..<4, 4..<6, 6..<8, 8..<12])
    }

    @Test("a path goes only forward, through every state that needs a frame, and is the best such path")
    func path() {
        search(rounds: 60) { random in
            let states = 1 + random.below(5), frames = 1 + random.below(6)
            let mayBeSkipped = (0..<states).map { $0 % 2 == 1 }
            let scores = (0..<frames).map { _ in (0..<states).map { _ in Double.random(in: -3...0, using: &random) } }
            func sum(_ path: [Int]) -> Double { path.enumerated().reduce(0) { $0 + scores[$1.offset][$1.element] } }
            /// Every path, one by one.
            func all(_ path: [Int]) -> [[Int]] {
                guard path.count < frames else {
                    return (path.last! + 1..<states).allSatisfy { mayBeSkipped[$0] } ? [path] : []
                }
                let from = path.last ?? -1
                return (max(0, from)..<states).filter { next in
                    next <= from + 1 || (from + 1..<next).allSatisfy { mayBeSkipped[$0] }
                }.flatMap { all(path + [$0]) }
            }
            let found = MonotonicPath.states(scores, mayBeSkipped: mayBeSkipped)
            let best = all([]).map(sum).max()
            guard found.map(sum).map({ abs($0 - best!) < 1e-9 }) ?? (best == nil) else {
                throw PoorMessage(description: "\(found as Any), best \(best as Any)")
            }
        }
    }
}

@Suite("Assigning tokens to words")
struct TokenWordsTests {
    private func words(_ text: String, _ pieces: [String]) -> [String] {
        let found = TokenWords(text, pieces: pieces)
        return found.words.indices.map { word in
            found.words[word] + "=" + zip(pieces, found.owners).filter { $0.1 == word }.map(\.0).joined(separator: "|")
        }
    }

    @Test(
        "words are those of the text, with their punctuation",
        arguments: [
            ("\"Stop!\" she cried –  and\nwaited…", ["\"Stop!\"", "she", "cried –", "and", "waited…"]),
            ("– Well-known, isn't it?", ["– Well-known,", "isn't", "it?"]),
            ("東京は「晴れ」です。Hello!", ["東", "京", "は", "「晴", "れ」", "で", "す。", "Hello!"]),
            ("안녕하세요 여러분", ["안녕하세요", "여러분"]),
            ("I have 3.5 € left", ["I", "have", "3.5", "€", "left"]),
            ("…!", []),
        ])
    func splitting(text: String, words: [String]) {
        #expect(WordSplitter.words(text).map(\.text) == words)
    }

    @Test("tokens are assigned to words by counting letters, whatever changed in between") func letters() {
        #expect(
            words(
                "the ship – was late",
                ["[START]", "T", "he", "[SPACE]", "sh", "ip", ",", "[SPACE]", "[SPACE]", "was", "[SPACE]", "la", "te", ".", "[STOP]"])
                == ["the=T|he", "ship –=sh|ip", "was=was", "late=la|te"])
        #expect(words("Isn't it", ["[START]", "I", "sn", "'", "t", "[SPACE]", "it", ".", "[STOP]"]) == ["Isn't=I|sn|'|t", "it=it"])
        #expect(words("Wait...what", ["W", "ait", ",", "[SPACE]", "what", "."]) == ["Wait...what=W|ait|what"])
        #expect(
            words("naïve 🙂 is", ["[en]", "na", "[UNK]", "ve", "[SPACE]", "[UNK]", "[SPACE]", "is"]) == ["naïve=na|[UNK]|ve", "🙂=[UNK]", "is=is"])
    }

    @Test("Chinese characters have their keys, kanji approximately their kana") func wide() {
        let chinese = ["[zh]", "[cj_o]", "[cj_n]", "[cj_.]", "[SPACE]", "[cj_a]", "[cj_.]", "，", "[cj_h]", "[cj_q]", "[cj_.]"]
        #expect(words("你好，我", chinese) == ["你=[cj_o]|[cj_n]|[cj_.]", "好，=[cj_a]|[cj_.]", "我=[cj_h]|[cj_q]|[cj_.]"])
        #expect(words("今日は", ["[ja]", "き", "ょ", "う", "は"]) == ["今=き|ょ", "日=う", "は=は"])
    }

    @Test("the tokenizers' tokens spell the letters that are counted") func tokenizers() throws {
        let english = try EnglishTokenizer(fixturesFolder.appending(path: "tokenizer.json"))
        let text = "Well, she said: it's \"late\" – isn't it?"
        let tokens = english.encode(TextNormalizer.english(text))
        let owners = TokenWords(text, pieces: tokens.map { english.piece(of: $0) ?? "" }).owners
        let heard = Dictionary(grouping: zip(tokens, owners).filter { $0.1 != nil }, by: { $0.1! }).mapValues { english.decode($0.map(\.0)) }
        #expect(heard.sorted { $0.key < $1.key }.map(\.value) == ["Well", "she", "said", "it's", "late", "isn't", "it"])
    }
}
