/// Who may speak, who waits for a place, and who is refused: because too many wait, or because the first sound would be late. Pure: it
/// knows no clock and no task; its times are seconds since any moment.
///
/// Where nobody speaks everybody is let in, so that a machine that was slow once is tried again.
struct SpeechAdmission: Sendable {
    /// What becomes of a request that comes.
    enum Answer: Hashable, Sendable {
        case speak, wait
        /// Too many wait already; its first sound would come after so many seconds.
        case refuseFull(expected: Double)
        case refuseLate(expected: Double)
    }

    private struct Request {
        /// nil where it is no text.
        let characters: Int?
        let asked: Double
        /// Seconds to its first sound that were expected in the mean; nil where nothing was known.
        let expected: Double?
        /// Seconds that it waited for its place; nil while it does.
        var waited: Double?
        /// When it began to be spoken, and the seconds alone that each had had until then.
        var begin: (time: Double, alone: Double)?
        var isHeard = false
        /// Whether there is nothing left to be computed.
        var isSpoken = false
    }

    let places, length: Int
    let patience: Double
    private(set) var forecast = SpeechForecast()
    private var requests: [Int: Request] = [:]
    /// In the order of their coming.
    private var waiting: [Int] = []
    /// Seconds alone that each request has had that was spoken all the time, until a time.
    private var alone = 0.0, until = 0.0

    /// - Parameters:
    ///   - places: requests that are spoken at once.
    ///   - length: requests that may wait.
    ///   - patience: seconds within which the first sound of a request must be expected.
    init(places: Int, length: Int, patience: Double) { (self.places, self.length, self.patience) = (places, length, patience) }

    /// Requests that have a place, and that wait for one.
    var load: (running: Int, waiting: Int) { (requests.count - waiting.count, waiting.count) }

    /// A request comes.
    ///
    /// - Parameter characters: of its text; nil for what is no text.
    mutating func enter(_ id: Int, characters: Int?, at time: Double) -> Answer {
        pass(to: time)
        let running = requests.values.filter { $0.waited != nil }
        let expected = forecast.seconds(
            behind: running.map(remaining), waiting: waiting.map { remaining(requests[$0]!) }, places: places)
        let isFree = running.count < places, bound = forecast.bound(expected)
        if !isFree, waiting.count >= length { return .refuseFull(expected: bound) }
        if bound > patience, !running.isEmpty { return .refuseLate(expected: bound) }
        requests[id] = Request(characters: characters, asked: time, expected: forecast.isFounded ? expected : nil, waited: isFree ? 0 : nil)
        if !isFree { waiting.append(id) }
        return isFree ? .speak : .wait
    }

    /// The model and the voice are there: the model begins to speak.
    mutating func begin(_ id: Int, at time: Double) {
        pass(to: time)
        if requests[id]?.begin == nil { requests[id]?.begin = (time, alone) }
    }

    /// A sound has come.
    mutating func sound(_ id: Int, at time: Double) {
        pass(to: time)
        guard let request = requests[id], !request.isHeard, let begin = request.begin, let waited = request.waited else { return }
        requests[id]!.isHeard = true
        forecast.heard(after: alone - begin.alone)
        forecast.compare(request.expected, with: waited + time - begin.time)
    }

    /// All is spoken; who listens may still take it.
    mutating func end(_ id: Int, at time: Double) {
        pass(to: time)
        guard let request = requests[id], let begin = request.begin else { return }
        requests[id]!.isSpoken = true
        if let characters = request.characters { forecast.spoke(characters, in: alone - begin.alone) }
    }

    /// A request goes away: it gives its place back, or gives up waiting.
    ///
    /// - Returns: who has the place now.
    mutating func leave(_ id: Int, at time: Double) -> Int? {
        pass(to: time)
        guard let request = requests.removeValue(forKey: id) else { return nil }
        guard let waited = request.waited else {
            waiting.removeAll { $0 == id }
            forecast.compare(request.expected, with: time - request.asked, hasCome: false)
            return nil
        }
        if let begin = request.begin, !request.isSpoken {
            if !request.isHeard {
                forecast.heard(after: alone - begin.alone, hasCome: false)
                forecast.compare(request.expected, with: waited + time - begin.time, hasCome: false)
            }
            if let characters = request.characters { forecast.spoke(characters, in: alone - begin.alone, toTheEnd: false) }
        }
        guard !waiting.isEmpty else { return nil }
        let next = waiting.removeFirst()
        requests[next]!.waited = time - requests[next]!.asked
        return next
    }

    /// What is still to be done for a request, in seconds alone. One that has taken longer than was expected may take longer still.
    private func remaining(_ request: Request) -> Double {
        if request.isSpoken { return 0 }
        let work = forecast.work(of: request.characters)
        return max(work - (request.begin.map { alone - $0.alone } ?? 0), work / 4)
    }

    /// Each request that is spoken has had its share of the time that has passed.
    private mutating func pass(to time: Double) {
        let speaking = requests.values.count { $0.begin != nil && !$0.isSpoken }
        alone += max(0, time - until) / Double(max(1, speaking))
        until = time
    }
}
