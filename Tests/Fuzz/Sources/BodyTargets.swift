import Foundation

@testable import ChatterboxServer

/// The body of a request for speech.
func readOrder(_ data: Data) throws {
    if let json = try? JSON(parsing: data) {
        let again = try JSON(parsing: Data(json.text.utf8))
        precondition(again == json, "JSON is read otherwise than it was written")
    }
    for isStrict in [false, true] {
        guard let order = try? SpeechOrder(data, limit: 1000, isStrict: isStrict) else { continue }
        precondition(order.input.unicodeScalars.count <= 1000 && !order.voice.isEmpty, "an order that is beyond its limits")
        precondition(!isStrict || order.warnings.allSatisfy { $0.hasPrefix("instructions") }, "an unknown field is taken")
        _ = try? order.options(watermark: true, wordTimes: order.wantsWords)
    }
}

/// The type of a form on the first line, then the form, parsed as a whole and in pieces whose sizes depend on its bytes.
func readForm(_ data: Data) throws {
    let end = data.firstIndex(of: UInt8(ascii: "\n")) ?? data.endIndex
    let type = String(decoding: data[..<end], as: UTF8.self), body = Array(data[end...].dropFirst())
    var whole = try MultipartParser(contentType: type), pieces = whole
    let expected = Result { try whole.take(body) }
    let found = Result {
        var events: [MultipartParser.Event] = [], start = 0
        while start < body.count {
            let next = min(body.count, start + 1 + Int(body[start] % 67))
            events += try pieces.take(body[start..<next])
            start = next
        }
        return events
    }
    switch (expected, found) {
    case (.success(let expected), .success(let found)):
        precondition(joined(expected) == joined(found) && whole.isComplete == pieces.isComplete, "a form is read otherwise in pieces")
    case (.failure, .failure): break
    default: preconditionFailure("a form is refused whole or in pieces alone")
    }
}

/// Joins consecutive data events.
private func joined(_ events: [MultipartParser.Event]) -> [MultipartParser.Event] {
    events.reduce(into: []) { all, event in
        if case .data(let more) = event, case .data(let before)? = all.last { all[all.count - 1] = .data(before + more) } else { all.append(event) }
    }
}
