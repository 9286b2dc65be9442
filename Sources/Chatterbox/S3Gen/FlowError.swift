/// Why speech tokens cannot become a mel spectrogram.
public enum FlowError: Error, Equatable, CustomStringConvertible {
    case configuration(String)
    case noTokens
    case tokenOutOfRange(Int, limit: Int)
    case chunkTooShort(tokens: Int, lookahead: Int)
    case promptLength(tokens: Int, frames: Int, framesPerToken: Int)
    case shape(String, expected: String, found: [Int])
    case steps(Int)

    public var description: String {
        switch self {
        case .configuration(let problem):
            "The flow's configuration is impossible: \(problem)."
        case .noTokens:
            "There are no speech tokens to turn into sound."
        case .tokenOutOfRange(let token, let limit):
            "Speech token \(token) is outside 0..<\(limit); drop control tokens before the flow."
        case .chunkTooShort(let tokens, let lookahead):
            "A chunk that is not the last needs more than the \(lookahead) tokens of lookahead; found \(tokens)."
        case .promptLength(let tokens, let frames, let framesPerToken):
            "A prompt of \(tokens) tokens goes with \(tokens * framesPerToken) mel frames; found \(frames)."
        case .shape(let name, let expected, let found):
            "\(name) must have shape \(expected); found \(found)."
        case .steps(let steps):
            "The flow needs at least 1 step; found \(steps)."
        }
    }
}
