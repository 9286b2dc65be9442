import Foundation
import TestSupport
import Testing

@testable import ChatterboxServer

@Suite("Forms") struct MultipartParserTests {
    private static let type = "multipart/form-data; boundary=\"X Y\""

    private static let form = """
        preamble\r\n--X Y\r
        Content-Disposition: form-data; name="name"\r
        \r
        Ada\r
        --X Y  \r
        content-type: audio/wav\r
        Content-Disposition: form-data; filename="a \\"b\\"; c.wav"; name=audio_sample\r
        \r
        \r
        --X Z\r
        \r\n--X Y\r
        Content-Disposition: form-data; name="empty"\r
        \r
        \r
        --X Y--\r
        epilogue
        """

    private static let expected: [MultipartParser.Event] = [
        .begin(.init(name: "name")), .data(Array("Ada".utf8)), .end,
        .begin(.init(name: "audio_sample", fileName: "a \"b\"; c.wav", contentType: "audio/wav")), .data(Array("\r\n--X Z\r\n".utf8)), .end,
        .begin(.init(name: "empty")), .end,
    ]

    /// Joins consecutive data events.
    private static func joined(_ events: [MultipartParser.Event]) -> [MultipartParser.Event] {
        events.reduce(into: []) { all, event in
            if case .data(let more) = event, case .data(let before)? = all.last {
                all[all.count - 1] = .data(before + more)
            } else {
                all.append(event)
            }
        }
    }

    @Test("parts have their names, files theirs, and data may look like a boundary") func whole() throws {
        var parser = try MultipartParser(contentType: Self.type)
        #expect(try parser.take(Self.form.utf8) == Self.expected)
        #expect(parser.isComplete)
    }

    @Test("results do not depend on how a form is divided") func pieces() {
        let bytes = Array(Self.form.utf8)
        search(rounds: 60) { random in
            var parser = try MultipartParser(contentType: Self.type), events: [MultipartParser.Event] = [], start = 0
            while start < bytes.count {
                let end = min(bytes.count, start + 1 + random.below([1, 4, 40][random.below(3)]))
                events += try parser.take(bytes[start..<end])
                start = end
            }
            guard Self.joined(events) == Self.expected, parser.isComplete else { throw PoorMessage(description: "\(events)") }
        }
    }

    @Test("data is passed on at once, except what may be a boundary") func bounded() throws {
        var parser = try MultipartParser(contentType: Self.type)
        _ = try parser.take("--X Y\r\nContent-Disposition: form-data; name=a\r\n\r\n".utf8)
        let events = try parser.take([UInt8](repeating: 65, count: 100_000))
        guard case .data(let data)? = events.first else { return #expect(Bool(false), "\(events)") }
        #expect(data.count > 100_000 - 10)
    }

    @Test(
        "a body that is not a form is refused",
        arguments: [
            ("application/json", MultipartError.otherType("application/json")), ("multipart/form-data", .noBoundary),
            ("multipart/form-data; boundary=\(String(repeating: "a", count: 71))", .noBoundary),
        ]) func types(type: String, error: MultipartError)
    {
        #expect(throws: error) { try MultipartParser(contentType: type) }
    }

    @Test(
        "a part without a name, a header without end and a boundary followed by other bytes are refused",
        arguments: [
            ("--X\r\nContent-Type: a/b\r\n\r\n", MultipartError.badHeader), ("--X\r\nnonsense\r\n\r\n", .badHeader),
            ("--X\r\n" + String(repeating: "a", count: 9000), .longHeader), ("--Xtra\r\n", .badDelimiter),
        ]) func damaged(form: String, error: MultipartError) throws
    {
        var parser = try MultipartParser(contentType: "multipart/form-data; boundary=X")
        #expect(throws: error) { try parser.take(form.utf8) }
    }

    @Test("a truncated form is not complete") func cutShort() throws {
        var parser = try MultipartParser(contentType: Self.type)
        _ = try parser.take(Self.form.utf8.prefix(Self.form.utf8.count - 20))
        #expect(!parser.isComplete)
    }
}
