import Chatterbox
import Foundation
import TestSupport
import Testing

@testable import ChatterboxServer

/// Untrusted bodies of requests.
@Suite("Bodies of requests") struct SpeechOrderTests {
    private func order(_ more: String, isStrict: Bool = false) throws -> SpeechOrder {
        try SpeechOrder(Data(#"{"model":"tts-1","input":"Hello.","voice":"alloy"\#(more)}"#.utf8), limit: 100, isStrict: isStrict)
    }

    @Test("requested pauses have their values, and others their defaults") func pauses() throws {
        let options = try order(#","pauses":{"sentence":0.5,"paragraph":2}"#).options(watermark: false, wordTimes: false)
        #expect(options.pauses == Pauses(sentence: 0.5, paragraph: 2))
        #expect(try order("").options(watermark: false, wordTimes: false).pauses == .standard)
        #expect(try order(#","pauses":null"#).options(watermark: false, wordTimes: false).pauses == .standard)
    }

    @Test(
        "an error names invalid pauses",
        arguments: [
            (#"{"line":1}"#, "pauses is line; allowed is word, clause, sentence, paragraph"),
            (#"{"word":-1}"#, "pauses is word -1.0; allowed is 0 to 60 s"),
            (#"{"word":"long"}"#, "pauses must be an object of numbers"), ("0.5", "pauses must be an object of numbers"),
        ]) func wrongPauses(pauses: String, message: String) throws
    {
        let error = try #require(throws: APIError.self) { try order(#","pauses":\#(pauses)"#).options(watermark: false, wordTimes: false) }
        #expect(error.message == message && error.parameter == "pauses" && error.status == .badRequest)
    }

    // MARK: damaged bodies

    private func seeds(_ name: String) throws -> [Data] {
        let folder = fixturesFolder.deletingLastPathComponent().appending(path: "Fuzz/Seeds/\(name)")
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map { try Data(contentsOf: folder.appending(path: $0)) }
    }

    @Test("a damaged request is a request within its limits or an error, and JSON is written as it was read") func damagedOrders() throws {
        var mutations = Mutations(of: try seeds("order"), seed: 11), orders = 0, errors = 0
        for _ in 0..<Mutations.rounds * 10 {
            let body = mutations.next()
            if let json = try? JSON(parsing: body) { #expect(try JSON(parsing: Data(json.text.utf8)) == json) }
            do {
                let order = try SpeechOrder(body, limit: 1000, isStrict: false)
                #expect(order.input.unicodeScalars.count <= 1000 && !order.voice.isEmpty)
                _ = try order.options(watermark: true, wordTimes: order.wantsWords)
                orders += 1
            } catch is APIError { errors += 1 }
        }
        #expect(orders > 0 && errors > 0)
    }

    @Test("a damaged form gives the same result as a whole and in pieces") func damagedForms() throws {
        var mutations = Mutations(of: try seeds("form"), seed: 12), random = SeededRandom(seed: 13), forms = 0, errors = 0
        for _ in 0..<Mutations.rounds * 10 {
            let bytes = mutations.next(), end = bytes.firstIndex(of: UInt8(ascii: "\n")) ?? bytes.endIndex
            let body = Array(bytes[end...].dropFirst())
            guard var whole = try? MultipartParser(contentType: String(decoding: bytes[..<end], as: UTF8.self)) else { continue }
            var pieces = whole
            let expected = try? whole.take(body)
            let found: [MultipartParser.Event]? = try? {
                var events: [MultipartParser.Event] = [], start = 0
                while start < body.count {
                    let next = min(body.count, start + Int.random(in: 1...67, using: &random))
                    events += try pieces.take(body[start..<next])
                    start = next
                }
                return events
            }()
            #expect(expected.map(joined) == found.map(joined), "\(bytes.base64EncodedString())")
            if expected == nil { errors += 1 } else { forms += 1 }
        }
        #expect(forms > 0 && errors > 0)
    }

    /// Joins consecutive data events.
    private func joined(_ events: [MultipartParser.Event]) -> [MultipartParser.Event] {
        events.reduce(into: []) { all, event in
            if case .data(let more) = event, case .data(let before)? = all.last {
                all[all.count - 1] = .data(before + more)
            } else {
                all.append(event)
            }
        }
    }
}
