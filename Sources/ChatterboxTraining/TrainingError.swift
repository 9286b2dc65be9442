import Foundation

/// Why training cannot begin or go on.
public enum TrainingError: Error, CustomStringConvertible, Equatable {
    case manifest(URL, line: Int?, problem: String)
    case noExamples(URL, split: String)
    case checkpoint(URL, problem: String)
    case diverged(step: Int, group: String, what: String)
    case missing(URL, Part)
    /// A file of features was made of other recordings than the manifest lists.
    case features(URL)

    /// What a file that another step of training writes holds.
    public enum Part: String, Sendable {
        case speechTokens = "speech tokens", speakerEmbeddings = "speaker embeddings"
    }

    public var description: String {
        switch self {
        case .manifest(let url, let line, let problem):
            "\(url.path)\(line.map { ", line \($0)" } ?? ""): \(problem); a manifest has one JSON object a line with audio, text and speaker"
        case .noExamples(let url, let split): "\(url.path): no utterances in the split \"\(split)\""
        case .checkpoint(let url, let problem):
            "\(url.path): \(problem); remove the file to begin anew, or give the options it was made with"
        case .diverged(let step, let group, let what):
            "step \(step): the \(what) of \"\(group)\" is no longer a number; train with a lower rate"
        case .missing(let url, let part): "\(url.path): no such file; it should hold \(part.rawValue)"
        case .features(let url): "\(url.path) was made of other recordings than the manifest lists now"
        }
    }
}
