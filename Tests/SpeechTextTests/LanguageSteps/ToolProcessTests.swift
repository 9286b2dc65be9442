import Foundation
import Testing

@testable import SpeechText

@Suite("ToolProcess") struct ToolProcessTests {
    /// More than the socket's buffers can hold in either direction.
    private static let much = Data(repeating: UInt8(ascii: "x"), count: 4 << 20)

    @Test("a program that answers before it has read everything can be read and written", .timeLimit(.minutes(2))) func earlyAnswer() throws {
        let program = try ToolProcess(["sh", "-c", "head -c \(Self.much.count) /dev/zero; cat >/dev/null; echo; echo read"])
        let patience = ToolProcess.Patience(seconds: 60)
        try program.send(Self.much, patience: patience)
        program.finishSending()
        #expect(try program.line(patience: patience).count == Self.much.count)
        #expect(try program.line(patience: patience) == Data("read".utf8))
    }

    @Test("a program that returns its input does not cause a deadlock", .timeLimit(.minutes(2))) func echo() throws {
        let program = try ToolProcess(["cat"])
        let patience = ToolProcess.Patience(seconds: 60)
        try program.send(Self.much, patience: patience)
        program.finishSending()
        #expect(try program.rest(patience: patience) == Self.much)
    }

    @Test("a program that never reads is ended", .timeLimit(.minutes(2))) func neverReads() throws {
        let program = try ToolProcess(["sleep", "1000"])
        #expect(throws: LanguageToolError.silent(command: "sleep", seconds: 1)) { try program.send(Self.much, patience: .init(seconds: 1)) }
    }

    @Test("the end of a program is detected while sending to it", .timeLimit(.minutes(2))) func endedWhileSending() throws {
        let program = try ToolProcess(["true"])
        #expect(throws: LanguageToolError.ended(command: "true")) { try program.send(Self.much, patience: .init(seconds: 60)) }
    }

    @Test("a program has its end of the socket only as standard input and output", .timeLimit(.minutes(2))) func descriptors() throws {
        let program = try ToolProcess(["sh", "-c", "for number in /proc/self/fd/*; do readlink $number; done"])
        // A third copy would stay open if the program closed both.
        let places = String(decoding: try program.rest(patience: .init(seconds: 60)), as: UTF8.self).split(separator: "\n")
        let own = try #require(places.first)
        #expect(own.hasPrefix("socket:") && places.count { $0 == own } == 2, "\(places)")
    }
}
