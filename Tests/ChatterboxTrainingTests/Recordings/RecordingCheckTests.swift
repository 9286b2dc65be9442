import Chatterbox
import Foundation
import SpeechAudio
import TestSupport
import Testing

@testable import ChatterboxTraining

@Suite("Checks of recordings", .standInModel) struct RecordingCheckTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func write(_ name: String, seconds: Double = 1, pitch: Double = 120, gain: Float = 1) throws {
        let tone = StandInModel.buzz(seconds: seconds, pitch: pitch)
        let audio = Audio(samples: tone.samples.map { $0 * gain }, sampleRate: tone.sampleRate)
        try AudioFile.write(audio, to: folder.url.appending(path: name))
    }

    private func check(_ lines: String) throws -> RecordingCheck.Result {
        try Data("audio,text\n\(lines)".utf8).write(to: folder.url.appending(path: "metadata.csv"))
        return try RecordingCheck(Model.load(StandInModel.folder))(RecordingList(folder.url))
    }

    @Test("recording and text of each line are checked, and refused lines are reported with the reason") func refusals() throws {
        try write("good.wav")
        try write("copy.wav")
        try write("short.wav", seconds: 0.2)
        try write("long.wav", seconds: 25)
        try write("silent.wav", gain: 0)
        try write("other.wav", pitch: 150)
        try Data("no sound".utf8).write(to: folder.url.appending(path: "damaged.wav"))
        let result = try check(
            """
            good.wav,Good morning.
            copy.wav,Good evening.
            short.wav,Yes.
            long.wav,A long one.
            silent.wav,Nothing.
            missing.wav,Gone.
            damaged.wav,Broken.
            other.wav,
            other.wav,\(String(repeating: "word ", count: 30))
            other.wav,Я
            other.wav,A
            """)
        #expect(result.accepted.map(\.entry.text) == ["Good morning."])
        #expect(result.accepted.first?.textTokens.first == 255 && result.accepted.first?.textTokens.last == 0)
        let expected = [
            "line 3: it is the same recording as metadata.csv, line 2", "line 4: it is 0.20 s long", "line 5: it is 25.00 s long",
            "line 6: it contains no speech", "line 7: \(folder.url.path)/missing.wav: no such file", "line 8: \(folder.url.path)/damaged.wav",
            "line 9: its text is empty", "line 10: its text has 149 characters for each second of speech", "line 11: its text",
            "line 12: its text has 1.0 characters for each second",
        ]
        #expect(result.refusals.count == expected.count)
        for (refusal, expected) in zip(result.refusals, expected) {
            #expect(refusal.description.hasPrefix("metadata.csv, \(expected)"), "\(refusal)")
        }
    }

    @Test("the split depends only on the texts: it is the same in any order, keeps equal texts together, and changes little with more") func split()
        throws
    {
        for number in 0..<24 { try write("\(number).wav", seconds: 0.5, pitch: 100 + Double(number)) }
        let words = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
        let lines = (0..<24).map { "\($0).wav,Number \(words[$0 % 12])." }
        func split(_ lines: some Collection<String>) throws -> RecordingSplit {
            try RecordingSplit(check(lines.joined(separator: "\n")), of: folder.url)
        }
        let first = try split(lines), again = try split(lines.reversed())
        #expect(first.validation.count == 2 && first.training.count == 22)
        #expect(Set(first.validation.map(\.digest)) == Set(again.validation.map(\.digest)))
        #expect(Set(first.validation.map(\.entry.text)).isDisjoint(with: first.training.map(\.entry.text)))
        #expect(throws: RecordingListError.tooFew(folder.url, accepted: 7, refused: 0, needed: 8)) { try split(lines.prefix(7)) }
    }
}
