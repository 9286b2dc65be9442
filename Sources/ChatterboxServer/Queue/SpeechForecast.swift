/// When a request that comes now would be heard, by how long others took.
///
/// Requests that are spoken share the machine. So their work is counted in seconds that they would take alone: of each second that
/// passes, each has its share. What is still to be done ahead of a new request is the work of those that were let in before it, a place
/// at a time; then it shares the machine until its first sound. What this comes to is compared with what came of it, and the next
/// expectations are as much longer as all but few of these were.
struct SpeechForecast: Sendable {
    /// Seconds alone until a request's first sound, a moving mean; nil before the first.
    private var first: Double?
    /// Seconds alone, and characters that were spoken in them, of late; a request's mean number of characters.
    private var work = 0.0, characters = 0.0
    private var length = 0.0
    /// How many times as long as expected the last ones took.
    private var misses = [1.5]

    /// Seconds alone until the first sound, and to the end, as long as nothing is known.
    private static let firstAtFirst = 0.3, workAtFirst = 0.6
    private static let remembered = 200
    /// The share of requests that take no longer than is said.
    private static let certainty = 0.99
    /// Seconds that count for nothing in a comparison.
    private static let grain = 0.25
    /// A machine that stood still for a while is not slow for ever.
    private static let most = 4.0

    /// Takes in that a first sound came after so many seconds alone, or had not come after more than most take.
    mutating func heard(after seconds: Double, hasCome: Bool = true) {
        guard hasCome || seconds > first ?? 0 else { return }
        first = first.map { $0 + (seconds - $0) * 0.1 } ?? seconds
    }

    /// Takes in that a text was spoken in so many seconds alone, or given up after more than expected.
    mutating func spoke(_ text: Int, in seconds: Double, toTheEnd: Bool = true) {
        guard toTheEnd || seconds > work(of: text) else { return }
        length = characters > 0 ? length + (Double(text) - length) * 0.1 : Double(text)
        work = work * 0.95 + seconds
        characters = characters * 0.95 + Double(max(1, text))
    }

    /// Whether anybody has been heard yet.
    var isFounded: Bool { first != nil }

    /// Takes in what came of an expectation, if there was one: the seconds that it took, or after which it was given up.
    mutating func compare(_ expected: Double?, with seconds: Double, hasCome: Bool = true) {
        guard let expected else { return }
        let miss = min(Self.most, (seconds + Self.grain) / (expected + Self.grain))
        guard hasCome || miss > factor else { return }
        misses.append(miss)
        if misses.count > Self.remembered { misses.removeFirst() }
    }

    private var factor: Double { misses.sorted()[Int(Double(misses.count - 1) * Self.certainty + 0.5)] }

    /// Seconds alone that a text takes; one of usual length where it is not known.
    func work(of text: Int?) -> Double { characters > 0 ? (text.map(Double.init) ?? length) * work / characters : Self.workAtFirst }

    /// Seconds to the first sound of a request that comes now, in the mean.
    ///
    /// - Parameters:
    ///   - speaking: what is still to be done for each that has a place, in seconds alone.
    ///   - waiting: what is to be done for each that waits, in their order.
    func seconds(behind speaking: [Double], waiting: [Double], places: Int) -> Double {
        let first = first ?? Self.firstAtFirst
        guard speaking.count >= places else { return first * Double(speaking.count + 1) }
        var left = speaking.sorted(), time = 0.0
        // A place becomes free for each who waits, and then for this one.
        for next in waiting + [.infinity] {
            let soonest = left.removeFirst()
            time += soonest * Double(left.count + 1)
            left = left.map { $0 - soonest }
            left.insert(next, at: left.firstIndex { $0 > next } ?? left.endIndex)
        }
        return time + first * Double(places)
    }

    /// Seconds that few requests exceed of which so many are expected.
    func bound(_ seconds: Double) -> Double { (seconds + Self.grain) * factor - Self.grain }
}
