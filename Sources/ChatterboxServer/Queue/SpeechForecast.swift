/// Estimates when the first sound of a new request would come, from the times of earlier requests.
///
/// Requests that are spoken at the same time share the machine. Their work is therefore counted in seconds that they would take alone: each gets its
/// share of each second that passes. The work ahead of a new request is that of the requests admitted before it, divided among the places; then it
/// shares the machine until its first sound. Each estimate is compared with the measured time, and later estimates are multiplied by a factor that
/// all but a few of these ratios did not exceed.
struct SpeechForecast: Sendable {
    /// The seconds alone to a request's first sound, a moving mean; nil before the first one.
    private var first: Double?
    /// The recent seconds alone, and the characters spoken in them; the mean number of characters of a request.
    private var work = 0.0, characters = 0.0
    private var length = 0.0
    /// The recent ratios of measured to estimated times.
    private var misses = [1.5]

    /// The seconds alone to the first sound and to the end, before anything has been measured.
    private static let firstAtFirst = 0.3, workAtFirst = 0.6
    private static let remembered = 200
    /// The share of requests that should take no longer than estimated.
    private static let certainty = 0.99
    /// Seconds that are added to both times before they are compared, so that short times count less.
    private static let grain = 0.25
    /// The largest ratio that is recorded, so that a pause of the machine does not raise the estimates permanently.
    private static let most = 4.0

    /// Records that a first sound came after this many seconds alone, or had not come after more seconds than most take.
    mutating func recordFirstSound(after seconds: Double, hasCome: Bool = true) {
        guard hasCome || seconds > first ?? 0 else { return }
        first = first.map { $0 + (seconds - $0) * 0.1 } ?? seconds
    }

    /// Records that a text was spoken in this many seconds alone, or cancelled after more than estimated.
    mutating func spoke(_ text: Int, in seconds: Double, toTheEnd: Bool = true) {
        guard toTheEnd || seconds > work(of: text) else { return }
        length = characters > 0 ? length + (Double(text) - length) * 0.1 : Double(text)
        work = work * 0.95 + seconds
        characters = characters * 0.95 + Double(max(1, text))
    }

    /// Whether a first sound has been measured yet.
    var isFounded: Bool { first != nil }

    /// Records the measured time for an estimate, if there was one: the seconds until the first sound, or until the request was cancelled.
    mutating func compare(_ expected: Double?, with seconds: Double, hasCome: Bool = true) {
        guard let expected else { return }
        let miss = min(Self.most, (seconds + Self.grain) / (expected + Self.grain))
        guard hasCome || miss > factor else { return }
        misses.append(miss)
        if misses.count > Self.remembered { misses.removeFirst() }
    }

    private var factor: Double { misses.sorted()[Int(Double(misses.count - 1) * Self.certainty + 0.5)] }

    /// The seconds alone that a text takes; if its length is not known, those of a mean text.
    func work(of text: Int?) -> Double { characters > 0 ? (text.map(Double.init) ?? length) * work / characters : Self.workAtFirst }

    /// The mean estimate of the seconds to the first sound of a new request.
    ///
    /// - Parameters:
    ///   - speaking: the remaining work of each request with a place, in seconds alone.
    ///   - waiting: the work of each waiting request, in order.
    func seconds(behind speaking: [Double], waiting: [Double], places: Int) -> Double {
        let first = first ?? Self.firstAtFirst
        guard speaking.count >= places else { return first * Double(speaking.count + 1) }
        var left = speaking.sorted(), time = 0.0
        // A place becomes free for each waiting request, and then for this one.
        for next in waiting + [.infinity] {
            let soonest = left.removeFirst()
            time += soonest * Double(left.count + 1)
            left = left.map { $0 - soonest }
            left.insert(next, at: left.firstIndex { $0 > next } ?? left.endIndex)
        }
        return time + first * Double(places)
    }

    /// The seconds that only few requests with this estimate exceed.
    func bound(_ seconds: Double) -> Double { (seconds + Self.grain) * factor - Self.grain }
}
