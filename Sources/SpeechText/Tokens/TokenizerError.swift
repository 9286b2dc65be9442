import FileSupport
import Foundation

/// A tokenizer file that cannot be used.
public enum TokenizerError: Error, CustomStringConvertible {
    case unreadable(URL, reason: String)
    case malformed(URL, problem: String)

    public var description: String {
        switch self {
        case .unreadable(let url, let reason): "\(url.path): cannot be read (\(reason)); check the path"
        case .malformed(let url, let problem):
            "\(url.path): not a tokenizer this model can use: \(problem.shown(limit: 200)); download it again"
        }
    }
}
