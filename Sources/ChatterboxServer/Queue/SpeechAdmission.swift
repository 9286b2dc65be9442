/// Decides which requests are spoken, which wait for a place, and which are refused, because too many wait or because their first sound would be
/// late. It uses no clock and no tasks: all times are seconds relative to any fixed moment.
///
/// If no request is being spoken, every request is admitted, so that a machine that was slow for a while is used again.
struct SpeechAdmission: Sendable {
    /// The decision about a new request.
    enum Answer: Hashable, Sendable {
        case speak, wait
        /// Too many requests wait; the first sound of this one would come after this many seconds.
        case refuseFull(expected: Double)
        case refuseLate(expected: Double)
    }

    private struct Request {
        /// nil if the request has no text.
        let characters: Int?
        let asked: Double
        /// The mean estimate of the seconds to the first sound; nil if there was none.
        let expected: Double?
        /// The seconds that it waited for its place; nil while it waits.
        var waited: Double?
        /// When the model began to speak, and the value of `alone` at that time.
        var begin: (time: Double, alone: Double)?
        var isHeard = false
        /// Whether everything has been computed.
        var isSpoken = false
    }

    let places, length: Int
    let patience: Double
    private(set) var forecast = SpeechForecast()
    private var requests: [Int: Request] = [:]
    /// In order of arrival.
    private var waiting: [Int] = []
    /// The computing seconds that a request has received if it was spoken all the time, up to the time `until`.
    private var alone = 0.0, until = 0.0

    /// - Parameters:
    ///   - places: the number of requests that are spoken at the same time.
    ///   - length: the number of requests that may wait.
    ///   - patience: a request is refused if its first sound is expected after more than this many seconds.
    init(places: Int, length: Int, patience: Double) { (self.places, self.length, self.patience) = (places, length, patience) }

    /// The numbers of requests that have a place, and that wait for one.
    var load: (running: Int, waiting: Int) { (requests.count - waiting.count, waiting.count) }

    /// Adds a new request.
    ///
    /// - Parameter characters: the length of its text; nil if it has no text.
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

    /// The model and the voice are loaded, and the model begins to speak.
    mutating func begin(_ id: Int, at time: Double) {
        pass(to: time)
        if requests[id]?.begin == nil { requests[id]?.begin = (time, alone) }
    }

    /// Sound has been computed.
    mutating func sound(_ id: Int, at time: Double) {
        pass(to: time)
        guard let request = requests[id], !request.isHeard, let begin = request.begin, let waited = request.waited else { return }
        requests[id]!.isHeard = true
        forecast.recordFirstSound(after: alone - begin.alone)
        forecast.compare(request.expected, with: waited + time - begin.time)
    }

    /// Everything has been computed; the client may still be receiving.
    mutating func end(_ id: Int, at time: Double) {
        pass(to: time)
        guard let request = requests[id], let begin = request.begin else { return }
        requests[id]!.isSpoken = true
        if let characters = request.characters { forecast.spoke(characters, in: alone - begin.alone) }
    }

    /// Removes a request, which frees its place or stops waiting.
    ///
    /// - Returns: the request that gets the place.
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
                forecast.recordFirstSound(after: alone - begin.alone, hasCome: false)
                forecast.compare(request.expected, with: waited + time - begin.time, hasCome: false)
            }
            if let characters = request.characters { forecast.spoke(characters, in: alone - begin.alone, toTheEnd: false) }
        }
        guard !waiting.isEmpty else { return nil }
        let next = waiting.removeFirst()
        requests[next]!.waited = time - requests[next]!.asked
        return next
    }

    /// The remaining work of a request, in computing seconds. A request that has taken longer than estimated may take still longer.
    private func remaining(_ request: Request) -> Double {
        if request.isSpoken { return 0 }
        let work = forecast.work(of: request.characters)
        return max(work - (request.begin.map { alone - $0.alone } ?? 0), work / 4)
    }

    /// Adds each request's share of the time that has passed.
    private mutating func pass(to time: Double) {
        let speaking = requests.values.count { $0.begin != nil && !$0.isSpoken }
        alone += max(0, time - until) / Double(max(1, speaking))
        until = time
    }
}
