/// The best way through states, each frame in one of them, never back: dynamic time warping where frames are not skipped
/// (as in Whisper's word times; Sakoe and Chiba 1978).
package enum MonotonicPath {
    /// The state of each frame.
    ///
    /// - Parameters:
    ///   - scores: how well each state suits each frame, `[frames][states]`; the path has the largest sum.
    ///   - mayBeSkipped: states that need no frame; no two of them are neighbours.
    /// - Returns: nil where there are fewer frames than states that need one.
    package static func states(_ scores: [[Double]], mayBeSkipped: [Bool]) -> [Int]? {
        let count = mayBeSkipped.count
        guard !scores.isEmpty, count > 0, scores.count >= mayBeSkipped.count(where: { !$0 }) else { return nil }
        var best = (0..<count).map { $0 == 0 || $0 == 1 && mayBeSkipped[0] ? scores[0][$0] : -.infinity }
        // How many states were gone forward to reach each.
        var steps: [[UInt8]] = [[UInt8](repeating: 0, count: count)]
        for frame in scores.dropFirst() {
            var (next, taken) = (best, [UInt8](repeating: 0, count: count))
            for state in 0..<count {
                if state >= 1, best[state - 1] > next[state] { (next[state], taken[state]) = (best[state - 1], 1) }
                if state >= 2, mayBeSkipped[state - 1], best[state - 2] > next[state] { (next[state], taken[state]) = (best[state - 2], 2) }
                next[state] += frame[state]
            }
            best = next
            steps.append(taken)
        }
        var state = count >= 2 && mayBeSkipped[count - 1] && best[count - 2] > best[count - 1] ? count - 2 : count - 1
        guard best[state] > -.infinity else { return nil }
        var path: [Int] = []
        for taken in steps.reversed() {
            path.append(state)
            state -= Int(taken[state])
        }
        return path.reversed()
    }
}
